"""A list or XArray that is locked elsewhere is walked with no lock held.

A walk that runs while another task adds or removes an element can follow a pointer into freed
memory. Where the other functions of the file take a lock for the same list, this one has to take it
too, or be called with it held.

`xa_for_each()` locks each of its steps, but does not keep the entry alive for the body.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.callees import callers_of
from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.facts import iterator
from reviewer.c.flow import Kind
from reviewer.c.reach import Objects, Reach
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.flow import Held
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Access, Call

_WALK = re.compile(r"(?:h?list_for_each|xa_for_each)(?!\w*(?:_rcu|_lockless|_srcu))\w*\Z")
_LOCKS = frozenset({Kind.SPIN, Kind.MUTEX, Kind.RWSEM})
_CALLER_LOCKS = re.compile(r"\A__|_locked\Z|_nolock\Z|_unlocked\Z")
_ENOUGH = 2  # other places that lock, before one without is worth a word


def check(source: Source) -> Iterator[Finding]:
    """Walks of a shared container without lock, where other functions in view lock it."""
    for function in source.touched:
        if sets_up_or_tears_down(function) or _CALLER_LOCKS.search(function.name or "__"):
            continue
        if "_for_each" not in function.unit.text:
            continue
        objects = Objects(function, source)
        for walk in function.calls:
            head = _head(walk)
            if head is None or not function.flow.at(walk.node).surely_none:
                continue
            access = objects.access(walk.argument_nodes[head])
            if access is None or objects.reach(access.node) is not Reach.SHARED:
                continue
            locked = list(_locked(source, function, access))
            if len(locked) >= _ENOUGH and not _caller_may_lock(source, function):
                yield _finding(function, walk, access, locked)


def _head(walk: Call) -> int | None:
    """Which argument is the container."""
    known = iterator(walk.name) if walk.loop and not walk.cut and _WALK.match(walk.name) else None
    if known is None or known.container is None or known.container >= len(walk.argument_nodes):
        return None
    return known.container


def _locked(
    source: Source, function: Function, access: Access
) -> Iterator[tuple[Function, Access, Held]]:
    """The other uses of the same field with a lock held."""
    for other in source.functions_with(access.field):
        if other is function:
            continue
        for use in other.accesses:
            if use.field == access.field and use.struct == access.struct:
                held = [lock for lock in other.flow.at(use.node).must if lock.kind in _LOCKS]
                if held and (access.struct or use.text == access.text):
                    yield other, use, held[0]
                    break


def _caller_may_lock(source: Source, function: Function) -> bool:
    """Whether the lock may be the callers' business: some in view hold one, or none is in view."""
    if not function.static:
        return False
    calls = list(callers_of(source, function.name or ""))
    return not calls or not all(caller.flow.at(call.node).surely_none for caller, call in calls)


def _finding(
    function: Function, walk: Call, access: Access, locked: list[tuple[Function, Access, Held]]
) -> Finding:
    evidence = tuple(
        Evidence(use.span, f"{other.name}() holds {held.key} here") for other, use, held in locked
    )
    return Finding(
        span=walk.span,
        message=f"{walk.name}() walks {access.text} with no lock held; "
        f"{len(locked)} other functions lock it",
        function=function.name,
        evidence=evidence[:3],
        fix=Fix("take the same lock here, or say with lockdep_assert_held() who holds it"),
    )


rule = Rule(
    title="A list that is locked elsewhere is walked with no lock",
    severity=Severity.WARNING,
    confidence=Confidence.HUNCH,
    since="0.1",
    check=check,
    links=("https://docs.kernel.org/kernel-hacking/locking.html",),
)
