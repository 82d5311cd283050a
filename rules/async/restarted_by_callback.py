"""What is stopped first is started again by the callback of what is stopped next.

A timer that queues a work, a work that arms a timer, an URB whose completion submits another: after
the first is stopped, the second still runs and starts it once more, so it is alive when its memory
goes away. Stop first what starts the other, or make both refuse: set a flag that the callbacks
test, or use `timer_shutdown_sync()`, `disable_work_sync()` or `usb_poison_urb()`.

It is fine where the first is stopped again behind the second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.callees import calls_below, function_named
from reviewer.c.onward import follows, statement_of
from reviewer.c.stops import (
    FOR_GOOD,
    STOPS,
    belongs,
    callbacks,
    named,
    started,
    tears_down,
)
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_DEPTH = 3
_FREES = frozenset({"kfree", "kvfree", "kfree_sensitive", "kmem_cache_free"})
_FLAG = ("= true", "= 1", "= false", "= 0", "set_bit(", "clear_bit(", "_STOP", "_DEAD", "GONE")


def check(source: Source) -> Iterator[Finding]:
    """Two stops in a row, where the callback of the second starts the first."""
    for function in source.touched_with(STOPS.keys()):
        if not tears_down(function) and function.words.isdisjoint(_FREES):
            continue
        stops = [(call, name) for call in function.calls if (name := _stopped(call))]
        for at, (first, name) in enumerate(stops):
            if any(later == name for _, later in stops[at + 1 :]) or _prevents(function, first):
                continue
            for second, other in stops[at + 1 :]:
                if other == name or not (tears_down(function) or _freed_after(function, second)):
                    continue
                start = _starts(source, other, name)
                if start is not None and follows(statement_of(first.node), second.node):
                    yield _finding(function, first, second, name, *start)
                    break


def _freed_after(function: Function, stop: Call) -> bool:
    """Whether the function frees behind the stop what the stopped thing lies in."""
    return any(
        call.name in _FREES
        and call.node.start_byte > stop.node.end_byte
        and call.arguments
        and belongs(call.arguments[-1], stop.arguments[0])
        for call in function.calls
    )


def _stopped(call: Call) -> str | None:
    return named(call, 0) if call.name in STOPS and call.statement else None


def _prevents(function: Function, first: Call) -> bool:
    """Whether it cannot be started again, or a flag that may tell so is set before."""
    if first.name in FOR_GOOD:
        return True
    before = function.unit.text[: first.node.start_byte]
    return any(mark in before for mark in _FLAG)


def _starts(source: Source, stopped: str, name: str) -> tuple[str, Call] | None:
    """The callback of what is stopped later, and the call below it that starts the first."""
    for callback in callbacks(source, stopped):
        function = function_named(source, callback)
        for call in calls_below(source, function, _DEPTH) if function else ():
            if started(call) == name:
                return callback, call
    return None


def _finding(
    function: Function, first: Call, second: Call, name: str, callback: str, start: Call
) -> Finding:
    return Finding(
        span=second.span,
        message=f"{callback}() can still run until here, and starts {name} again which "
        f"{first.name}() has just stopped",
        function=function.name,
        evidence=(
            Evidence(first.span, f"{name} is stopped here"),
            Evidence(start.span, f"{callback}() leads to this {start.name}()"),
        ),
        fix=Fix(f"stop {name} after this, or prevent that {callback}() starts it"),
    )


rule = Rule(
    title="A callback starts again what was stopped before it",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(STOPS),
    links=("https://docs.kernel.org/core-api/workqueue.html",),
)
