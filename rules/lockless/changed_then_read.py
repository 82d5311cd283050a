"""An atomic variable is changed, and then read to learn what became of it.

Each step is atomic, the pair is not: between `atomic_dec()` and `atomic_read()` another CPU can
change the count as well. Then two of them see zero, or none does. `atomic_dec_and_test()`,
`atomic_inc_return()` and their kin change it and tell the new value in one step.

It is fine under a lock that all who change it take.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.locks import lock_key
from reviewer.c.onward import onward, statement_of
from reviewer.c.tested import is_serialised
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_READS = frozenset({"atomic_read", "atomic64_read", "atomic_long_read"})
_CHANGE = re.compile(r"(atomic(?:64|_long)?)_(?:inc|dec|add|sub)\Z")
_VALUE = frozenset(
    {"binary_expression", "parenthesized_expression", "unary_expression", "cast_expression"}
)
_USES = frozenset({"assignment_expression", "init_declarator", "return_statement", "if_statement"})


def check(source: Source) -> Iterator[Finding]:
    """Reads in the statement that follows the change of the same variable."""
    for function in source.touched_with(_READS):
        for change in function.calls:
            if change.statement and change.arguments and _CHANGE.match(change.name):
                read = _read_next(function, change)
                if read is not None and function.flow.at(read.node).surely_none:
                    yield _finding(function, change, read)


def _read_next(function: Function, change: Call) -> Call | None:
    """The read of the same variable in the next statement, or in the condition of it."""
    family = _CHANGE.match(change.name)
    following = next(onward(function, statement_of(change.node)), None)
    if change.cut or family is None or following is None:
        return None
    # `atomic_inc(&v)` has the count first or last: `atomic_add(1, &v)`.
    what = lock_key(change.arguments[-1])
    area = following.child_by_field_name("condition") or following
    for read in function.calls:
        if read.name == f"{family[1]}_read" and read.arguments and _is_used(read.node):
            inside = area.start_byte <= read.node.start_byte < area.end_byte
            if inside and lock_key(read.arguments[0]) == what:
                return None if is_serialised(function, what) else read
    return None


def _is_used(node: Node) -> bool:
    """Whether the value is kept or decides, and does not go to a warning or message."""
    above = node.parent
    while above is not None and above.type in _VALUE:
        above = above.parent
    return above is not None and above.type in _USES


def _finding(function: Function, change: Call, read: Call) -> Finding:
    what = lock_key(read.arguments[0])
    return Finding(
        span=read.span,
        message=f"{what} is changed and then read in two steps: another CPU can change it in "
        "between, so this need not be the value that this caller left",
        function=function.name,
        evidence=(Evidence(change.span, "changed here"),),
        fix=Fix(f"use {change.name}_return(), or its _and_test() form"),
        confidence=Confidence.HUNCH if _is_bounded(read) else None,
    )


def _is_bounded(read: Call) -> bool:
    """Whether a bound is asked for: many may be passed by a little."""
    above = read.node.parent
    sign = None if above is None else above.child_by_field_name("operator")
    return sign is not None and sign.type in ("<", ">", "<=", ">=")


rule = Rule(
    title="An atomic variable is changed and read in two steps",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_READS,
    links=("https://docs.kernel.org/core-api/wrappers/atomic_t.html",),
)
