"""A lock is released by a function that does not fit the one that took it.

`spin_unlock_irq()` after `spin_lock_irqsave()` enables interrupts that the caller may have
disabled; `spin_unlock()` after `spin_lock_irq()` leaves them off. Often it is one unlock of many
that was left when the type of a lock changed.

It is fine where another call enables them again, as when one lock hands over to the next.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.facts import acquirers
from reviewer.c.lockops import lock_ops
from reviewer.c.unit import GAP
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.flow import Held
    from reviewer.c.function import Function
    from reviewer.c.lockops import LockOp
    from reviewer.c.source import Source

_FAMILIES = frozenset(
    {
        *("mutex_unlock", "spin_unlock", "raw_spin_unlock", "read_unlock", "write_unlock"),
        *("up_read", "up_write", "up", "local_unlock", "xa_unlock"),
    }
)
_VARIANT = re.compile(r"_(irqsave|irqrestore|irq|bh)(?:_|$)")
_FITS = {"irqsave": "irqrestore", "irq": "irq", "bh": "bh", "": ""}


def check(source: Source) -> Iterator[Finding]:
    """Releases of a lock that every path took by a function of another sort."""
    for function in source.touched:
        if not function.takes_locks:
            continue
        operations = [op for op in lock_ops(function) if op.family in _FAMILIES]
        for op in operations:
            if op.acquires or not op.call.statement:
                continue
            held = _taken(function, op)
            if held is not None and (what := _wrong(function, operations, op, held)):
                yield _finding(function, op, held, what)


def _taken(function: Function, op: LockOp) -> Held | None:
    """The one lock of that name that is held on every path to the release."""
    at = function.flow.at(op.call.node)
    named = [held for held in at.may if held.key == op.key and not held.entry]
    if len(named) != 1 or named[0].guard:
        return None
    return named[0] if named[0] in at.must else None


def _wrong(function: Function, operations: list[LockOp], op: LockOp, held: Held) -> str | None:
    """What the release does instead; None when it fits, or may."""
    if held.acquire is None or held.family not in _FAMILIES:
        return None
    if held.family != op.family:
        return f"but {op.call.name}() releases a lock of another type"
    taken, given = _variant(held.acquire.name), _variant(op.call.name)
    others = {_variant(each.call.name) for each in operations if each.key != op.key}
    if _FITS[taken] == given or others - {""} or _by_hand(function):
        return None
    if given == "" and _taken_again(operations, op):
        return None
    if given == "irqrestore":
        flags = op.call.arguments[1] if len(op.call.arguments) > 1 else ""
        return (
            None
            if flags in {p.name for p in function.parameters}
            else (f"but {op.call.name}() restores flags that it did not save")
        )
    if taken == "irqsave" and given == "irq":
        return f"but {op.call.name}() enables interrupts even if they were off before"
    if given:
        return f"but {op.call.name}() enables what it did not disable"
    others_fit = any(
        not each.acquires and each.lock == op.lock and _variant(each.call.name) == _FITS[taken]
        for each in operations
    )
    # Of two locks the one that is left may enable them in what the mail hides.
    alone = all(each.key in (op.key, "") for each in function.flow.at(op.call.node).may)
    hidden = GAP in function.unit.masked[op.call.node.end_byte :]
    if hidden and not (others_fit and alone):
        return None
    return f"but {op.call.name}() leaves {'bottom halves' if taken == 'bh' else 'interrupts'} off"


def _taken_again(operations: list[LockOp], op: LockOp) -> bool:
    """Whether the plain form takes it again: given back for a call that wants interrupts off."""
    return any(
        each.lock == op.lock
        and each.acquires
        and _variant(each.call.name) == ""
        and each.call.node.start_byte > op.call.node.end_byte
        for each in operations
    )


def _variant(name: str) -> str:
    found = _VARIANT.search(name)
    return found[1] if found else ""


def _by_hand(function: Function) -> bool:
    """Whether interrupts or bottom halves are switched without a lock too."""
    return any(
        word in call.name
        for call in function.calls
        for word in ("local_irq_", "local_bh_", "irq_restore", "irq_enable")
    )


def _finding(function: Function, op: LockOp, held: Held, what: str) -> Finding:
    name = held.acquire.name if held.acquire else ""
    return Finding(
        span=op.call.span,
        message=f"{op.key} was taken by {name}(), {what}",
        function=function.name,
        evidence=(Evidence(held.acquire.span, "it is taken here"),) if held.acquire else (),
        fix=Fix(f"use the release function that belongs to {name}()"),
    )


rule = Rule(
    title="A lock is released by the wrong function",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=acquirers(),
    links=("https://docs.kernel.org/kernel-hacking/locking.html",),
)
