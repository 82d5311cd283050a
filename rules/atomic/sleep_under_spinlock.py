"""A function that can sleep is called with a spinlock held or with interrupts off.

A spinlock disables preemption: whoever sleeps with it held can leave the CPU to a task that spins
on the same lock for ever. Take a mutex instead, move the call out of the section, or allocate with
GFP_ATOMIC.

It is fine where the lock is dropped before the call, also by a helper, and with trylock forms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.facts import acquirers
from reviewer.c.flow import Kind
from reviewer.c.sleep import sleeps_under, touched_under
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.source import Source

_KINDS = frozenset({Kind.SPIN, Kind.IRQ, Kind.BH, Kind.PREEMPT})


def check(source: Source) -> Iterator[Finding]:
    """Calls that can sleep, under a lock that forbids it on every path."""
    for function in touched_under(source, _KINDS):
        said: set[int] = set()
        for sleep in sleeps_under(source, function, _KINDS):
            # In a section that the patch brings, all of them have one cause.
            section = sleep.acquire.node
            if section.id in said and section.start_point[0] in function.unit.changed:
                continue
            said.add(section.id)
            lock = sleep.held.key or f"{sleep.acquire.name}()"
            where = "here" if sleep.caller is None else f"by {sleep.caller[0]}()"
            yield Finding(
                span=sleep.call.span,
                message=f"{sleep.why}, and {lock} is held {where}",
                function=function.name,
                evidence=(
                    Evidence(sleep.acquire.span, f"{sleep.acquire.name}() is called here"),
                    *sleep.evidence,
                ),
                fix=Fix("move it out of the section, or use a form that does not sleep"),
                confidence=None if sleep.depth == 0 else Confidence.HUNCH,
            )


rule = Rule(
    title="A sleeping function is called under a spinlock",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=acquirers(),
    links=("https://docs.kernel.org/locking/locktypes.html",),
)
