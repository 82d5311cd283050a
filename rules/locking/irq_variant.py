"""A lock that interrupts take is taken in process context without switching them off.

When the interrupt, timer or completion comes while the task holds the lock on the same CPU, the
handler spins for ever: the holder cannot run. Process context has to use `spin_lock_irqsave()` or
`spin_lock_irq()`, or the `_bh` form when only timers, tasklets and NAPI take the lock.

It is fine where every taker runs in process context, and where the caller has interrupts off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.contexts import Context, context_of
from reviewer.c.flow import Kind
from reviewer.c.lockops import lock_ops, object_of
from reviewer.c.sleep import can_sleep
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.contexts import Registered
    from reviewer.c.function import Function
    from reviewer.c.lockops import LockOp
    from reviewer.c.source import Source

_ENOUGH = 3  # functions that switch interrupts off for it
_FAMILIES = frozenset({"spin_unlock", "raw_spin_unlock", "write_unlock"})


def check(source: Source) -> Iterator[Finding]:
    """Plain spin_lock() in process context of a lock that interrupts take, or others guard so."""
    for function in source.touched:
        plain = [op for op in _taken(function) if not (op.known.irq or op.known.bh)]
        if not plain or not _in_process_context(source, function):
            continue
        for op in plain:
            if _is_the_callers(function, op):
                continue
            if any(
                h.irq or h.bh or h.entry or h.kind in (Kind.IRQ, Kind.BH)
                for h in function.flow.at(op.call.node).may
            ):
                continue
            found = _interrupts(source, function, op)
            if found is not None:
                yield found
                break


def _is_the_callers(function: Function, op: LockOp) -> bool:
    """Whether the function first gives the lock back: it came with it, and with interrupts off."""
    first = next((each for each in lock_ops(function) if each.lock == op.lock), op)
    return not first.acquires


def _taken(function: Function) -> list[LockOp]:
    if not function.takes_locks:
        return []
    return [op for op in lock_ops(function) if op.waits and op.family in _FAMILIES]


def _in_process_context(source: Source, function: Function) -> bool:
    """Whether it is registered as work, thread or so, or sleeps with no lock held."""
    registered = context_of(source, function)
    if registered is not None:
        return registered.context is Context.PROCESS
    return any(
        not call.cut and can_sleep(call) is not None and function.flow.at(call.node).surely_none
        for call in function.calls
    )


def _interrupts(source: Source, function: Function, op: LockOp) -> Finding | None:
    name = object_of(function, op)
    others: list[LockOp] = []
    for other in source.functions_with(name[1]) if name else ():
        if other.node.id == function.node.id:
            continue
        for each in _taken(other):
            if object_of(other, each) != name:
                continue
            context = context_of(source, other)
            if context is not None and context.context.interrupts:
                return _from_interrupt(function, op, each, context)
            if each.known.irq or each.known.bh:
                others.append(each)
            break
    variants = {each.call.name for each in others}
    if len(others) < _ENOUGH or len({each.known.irq for each in others}) > 1:
        return None
    evidence = tuple(Evidence(each.call.span, f"{each.call.name}() here") for each in others[:3])
    return Finding(
        span=op.call.span,
        message=f"{op.key} is taken with {' or '.join(sorted(variants))}() in {len(others)} other "
        "places; if an interrupt takes it, this one deadlocks",
        function=function.name,
        evidence=evidence,
        fix=Fix(f"use {min(variants)}() here as well"),
    )


def _from_interrupt(function: Function, op: LockOp, other: LockOp, context: Registered) -> Finding:
    form = "_bh" if context.context in (Context.SOFTIRQ, Context.RCU, Context.BH) else "_irqsave"
    return Finding(
        span=op.call.span,
        message=f"{op.key} is also taken {context.words} by {context.function}(), which spins for "
        "ever when it interrupts this section",
        function=function.name,
        evidence=(
            Evidence(other.call.span, f"{context.function}() takes it here"),
            *context.evidence[:1],
        ),
        fix=Fix(f"use the {form} form here"),
    )


rule = Rule(
    title="A lock of an interrupt is taken without switching it off",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"spin_lock", "raw_spin_lock", "write_lock"}),
    links=("https://docs.kernel.org/locking/locktypes.html",),
)
