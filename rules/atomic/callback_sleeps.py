"""A callback that runs in atomic context calls a function that can sleep.

Timers, tasklets, NAPI, interrupt handlers, RCU callbacks and completion handlers of URBs run in
interrupt or softirq context, where nothing may sleep. Move the work to a workqueue (after a grace
period with `queue_rcu_work()`) or to a threaded handler, or use forms that do not sleep.

It is fine in the threaded half of an interrupt, and in work items.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.contexts import context_of
from reviewer.c.facts import callback_contexts
from reviewer.c.sleep import can_sleep
from reviewer.c.summaries import summary_named
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.contexts import Registered
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_MAY_RELAX = frozenset({"cond_resched", "might_sleep", "vfree", "kvfree"})  # no harm in interrupts
_ASKS = ("in_interrupt", "in_atomic", "in_softirq", "in_task", "irqs_disabled", "in_hardirq")


def check(source: Source) -> Iterator[Finding]:
    """Sleeping calls in callbacks whose registration is in view, one call deep as well."""
    for function in source.touched:
        where = context_of(source, function, depth=0) if function.name else None
        if where is None or not where.context.atomic:
            continue
        if any(word in function.unit.text for word in _ASKS):
            continue
        for call in function.calls:
            found = _sleeps(source, call)
            if found is not None:
                yield _finding(function, call, where, *found)
                break


def _sleeps(source: Source, call: Call) -> tuple[str, tuple[Evidence, ...], bool] | None:
    """Why it sleeps, the calls that lead there, and whether that is certain."""
    if call.guard or call.cut or call.name in _MAY_RELAX:
        return None
    reason = can_sleep(call)
    if reason is not None:
        return reason[0], (), reason[1] == 0
    below = summary_named(source, call.name)
    if below is None or below.sleeps is None or below.sleeps.calls[-1].name in _MAY_RELAX:
        return None
    inner = below.sleeps.calls
    steps = tuple(Evidence(each.span, f"{each.name}() is called here") for each in inner)
    return f"{call.name}() leads to {inner[-1].name}(), which can sleep", steps, below.sleeps.always


def _finding(
    function: Function,
    call: Call,
    where: Registered,
    why: str,
    steps: tuple[Evidence, ...],
    sure: bool,
) -> Finding:
    return Finding(
        span=call.span,
        message=f"{why}, but {function.name}() runs {where.words}",
        function=function.name,
        evidence=(*where.evidence, *steps),
        fix=Fix("do it in a work item, or use a form that does not sleep"),
        confidence=None if sure else Confidence.HUNCH,
    )


rule = Rule(
    title="A callback in atomic context calls a sleeping function",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(name for _, name in callback_contexts()),
    links=(
        "https://docs.kernel.org/timers/index.html",
        "https://docs.kernel.org/core-api/genericirq.html",
        "https://docs.kernel.org/RCU/whatisRCU.html",
    ),
)
