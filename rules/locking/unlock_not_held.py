"""A jump leads to the unlock of a lock that this path has not taken.

One branch or `case` takes the lock, another does not, and both leave by the label that releases it:
that releases a lock which nobody holds, or which another task does.

It is fine where the caller holds the lock.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from reviewer.c.facts import lock_call
from reviewer.c.lockops import lock_ops, next_releases, release_ahead
from reviewer.c.locks import variables_in
from reviewer.c.onward import follows, gotos, labels, statement_of
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.lockops import LockOp
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_MOST_JUMPS = 200
# Pages, folios and inodes come locked from those who look them up.
_FAMILIES = frozenset(
    {
        *("mutex_unlock", "spin_unlock", "raw_spin_unlock", "read_unlock", "write_unlock"),
        *("up_read", "up_write", "rtnl_unlock"),
    }
)
_MAY_TAKE = re.compile(r"lock|(?:^|_)(?:acquire|begin|start|enter|down|get|claim|suspend)(?:_|$)")
_GIVES_BACK = re.compile(r"unlock|_locked|(?:^|_)(?:end|finish|release|exit|leave|resume)(?:_|$)")


def check(source: Source) -> Iterator[Finding]:
    """Gotos behind the first acquire in the text, which on their own path hold nothing."""
    for function in source.touched:
        if "goto" not in function.unit.text or not _is_whole(function):
            continue
        firsts = _first_ops(function)
        named = labels(function) if firsts else {}
        for goto in islice(gotos(function), _MOST_JUMPS) if named else ():
            for release in next_releases(function, goto, named):
                first = firsts.get(release.lock)
                sure = first is not None and release.call.statement
                if first is not None and sure and _not_held(source, function, goto, first):
                    yield _finding(function, goto, first, release.call)
                    return


def _is_whole(function: Function) -> bool:
    """Whether all of it is in view, and the lock is its own business."""
    if function.has_gap or function.has_error or not function.takes_locks:
        return False
    told = function.must_hold or function.releases
    return not told and _GIVES_BACK.search(function.name or "unlock") is None


def _first_ops(function: Function) -> dict[tuple[str, str], LockOp]:
    """The locks of which the first operation takes them for sure."""
    firsts: dict[tuple[str, str], LockOp] = {}
    for op in lock_ops(function):
        firsts.setdefault(op.lock, op)
    return {
        lock: op
        for lock, op in firsts.items()
        if op.acquires and op.call.statement and op.family in _FAMILIES
    }


def _not_held(source: Source, function: Function, goto: Node, first: LockOp) -> bool:
    taken = first.call.node.start_byte
    if taken > goto.start_byte:
        return False
    locks = function.flow.at(goto)
    if not (locks.known and locks.reached) or any(held.unnamed for held in locks.may):
        return False
    if any(held.family == first.family for held in locks.may):
        return False
    if any(
        op.lock == first.lock and not op.acquires and follows(statement_of(op.call.node), goto)
        for op in lock_ops(function)
    ):
        return False
    if _may_be_taken(function, goto, first):
        return False
    return release_ahead(source, function, goto, first.lock) is not None


def _may_be_taken(function: Function, goto: Node, first: LockOp) -> bool:
    """Whether a call before the jump may take the lock by another name."""
    roots = variables_in(first.key)
    return any(
        call.node.start_byte < goto.start_byte
        and lock_call(call.name) is None
        and _MAY_TAKE.search(call.name)
        and (not roots or roots & variables_in(" ".join(call.arguments)))
        for call in function.calls
    )


def _finding(function: Function, goto: Node, first: LockOp, release: Call) -> Finding:
    return Finding(
        span=function.span(goto) or first.call.span,
        message=f"{first.key} is not held on this path, but the jump leads to {release.name}()",
        function=function.name,
        evidence=(
            Evidence(first.call.span, "only another path takes it"),
            Evidence(release.span, "and it is released here"),
        ),
        fix=Fix(f"jump to a label behind the {release.name}(), or take the lock on this path too"),
    )


rule = Rule(
    title="A jump to the unlock of a lock that is not held",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"goto"}),
    links=("https://docs.kernel.org/process/coding-style.html",),
)
