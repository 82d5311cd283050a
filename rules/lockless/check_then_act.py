"""A shared variable is compared, and then changed, in two steps without a lock.

Between `atomic_read()` and `atomic_inc()`, or `READ_ONCE()` and `WRITE_ONCE()`, another CPU can do
the same: a limit is passed, a counter drops below zero, the larger of two values is lost, two tasks
both find a flag clear and both set it. `atomic_add_unless()`, `atomic_inc_return()`,
`atomic_dec_if_positive()` and `try_cmpxchg()` do both in one step.

It is fine under a lock that all writers take, and with a single writer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.locks import lock_key
from reviewer.c.onward import JUMPS, follows
from reviewer.c.tested import is_serialised
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_READS = frozenset({"atomic_read", "atomic64_read", "atomic_long_read", "READ_ONCE"})
_COUNTS = re.compile(r"atomic(?:64|_long)?_(?:inc|dec|add|sub|inc_return|add_return)\Z")
_RAISES = re.compile(r"_(?:inc|add)(?:_return)?\Z")
_STORES = re.compile(r"atomic(?:64|_long)?_set\Z|WRITE_ONCE\Z")
_CLAIMS = frozenset({"1", "true", "1U", "1UL"})
_FAR = 5  # rows from the comparison to the change
_PASSED = frozenset({"binary_expression", "parenthesized_expression", "unary_expression"})
_ORDER = frozenset({"<", ">", "<=", ">="})


def check(source: Source) -> Iterator[Finding]:
    """Comparisons of what is changed in their branch, or after they have let the caller pass."""
    for function in source.touched_with(_READS):
        for read in function.calls:
            if read.name not in _READS or not read.arguments or read.cut:
                continue
            change = _change(function, read)
            if change is not None and _unlocked(function, read, change):
                yield _finding(function, read, change)


def _unlocked(function: Function, *calls: Call) -> bool:
    return all(function.flow.at(call.node).surely_none for call in calls)


def _change(function: Function, read: Call) -> Call | None:
    """The change that the comparison is made for."""
    test = _test(read.node)
    body = test.branch.child_by_field_name("consequence") if test is not None else None
    if test is None or body is None or is_serialised(function, lock_key(read.arguments[0])):
        return None
    for call in _changes(function, read, test.branch):
        node = call.node.parent
        inside = node is not None and body in (node, node.parent)
        if not inside and not (_leaves(body) and follows(test.branch, call.node)):
            continue
        if test.above is not None:
            # Up to a limit from above, down to one from below.
            raises = _RAISES.search(call.name) is not None
            if raises is (test.above is not inside) if _is_count(call) else inside:
                return call
        elif _lowers(call, test, inside) or (
            _claims(call) and test.free is inside and not sets_up_or_tears_down(function)
        ):
            return call
    return None


@dataclass(frozen=True, slots=True)
class _Test:
    """An `if` that depends on what was read."""

    branch: Node
    above: bool | None  # it holds when the value is above another one; None: no such comparison
    free: bool  # it holds when the value is zero, or equal to something
    plain: bool  # it holds only when the value is not zero


def _test(node: Node) -> _Test | None:
    above: bool | None = None
    free, plain, outer = False, True, node.parent
    while outer is not None and outer.type in _PASSED:
        sign = outer.child_by_field_name("operator")
        plain = plain and (sign is None or sign.type == "&&")
        if sign is not None and sign.type in _ORDER:
            above = (sign.type in (">", ">=")) is (outer.child_by_field_name("left") == node)
        free = free or (sign is not None and sign.type in ("!", "=="))
        node, outer = outer, outer.parent
    if outer is None or outer.type != "if_statement":
        return None
    if outer.child_by_field_name("condition") != node:
        return None
    return _Test(outer, above, free, plain)


def _changes(function: Function, read: Call, branch: Node) -> Iterator[Call]:
    """The statements behind it that change what was read, with an accessor of the same kind."""
    key = lock_key(read.arguments[0])
    for call in function.calls:
        changes = _COUNTS.match(call.name) or _STORES.match(call.name)
        if not changes or call.cut or not call.arguments:
            continue
        if not call.statement and _is_tested_again(function, read, call):
            continue
        # `atomic_inc(&v)` has the count first or last: `atomic_add(1, &v)`.
        keys = {lock_key(call.arguments[0]), lock_key(call.arguments[-1])}
        same = (call.name == "WRITE_ONCE") == (read.name == "READ_ONCE")
        if same and key in keys and call.node.start_byte > branch.start_byte:
            yield call


def _is_tested_again(function: Function, read: Call, change: Call) -> bool:
    """Whether the result of the change may be compared with the same limit."""
    compared, after = read.node.parent, function.unit.masked[change.node.end_byte :]
    sides = compared.named_children if compared is not None else []
    limits = [function.text(side) for side in sides if side != read.node]
    return len(limits) != 1 or limits[0].isdigit() or limits[0] in after


def _is_count(call: Call) -> bool:
    return _COUNTS.match(call.name) is not None


def _claims(call: Call) -> bool:
    """Whether it takes what was free: raises a count, or sets a flag."""
    return call.name.endswith("_inc") or (not _is_count(call) and call.arguments[-1] in _CLAIMS)


def _lowers(call: Call, test: _Test, inside: bool) -> bool:
    """Whether it lowers a count that was found not to be zero."""
    return inside and test.plain and call.name.endswith("_dec")


def _leaves(body: Node) -> bool:
    while body.type == "compound_statement" and body.named_children:
        body = body.named_children[-1]
    return body.type in JUMPS


def _finding(function: Function, read: Call, change: Call) -> Finding:
    """At the change; of a count that is raised much later, at the comparison that is of no use."""
    what = lock_key(read.arguments[0])
    note = Evidence(read.span, "compared here")
    message = "is compared and then changed in two steps"
    at = change
    if _is_count(change) and change.span.line - read.span.last > _FAR:
        at, note = read, Evidence(change.span, "changed here")
        message = f"is compared here and changed by a later {change.name}()"
    return Finding(
        span=at.span,
        message=f"{what} {message} with no lock held; another CPU can change it in between",
        function=function.name,
        evidence=(note,),
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
