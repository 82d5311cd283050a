"""A lock that sleeps on PREEMPT_RT is taken where nothing may sleep there.

On PREEMPT_RT `spinlock_t`, `rwlock_t` and `local_lock_t` are sleeping locks. They cannot be taken
with preemption or interrupts switched off by hand, nor under a `raw_spinlock_t`, which still spins.
Take the lock outside of the section, or make it a `raw_spinlock_t` when the section is short.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.flow import Kind
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.flow import Held
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_LOCAL = re.compile(r"local_lock(?:_irq|_irqsave)?\Z")
_SPIN = re.compile(r"(?:spin|read|write)_lock(?:_irq|_irqsave|_bh|_nested)?\Z")
_SECTIONS = frozenset({Kind.PREEMPT, Kind.IRQ})
_RAW = "raw_spin_unlock"


def check(source: Source) -> Iterator[Finding]:
    """Sleeping locks of RT under a raw lock, and local locks with preemption off."""
    for function in source.touched:
        said: set[int] = set()
        for call in function.calls:
            local = _LOCAL.match(call.name) is not None
            if call.guard or not (local or _SPIN.match(call.name)):
                continue
            held = _section(function, call, local)
            if held is None or held.acquire is None:
                continue
            # In a section that the patch brings, all of them have one cause.
            section = held.acquire.node
            if section.id not in said or section.start_point[0] not in function.unit.changed:
                said.add(section.id)
                yield _finding(function, call, held.acquire)


def _section(function: Function, call: Call, local: bool) -> Held | None:
    """The section in which the lock must not be taken.

    Plain spinlocks with interrupts off by hand are in much code that never runs on RT; a local lock
    replaces just that, so the two together are always a mistake.
    """
    for held in sorted(function.flow.at(call.node).must, key=lambda each: (each.family, each.key)):
        if held.family == _RAW or (
            local and held.kind in _SECTIONS and held.family != "local_unlock"
        ):
            return held
    return None


def _finding(function: Function, call: Call, taken: Call) -> Finding:
    return Finding(
        span=call.span,
        message=f"{call.name}() sleeps on PREEMPT_RT, and {taken.name}() does not allow that here",
        function=function.name,
        evidence=(Evidence(taken.span, "the section begins here"),),
        fix=Fix("take the lock outside of the section"),
    )


rule = Rule(
    title="A lock that sleeps on RT is taken in an atomic section",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(
        {
            *("preempt_disable", "local_irq_disable", "local_irq_save", "get_cpu", "get_cpu_ptr"),
            *("raw_spin_lock", "raw_spin_lock_irq", "raw_spin_lock_irqsave"),
        }
    ),
    links=("https://docs.kernel.org/locking/locktypes.html",),
)
