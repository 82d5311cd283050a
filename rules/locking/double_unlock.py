"""A lock is released that this path has released already.

To unlock what is not held corrupts the lock: a mutex is taken away from the task that holds it by
now, a spinlock lets two CPUs in. It mostly comes from a `goto` to a label that unlocks: jump to the
label behind it instead.

It is fine where the lock is taken again in between, also by a helper.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from reviewer.c.facts import releasers
from reviewer.c.lockops import KINDS, lock_ops, may_change_between, next_releases, release_ahead
from reviewer.c.onward import follows, gotos, labels, statement_of
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.lockops import LockOp
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_MOST_JUMPS, _MOST_RELEASES = 200, 60
_NOT_NESTED = ("unlock", "up_read", "up_write")


def check(source: Source) -> Iterator[Finding]:
    """Releases that come a second time on the way from the first one."""
    for function in source.touched:
        if not function.takes_locks:
            continue
        operations = lock_ops(function)
        taken = {op.lock for op in operations if op.acquires and not op.known.shared}
        released = [
            op
            for op in operations
            if not op.acquires
            and op.call.statement
            and op.lock in taken
            and op.family.endswith(_NOT_NESTED)
        ]
        named = labels(function) if released else {}
        jumps = _jumps(function, named) if named else []
        for first in released[:_MOST_RELEASES]:
            if (found := _again(source, function, first, jumps, named)) is not None:
                yield from _finding(function, first, *found)


def _jumps(function: Function, named: Mapping[str, Node]) -> list[tuple[Node, tuple[str, str]]]:
    """The gotos that lead to a release, with each lock that is given back before any is taken."""
    return [
        (goto, op.lock)
        for goto in islice(gotos(function), _MOST_JUMPS)
        for op in next_releases(function, goto, named)
    ]


def _again(
    source: Source,
    function: Function,
    first: LockOp,
    jumps: list[tuple[Node, tuple[str, str]]],
    named: Mapping[str, Node],
) -> tuple[Node, Call] | None:
    """Where the path goes wrong, and the second release."""
    start = statement_of(first.call.node)
    second = release_ahead(source, function, start, first.lock, named)
    if second is not None:
        return second.node, second
    for goto, lock in jumps:
        if (
            lock != first.lock
            or not follows(start, goto)
            or may_change_between(source, function, first.lock, start.end_byte, goto.start_byte)
        ):
            continue
        second = release_ahead(source, function, goto, first.lock, named)
        if second is not None and second.node.id != first.call.node.id:
            return goto, second
    return None


def _finding(function: Function, first: LockOp, at: Node, second: Call) -> Iterator[Finding]:
    span = function.span(at)
    if span is None:
        return
    way = "this jump leads to a second" if at.type == "goto_statement" else "this is a second"
    yield Finding(
        span=span,
        message=f"{first.key} has been released on this path already: {way} {second.name}()",
        function=function.name,
        evidence=(
            Evidence(first.call.span, f"{first.key} is released here"),
            *((Evidence(second.span, "and here again"),) if at != second.node else ()),
        ),
        fix=Fix(f"leave behind the {second.name}(), or do not release {first.key} before"),
    )


rule = Rule(
    title="A lock is released twice on one path",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=releasers(KINDS),
    links=("https://docs.kernel.org/locking/mutex-design.html",),
)
