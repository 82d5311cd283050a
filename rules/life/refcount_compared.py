"""The value of a reference count decides what is done.

`refcount_read()` says what the count was. Another holder can drop or take a reference before the
next line: two of them can both read 2 and both go on, or neither. Only the operation that changes
the count knows: let `refcount_dec_and_test()` or `kref_put()` decide, or test it under the lock
under which references are taken and dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.tested import is_serialised
from reviewer.model import Confidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_READS = frozenset({"refcount_read", "kref_read"})
_COMPARES = frozenset({"==", "!=", ">", "<", ">=", "<="})
_PASSED = frozenset({"binary_expression", "parenthesized_expression", "unary_expression"})
_REPORTS = ("_show", "_dump", "_print", "_open")


def check(source: Source) -> Iterator[Finding]:
    """Comparisons of a count with more than zero, in an `if`, with no lock held."""
    for function in source.touched_with(_READS):
        if (function.name or "").endswith(_REPORTS):
            continue
        for read in function.calls:
            if read.name not in _READS or not read.arguments or read.cut:
                continue
            if _decides(function, read) and function.flow.at(read.node).surely_none:
                yield _finding(function, read)


def _decides(function: Function, read: Call) -> bool:
    compared = read.node.parent
    if compared is None or compared.type != "binary_expression":
        return False
    sign, right = (compared.child_by_field_name(each) for each in ("operator", "right"))
    if sign is None or sign.type not in _COMPARES or right is None:
        return False
    if function.text(right) == "0" or (sign.type in ("<", ">=") and function.text(right) == "1"):
        return False
    return _is_condition(compared) and not is_serialised(function, read.arguments[0].lstrip("&"))


def _is_condition(node: Node) -> bool:
    below, above = node, node.parent
    while above is not None and above.type in _PASSED:
        below, above = above, above.parent
    if above is None or above.type != "if_statement":
        return False
    return above.child_by_field_name("condition") == below


def _finding(function: Function, read: Call) -> Finding:
    what = read.arguments[0].lstrip("& ")
    return Finding(
        span=read.span,
        message=f"{what} can change right after {read.name}(): two holders can both see this "
        "value, or neither, so it must not decide",
        function=function.name,
        fix=Fix("let the operation that drops the reference decide, or hold the lock of its users"),
        # "more than one" is often a hint only: the work that it saves would do no harm.
        confidence=None if _asks_for_one_value(read) else Confidence.HUNCH,
    )


def _asks_for_one_value(read: Call) -> bool:
    compared = read.node.parent
    sign = None if compared is None else compared.child_by_field_name("operator")
    return sign is not None and sign.type in ("==", "!=")


rule = Rule(
    title="A reference count is read to decide",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_READS,
    links=("https://docs.kernel.org/core-api/refcount-vs-atomic.html",),
)
