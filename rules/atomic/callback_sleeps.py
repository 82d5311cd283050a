"""A callback that runs in atomic context calls a function that can sleep.

Timers, tasklets, NAPI, interrupt handlers, RCU callbacks and completion handlers of URBs run in
interrupt or softirq context, where nothing may sleep. Move the work to a workqueue (after a grace
period with `queue_rcu_work()`) or to a threaded handler, or use forms that do not sleep.

It is fine in the threaded half of an interrupt, and in work items.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.c.contexts import atomic_words, context_of
from reviewer.c.sleep import is_told, on_main_path, sleeps_in, why_sleeps
from reviewer.c.summaries import summary_named
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.contexts import Registered
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

# No harm in interrupts; USB only queues the request that other transports of HID wait for.
_MAY_RELAX = frozenset({"cond_resched", "might_sleep", "vfree", "kvfree", "hid_hw_request"})
_LEVELS = 2  # of calls between a callback and the function
_ASKS = (
    *("in_interrupt", "in_atomic", "in_softirq", "in_task", "irqs_disabled", "in_hardirq"),
    "MAY_SLEEP",
)


def check(source: Source) -> Iterator[Finding]:
    """Sleeping calls in callbacks whose registration is in view, and in what these call."""
    for function in source.touched:
        where = context_of(source, function, depth=_LEVELS) if function.name else None
        if where is None or not where.context.atomic:
            continue
        if any(word in function.unit.text for word in _ASKS):
            continue
        found = [each for call in function.calls for each in _sleeps(source, function, call, where)]
        best = next((each for each in found if each.sure), next(iter(found), None))
        if best is not None:
            yield _finding(function, where, best)


@dataclass(frozen=True, slots=True)
class _Found:
    call: Call
    why: str
    steps: tuple[Evidence, ...]  # the calls that lead to the sleeping one
    sure: bool


def _sleeps(source: Source, function: Function, call: Call, where: Registered) -> Iterator[_Found]:
    """Why the call sleeps, if it does."""
    if call.cut or call.name in _MAY_RELAX:
        return
    reason = why_sleeps(source, call)
    if reason is not None:
        if where.depth == 0 or on_main_path(function, call) or not is_told(function):
            yield _Found(call, reason[0], (), reason[1] == 0)
        return
    below = None if call.guard else summary_named(source, call.name)
    if below is None:
        return
    inner = sleeps_in(source, call)
    sure = bool(inner) or (below.sleeps is not None and below.sleeps.always)
    inner = inner or (() if below.sleeps is None else below.sleeps.calls)
    if (
        inner
        and inner[-1].name not in _MAY_RELAX
        and not _is_said_there(source, call, inner, where)
    ):
        why = f"{call.name}() leads to {inner[-1].name}(), which can sleep"
        steps = tuple(Evidence(each.span, f"{each.name}() is called here") for each in inner)
        yield _Found(call, why, steps, sure)


def _is_said_there(source: Source, call: Call, inner: tuple[Call, ...], where: Registered) -> bool:
    """Whether the finding is at the sleeping call itself: the patch touches all on the way."""
    if where.depth + len(inner) > _LEVELS:
        return False
    touched = {each.name: each for each in source.touched}
    way = [touched.get(each.name) for each in (call, *inner[:-1])]
    return all(each is not None and each.static for each in way)


def _finding(function: Function, where: Registered, found: _Found) -> Finding:
    told = "" if where.evidence else f", as {where.by} tell"
    above = f"is called by {where.above[0]}(), which " if where.above else ""
    return Finding(
        span=found.call.span,
        message=f"{found.why}, but {function.name}() {above}runs {where.words}{told}",
        function=function.name,
        evidence=(*where.evidence, *found.steps),
        fix=Fix("do it in a work item, or use a form that does not sleep"),
        confidence=None if found.sure else Confidence.HUNCH,
    )


rule = Rule(
    title="A callback in atomic context calls a sleeping function",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=atomic_words(),
    links=(
        "https://docs.kernel.org/timers/index.html",
        "https://docs.kernel.org/core-api/genericirq.html",
        "https://docs.kernel.org/RCU/whatisRCU.html",
    ),
)
