"""A shared variable is compared, and then changed, in two steps without a lock.

Between `atomic_read()` and `atomic_inc()`, or `READ_ONCE()` and `WRITE_ONCE()`, another CPU can do
the same: a limit is passed, a counter drops below zero, the larger of two values is lost.
`atomic_add_unless()`, `atomic_dec_if_positive()` and `try_cmpxchg()` do both in one step.

It is fine under a lock that all writers take, and with a single writer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.locks import lock_key
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_READS = frozenset({"atomic_read", "atomic64_read", "atomic_long_read", "READ_ONCE"})
_CHANGES = re.compile(r"atomic(?:64|_long)?_(?:inc|dec|add|sub)\Z|WRITE_ONCE\Z")


def check(source: Source) -> Iterator[Finding]:
    """`if (read(v) < n) change(v);`, with no lock held."""
    for function in source.touched:
        if sets_up_or_tears_down(function):
            continue
        for read in function.calls:
            if read.name in _READS and read.arguments and not read.cut:
                change = _change(function, read)
                if change is not None and function.flow.at(read.node).surely_none:
                    yield _finding(function, read, change)


def _change(function: Function, read: Call) -> Call | None:
    """The first statement of the branch, when it changes what the comparison has read."""
    body = _branch(function, read.node)
    if body is not None and body.type == "compound_statement":
        body = next((child for child in body.named_children if child.type != "comment"), None)
    key = lock_key(read.arguments[0])
    for call in function.calls:
        if call.node.parent == body and body is not None and call.arguments and not call.cut:
            # `atomic_inc(&v)` has the count first or last: `atomic_add(1, &v)`.
            keys = {lock_key(call.arguments[0]), lock_key(call.arguments[-1])}
            same = (call.name == "WRITE_ONCE") == (read.name == "READ_ONCE")
            if same and _CHANGES.match(call.name) and key in keys:
                return call
    return None


def _branch(function: Function, node: Node) -> Node | None:
    """What is done when the comparison that `node` is an operand of holds."""
    below, above = node, node.parent
    compares = False
    while above is not None and above.type in ("binary_expression", "parenthesized_expression"):
        sign = above.child_by_field_name("operator")
        compares = compares or (sign is not None and sign.type in ("<", ">", "<=", ">="))
        below, above = above, above.parent
    if above is None or above.type != "if_statement" or not compares:
        return None
    condition = above.child_by_field_name("condition")
    return above.child_by_field_name("consequence") if condition == below else None


def _finding(function: Function, read: Call, change: Call) -> Finding:
    what = lock_key(read.arguments[0])
    return Finding(
        span=change.span,
        message=f"{what} is compared and then changed in two steps with no lock held; another CPU "
        "can change it in between",
        function=function.name,
        evidence=(Evidence(read.span, "compared here"),),
        fix=Fix("use try_cmpxchg(), atomic_add_unless() or the like, which do both in one step"),
    )


rule = Rule(
    title="A shared variable is compared and changed in two steps",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_READS,
    links=("https://docs.kernel.org/core-api/wrappers/atomic_t.html",),
)
