"""The flags of the caller are passed to an allocation with a spinlock held.

Who passes GFP_KERNEL allows the function to sleep. With a spinlock held it may not, whatever its
caller allows. Allocate before the lock is taken, or with GFP_ATOMIC.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.callees import may_have_released
from reviewer.c.facts import acquirers
from reviewer.c.flow import Kind
from reviewer.c.gfp import flags_of, parameter
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.flow import Held
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_ATOMIC = frozenset({Kind.SPIN, Kind.IRQ, Kind.PREEMPT, Kind.BH, Kind.RCU})
_DROPS_ITS_LOCK = re.compile(r"(?:__)?(?:xa|xas|idr|ida)_")


def check(source: Source) -> Iterator[Finding]:
    """The flags of the caller, passed to an allocator under a spinlock."""
    for function in source.touched:
        given = parameter(function) if function.takes_locks else None
        if given is None:
            continue
        for call in function.calls:
            if flags_of(call) != given or _DROPS_ITS_LOCK.match(call.name):
                continue
            held = _spinlock(function, call)
            if held is None or held.acquire is None:
                continue
            if not may_have_released(source, function, held, call.node):
                yield _finding(function, call, given, held, held.acquire)


def _spinlock(function: Function, call: Call) -> Held | None:
    held = [
        lock for lock in function.flow.at(call.node).must if lock.kind in _ATOMIC and lock.acquire
    ]
    return min(held, key=lambda lock: lock.acquire.span.line if lock.acquire else 0, default=None)


def _finding(function: Function, call: Call, flags: str, held: Held, taken: Call) -> Finding:
    lock = held.key or f"{taken.name}()"
    return Finding(
        span=call.span,
        message=f"{call.name}() gets {flags}, which lets it sleep, and {lock} is held here",
        function=function.name,
        evidence=(Evidence(taken.span, f"{taken.name}() is called here"),),
        fix=Fix("call it before the lock is taken, or pass GFP_ATOMIC"),
    )


rule = Rule(
    title="The GFP flags of the caller are used under a spinlock",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=acquirers(),
    links=("https://docs.kernel.org/core-api/memory-allocation.html",),
)
