"""A jump from before the lock is taken leads to a label that releases it.

The early exits of a function jump to the label that undoes what was done so far. When a lock is
taken later in the function, a `goto` that stands before it must not pass the unlock: that would
release a lock which this path does not hold, or another task does.

It is fine where the caller holds the lock and the function drops it for a while.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from reviewer.c.lockops import lock_ops, may_take_between, next_releases, release_ahead
from reviewer.c.onward import follows, gotos, labels, statement_of
from reviewer.c.unit import GAP
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.lockops import LockOp
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_MOST_JUMPS = 200
_NAMED = ("unlock", "up_read", "up_write")


def check(source: Source) -> Iterator[Finding]:
    """Gotos that stand before the first acquire of a lock and surely reach its release."""
    for function in source.touched_with({"goto"}):
        if not function.takes_locks or not function.header_shown:
            continue
        if function.must_hold or function.releases:
            continue
        firsts = _first_ops(function)
        named = labels(function) if firsts else {}
        for goto in islice(gotos(function), _MOST_JUMPS) if named else ():
            wrong = _not_held(source, function, goto, firsts, named)
            if wrong is not None:
                yield _finding(function, goto, *wrong)
                break


def _not_held(
    source: Source,
    function: Function,
    goto: Node,
    firsts: Mapping[tuple[str, str], LockOp],
    named: Mapping[str, Node],
) -> tuple[LockOp, Call] | None:
    """The acquire that this jump comes before, and the release that it leads to."""
    for release in next_releases(function, goto, named):
        first = firsts.get(release.lock)
        if first is not None and _too_early(source, function, goto, first, release):
            return first, release.call
    return None


def _first_ops(function: Function) -> dict[tuple[str, str], LockOp]:
    """The locks of which the first operation takes them."""
    firsts: dict[tuple[str, str], LockOp] = {}
    for op in lock_ops(function):
        firsts.setdefault(op.lock, op)
    return {
        lock: op
        for lock, op in firsts.items()
        if op.acquires and op.call.statement and op.family.endswith(_NAMED)
    }


def _too_early(
    source: Source, function: Function, goto: Node, first: LockOp, release: LockOp
) -> bool:
    """Whether the goto stands before the lock is taken, and nothing hides another taker."""
    taken = statement_of(first.call.node)
    body = function.node.child_by_field_name("body")
    if body is None or taken.parent != body or not _leads_there(goto, taken):
        return False
    if not goto.start_byte < taken.start_byte < release.call.node.start_byte:
        return False
    if GAP in function.unit.masked[body.start_byte : taken.start_byte]:
        return False
    if may_take_between(source, function, first.lock, body.start_byte, goto.start_byte):
        return False
    return release_ahead(source, function, goto, first.lock) is not None


def _leads_there(goto: Node, taken: Node) -> bool:
    """Whether the acquire stands behind the statement of the body that the goto is in."""
    top = goto
    while top.parent is not None and top.parent != taken.parent:
        top = top.parent
    return top.type == "if_statement" and follows(top, taken)


def _finding(function: Function, goto: Node, first: LockOp, release: Call) -> Finding:
    span = function.span(goto) or first.call.span
    return Finding(
        span=span,
        message=f"{first.key} is not held yet here, but this jump leads to {release.name}()",
        function=function.name,
        evidence=(
            Evidence(first.call.span, f"{first.key} is only taken here"),
            Evidence(release.span, "and released here"),
        ),
        fix=Fix(f"return directly, or jump to a label behind the {release.name}()"),
    )


rule = Rule(
    title="A jump to an unlock from before the lock is taken",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"goto"}),
    links=("https://docs.kernel.org/process/coding-style.html",),
)
