"""A function that can sleep is called inside an RCU reader section.

Between `rcu_read_lock()` and `rcu_read_unlock()` a task must not block: the grace period would wait
for it, and without preemptible RCU it could end too early. Take a reference and leave the section
first, allocate before it, or use SRCU.

It is fine under SRCU and rcu_read_lock_trace(), whose readers may sleep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.flow import Kind
from reviewer.c.sleep import sleeps_under, touched_under
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.source import Source

_RCU = frozenset({Kind.RCU})


def check(source: Source) -> Iterator[Finding]:
    """Calls that can sleep, in a reader section on every path."""
    for function in touched_under(source, _RCU):
        for sleep in sleeps_under(source, function, _RCU):
            where = "this is" if sleep.caller is None else f"{sleep.caller[0]}() calls it in"
            yield Finding(
                span=sleep.call.span,
                message=f"{sleep.why}, but {where} an RCU reader section",
                function=function.name,
                evidence=(
                    Evidence(sleep.acquire.span, "the section begins here"),
                    *sleep.evidence,
                ),
                fix=Fix(
                    "take a reference and call it after rcu_read_unlock(), or protect the "
                    "object with SRCU"
                ),
                confidence=None if sleep.depth == 0 else Confidence.HUNCH,
            )


rule = Rule(
    title="A sleeping function is called in an RCU reader section",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"rcu_read_lock", "rcu", "rcu_read_lock_bh", "rcu_read_lock_sched"}),
    links=("https://docs.kernel.org/RCU/checklist.html",),
)
