"""A function is called with a lock held that it takes itself.

Kernel locks are not recursive: the callee waits for its own caller. It happens when a helper that
locks for itself gets a new caller that is already inside the section.

It is fine where the callee takes the lock of another object, or drops it before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.callees import function_named
from reviewer.c.facts import acquirers
from reviewer.c.lockops import KINDS, lock_ops
from reviewer.c.summaries import in_caller
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.flow import Held
    from reviewer.c.function import Function
    from reviewer.c.lockops import LockOp
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call


def check(source: Source) -> Iterator[Finding]:
    """Calls under a lock of functions in view whose first act on it is to take it."""
    for function in source.touched:
        if not function.takes_locks:
            continue
        for call in function.calls:
            locks = [] if call.loop or call.cut else _held(function, call)
            callee = function_named(source, call.name) if locks else None
            if callee is None or callee is function or not callee.takes_locks:
                continue
            found = _taken(callee, call, locks)
            if found is not None:
                yield _finding(function, call, *found)
                break


def _held(function: Function, call: Call) -> list[Held]:
    """The locks that this function took and holds at the call for sure."""
    return [
        held
        for held in function.flow.at(call.node).must
        if held.kind in KINDS and held.acquire is not None and not held.entry
    ]


def _taken(callee: Function, call: Call, locks: list[Held]) -> tuple[Held, LockOp] | None:
    for op in lock_ops(callee):
        if not op.waits or not _is_first(callee, op):
            continue
        lock = (op.family, in_caller(op.key, callee, call))
        for held in locks:
            if (held.family, held.key) == lock:
                return held, op
    return None


def _is_first(callee: Function, op: LockOp) -> bool:
    """Whether every call takes it, and nothing that the callee does to the lock comes before."""
    if any(family == op.family for family, _ in callee.flow.dropped):
        return False
    first = next(each for each in lock_ops(callee) if each.lock == op.lock)
    same = first.call.node.id == op.call.node.id
    statement = op.call.node.parent
    body = callee.node.child_by_field_name("body")
    return same and statement is not None and statement.parent == body


def _finding(function: Function, call: Call, held: Held, op: LockOp) -> Finding:
    taken = (Evidence(held.acquire.span, "it is taken here"),) if held.acquire else ()
    return Finding(
        span=call.span,
        message=f"{call.name}() takes {held.key}, which is held here: the task would wait for "
        "itself",
        function=function.name,
        evidence=(*taken, Evidence(op.call.span, f"{call.name}() takes it here")),
        fix=Fix(f"release {held.key} first, or call a form that expects it to be held"),
    )


rule = Rule(
    title="A function takes a lock that its caller holds",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=acquirers(),
    links=("https://docs.kernel.org/kernel-hacking/locking.html",),
)
