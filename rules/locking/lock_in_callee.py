"""A function is called with a lock held that it takes itself.

Kernel locks are not recursive: the callee waits for its own caller. It happens when a helper that
locks for itself gets a new caller that is already inside the section.

It is fine where the callee takes the lock of another object, or drops it before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.callees import function_named
from reviewer.c.facts import acquirers, releasers
from reviewer.c.lockops import KINDS, lock_ops
from reviewer.c.summaries import in_caller
from reviewer.c.unit import GAP
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.flow import Held
    from reviewer.c.function import Function
    from reviewer.c.lockops import LockOp
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call


_RELEASES = releasers(KINDS)


def check(source: Source) -> Iterator[Finding]:
    """Calls under a lock of functions in view whose first act on it is to take it."""
    for function in source.touched:
        if not function.takes_locks:
            continue
        for call in function.calls:
            callee = None if call.loop or call.cut else function_named(source, call.name)
            if callee is None or callee is function or not _may_lock(callee):
                continue
            locks = _held(function, call)
            found = _taken(callee, call, locks) if locks else None
            if found is None and locks and callee.has_gap and not callee.releases:
                found = _given_back(function, callee, call, locks)
            if found is not None:
                yield _finding(function, call, *found)
                break


def _may_lock(callee: Function) -> bool:
    """Whether it takes a lock, or gives one back and hides where it takes it."""
    return callee.takes_locks or (callee.has_gap and not _RELEASES.isdisjoint(callee.words))


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


def _given_back(
    function: Function, callee: Function, call: Call, locks: list[Held]
) -> tuple[Held, LockOp] | None:
    """The lock that the callee releases at its end, and so takes where the mail shows nothing.

    The caller still holds it after the call: what the callee gives back is not the caller's.
    """
    if "unlock" in call.name or "drop" in call.name:
        return None
    for held in locks:
        ops = [op for op in lock_ops(callee) if op.family == held.family]
        first = ops[0] if ops else None
        if first is None or first.acquires or not first.call.statement or len(ops) > 1:
            continue
        hidden = GAP in callee.unit.masked[: first.call.node.start_byte]
        same = in_caller(first.key, callee, call) == held.key or _same_by_name(
            function, callee, call, held.key, first.key
        )
        if not (hidden and same and _is_outermost(callee, first)):
            continue
        if not _follows_gap(callee, first) and _still_held(function, call, held):
            return held, first
    return None


def _same_by_name(function: Function, callee: Function, call: Call, held: str, key: str) -> bool:
    """Whether both get the object in the same way, and the call hands on a part of it.

    The same words of the same function, or the same name and type where the callee hides how.
    """
    root, _, rest = held.partition("->")
    inner, _, inner_rest = key.partition("->")
    first, second = function.variables.get(root), callee.variables.get(inner)
    if not rest or rest != inner_rest or first is None or second is None:
        return False
    if first.type.struct is None or first.type != second.type or second.parameter:
        return False
    values, others = _values(function, root), _values(callee, inner)
    alike = values == others if others else root == inner
    return alike and len(values) == 1 and any(_is_part(function, a, root) for a in call.arguments)


def _values(function: Function, name: str) -> list[str]:
    return [store.value for store in function.assignments if store.target == name]


def _is_part(function: Function, argument: str, root: str) -> bool:
    """Whether the argument is reached through the variable."""
    texts = [argument, *(_values(function, argument) if argument.isidentifier() else ())]
    return any(text.startswith((f"{root}->", f"&{root}->")) for text in texts)


def _still_held(function: Function, call: Call, held: Held) -> bool:
    """Whether a release of it stands behind the call."""
    return any(
        not op.acquires
        and op.lock == (held.family, held.key)
        and op.call.node.start_byte > call.node.end_byte
        for op in lock_ops(function)
    )


def _follows_gap(callee: Function, op: LockOp) -> bool:
    """Whether the operation is the first that is shown behind a gap, which may hide an `if`."""
    row = op.call.node.start_point[0]
    return row > 0 and callee.unit.lines[row - 1] is None


def _is_outermost(callee: Function, op: LockOp) -> bool:
    """Whether the operation stands in no branch and no loop."""
    statement = op.call.node.parent
    return statement is not None and statement.parent == callee.node.child_by_field_name("body")


def _is_first(callee: Function, op: LockOp) -> bool:
    """Whether every call takes it, and nothing that the callee does to the lock comes before."""
    if any(family == op.family for family, _ in callee.flow.dropped):
        return False
    first = next(each for each in lock_ops(callee) if each.lock == op.lock)
    return first.call.node.id == op.call.node.id and _is_outermost(callee, op)


def _finding(function: Function, call: Call, held: Held, op: LockOp) -> Finding:
    taken = (Evidence(held.acquire.span, "it is taken here"),) if held.acquire else ()
    what = "takes it here" if op.acquires else "gives it back here, and so takes it"
    when = "with a writer in between the task waits" if held.shared else "the task would wait"
    return Finding(
        span=call.span,
        message=f"{call.name}() takes {held.key}, which is held here: {when} for itself",
        function=function.name,
        evidence=(*taken, Evidence(op.call.span, f"{call.name}() {what}")),
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
