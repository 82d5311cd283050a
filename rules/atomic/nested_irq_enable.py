"""Interrupts are switched on while an outer section needs them off.

`spin_unlock_irq()` and `local_irq_enable()` switch interrupts on whatever they were before. Inside
of a section that has saved and disabled them, the rest of it then runs with interrupts on, and an
interrupt handler that wants the outer lock spins for ever. Use the plain or the `_irqsave` form for
the inner lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.facts import lock_call
from reviewer.c.flow import Kind
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.flow import Held
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_ENABLES = frozenset(
    {
        *("spin_lock_irq", "raw_spin_lock_irq", "read_lock_irq", "write_lock_irq"),
        "local_irq_enable",
    }
)


def check(source: Source) -> Iterator[Finding]:
    """Locks of the `_irq` form, and enables, with interrupts off on every path."""
    for function in source.touched:
        for call in function.calls:
            if call.name in _ENABLES and not call.guard:
                outer = _outer(function, call)
                if outer is not None and outer.acquire is not None:
                    yield _finding(function, call, outer)


def _outer(function: Function, call: Call) -> Held | None:
    """A lock taken with interrupts off that is still held after the inner one is released."""
    known = lock_call(call.name)
    for held in sorted(function.flow.at(call.node).must, key=lambda each: each.key):
        if not held.irq or held.kind is Kind.IRQ or held.acquire is None or held.guard:
            continue
        argument = call.arguments[0].lstrip("&") if call.arguments else ""
        if known is None or held.key != argument:
            return held
    return None


def _finding(function: Function, call: Call, outer: Held) -> Finding:
    taken = outer.acquire
    unlock = call.name.replace("_lock_", "_unlock_")
    return Finding(
        span=call.span,
        message=f"{unlock}() switches interrupts on while {outer.key} is held, which was taken "
        "with interrupts off",
        function=function.name,
        evidence=(Evidence(taken.span, f"{taken.name}() switched them off"),) if taken else (),
        fix=Fix("use the form without _irq for the inner lock, interrupts are off already"),
    )


rule = Rule(
    title="Interrupts are switched on inside a section without",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_ENABLES,
    links=("https://docs.kernel.org/locking/spinlocks.html",),
)
