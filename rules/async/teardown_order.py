"""A workqueue is destroyed while something can still queue on it.

`destroy_workqueue()` runs what is queued and frees the queue. A timer, an interrupt handler or the
timer of a delayed work that is stopped only behind it can queue once more, on memory that is gone.
Stop first what queues, then destroy the queue.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.after import reachable
from reviewer.c.callees import calls_below, function_named
from reviewer.c.owned import declares, member_of
from reviewer.c.stops import STOPS, callbacks, member, named, tears_down
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_QUEUES = frozenset({"queue_work", "queue_delayed_work", "mod_delayed_work"})
_DELAYED = frozenset({"queue_delayed_work", "mod_delayed_work"})
_REQUESTS = re.compile(r"(?:devm_)?request_(?:threaded_)?irq\Z")
_DEPTH = 3


def check(source: Source) -> Iterator[Finding]:
    """Stops behind a destroy_workqueue() of what may queue on it."""
    for function in source.touched:
        for call in function.calls:
            queue = named(call, 0) if call.name == "destroy_workqueue" else None
            if queue is None:
                continue
            found = _late_stop(source, function, call, queue)
            if found is not None:
                yield _finding(function, call, *found)
            elif (
                source.whole
                and tears_down(function)
                and (forgotten := _never_stopped(source, queue))
            ):
                yield _never(function, call, *forgotten)


def _late_stop(
    source: Source, function: Function, destroy: Call, queue: str
) -> tuple[Call, str, Call] | None:
    """The stop behind, what it stops, and the call by which that queues."""
    calls = {call.node.id: call for call in function.calls}
    stopped = {
        named(call, 0)
        for call in function.calls
        if call.name in STOPS and call.node.start_byte < destroy.node.start_byte
    }
    of = destroy.arguments[0]
    for node in reachable(function, destroy.node, of=of):
        stop = calls.get(node.id)
        if stop is None or named(stop, 0) in stopped:
            continue
        queues = _queues(source, stop, queue)
        if queues is not None:
            return stop, *queues
    return None


def _queues(source: Source, stop: Call, queue: str) -> tuple[str, Call] | None:
    name = named(stop, 0) if stop.name in STOPS else None
    if name is None:
        return None
    if "delayed" in stop.name:
        timers = (call for _, call in _queuing(source, queue, _DELAYED))
        start = next((call for call in timers if named(call, 1) == name), None)
        if start is not None and start.arguments[2:3] != ("0",):
            return f"the timer of {name}", start
    for callback in callbacks(source, name):
        function = function_named(source, callback)
        for call in calls_below(source, function, _DEPTH) if function else ():
            if call.name in _QUEUES and named(call, 0) == queue:
                return f"{callback}()", call
    return None


def _queuing(source: Source, queue: str, names: frozenset[str]) -> Iterator[tuple[Function, Call]]:
    """The calls that put something on the queue of that name."""
    for function in source.functions_with(queue):
        for call in function.calls:
            if call.name in names and not call.cut and named(call, 0) == queue:
                yield function, call


def _never_stopped(source: Source, queue: str) -> tuple[str, Call] | None:
    """A delayed work of the struct that the queue is in, which nothing in the file cancels.

    The struct is one of this file: no other can cancel it.
    """
    for function, call in _queuing(source, queue, _DELAYED):
        places = [member_of(function, text) for text in call.arguments[:2]]
        if None in places or call.arguments[2:3] == ("0",):
            continue
        structs = {place.struct for place in places if place is not None}
        if len(structs) > 1 or not declares(source, structs.pop()):
            continue
        name = member(call.arguments[1])
        if name is not None and not _is_stopped(source, name):
            return name, call
    return None


def _is_stopped(source: Source, name: str) -> bool:
    stops = re.compile(rf"(?:cancel|flush|disable)\w*work\w*\s*\([^;]*\b{re.escape(name)}\b")
    return any(stops.search(unit.text) for unit in source.units)


def _finding(function: Function, destroy: Call, stop: Call, what: str, start: Call) -> Finding:
    queue = member(destroy.arguments[0])
    return Finding(
        span=destroy.span,
        message=f"{what} can still queue on {queue} after it is destroyed: {stop.name}() comes "
        "only later",
        function=function.name,
        evidence=(
            Evidence(stop.span, "stopped only here"),
            Evidence(start.span, f"{what} queues with this call"),
        ),
        fix=Fix(f"call {stop.name}() before destroy_workqueue()"),
    )


def _never(function: Function, destroy: Call, name: str, start: Call) -> Finding:
    queue = member(destroy.arguments[0])
    return Finding(
        span=destroy.span,
        message=f"destroy_workqueue() does not wait for the timer of {name}, which queues it on "
        f"{queue} afterwards: nothing in this file cancels it",
        function=function.name,
        evidence=(Evidence(start.span, "its timer is started here"),),
        fix=Fix(f"call cancel_delayed_work_sync() on {name} before"),
    )


rule = Rule(
    title="A workqueue is destroyed before what queues on it stops",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"destroy_workqueue"}),
    links=("https://docs.kernel.org/core-api/workqueue.html",),
)
