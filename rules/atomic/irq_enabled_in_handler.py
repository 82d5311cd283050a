"""A function that runs with interrupts off switches them on.

Interrupt handlers run with interrupts off, and completion handlers of URBs may. `spin_unlock_irq()`
switches them on, whatever the caller needs: the handler can then be interrupted, and a lock of its
caller be waited for on the same CPU. Use the plain form in an interrupt handler, `_irqsave` where
both are possible.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.contexts import Context, context_of
from reviewer.model import Confidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.source import Source

_ENABLES = frozenset(
    {
        *("spin_lock_irq", "raw_spin_lock_irq", "read_lock_irq", "write_lock_irq"),
        *("spin_unlock_irq", "local_irq_enable"),
    }
)
_OFF = frozenset({Context.HARDIRQ, Context.IRQS_OFF, Context.COMPLETION})


def check(source: Source) -> Iterator[Finding]:
    """`_irq` locks in callbacks whose registration is in view, one call deep as well."""
    for function in source.touched:
        calls = [call for call in function.calls if call.name in _ENABLES and not call.guard]
        where = context_of(source, function) if calls and function.name else None
        if where is None or where.context not in _OFF:
            continue
        call = calls[0]
        yield Finding(
            span=call.span,
            message=f"{call.name.replace('_lock_', '_unlock_')}() switches interrupts on, but "
            f"{function.name}() runs {where.words}",
            function=function.name,
            evidence=where.evidence,
            fix=Fix(f"use {call.name.replace('_irq', '_irqsave')}() and its counterpart"),
        )


rule = Rule(
    title="Interrupts are switched on in an interrupt handler",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_ENABLES,
    links=("https://docs.kernel.org/locking/spinlocks.html",),
)
