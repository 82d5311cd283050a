"""Flags that allow to sleep are passed on with a spinlock held.

Whoever passes GFP_KERNEL to a function, or the flags of its own caller, says that it may sleep in
there. With a spinlock held it may not. Allocate before the lock is taken, or pass GFP_ATOMIC.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.callees import may_have_released
from reviewer.c.facts import acquirers, gfp_argument
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

_SLEEPING = re.compile(r"GFP_(?:KERNEL|KERNEL_ACCOUNT|USER|NOIO|NOFS)\b(?!.*[?~])")
_ATOMIC = frozenset({Kind.SPIN, Kind.IRQ, Kind.PREEMPT})
_NOT_PASSED = re.compile(
    r"(?:__)?(?:xa|xas|idr|ida)_|gfpflags|might_|INIT_|trace_|_init\Z|WARN|BUG"
)


def check(source: Source) -> Iterator[Finding]:
    """GFP flags under a spinlock: to any function, or those of the caller to an allocator."""
    for function in source.touched:
        if not function.takes_locks:
            continue
        given = parameter(function)
        for call in function.calls:
            flags = _flags(function, call, given)
            held = _spinlock(function, call) if flags else None
            if flags is None or held is None or held.acquire is None:
                continue
            if not may_have_released(source, function, held, call.node):
                yield _finding(function, call, flags, held, held.acquire)


def _flags(function: Function, call: Call, given: str | None) -> str | None:
    if call.guard or call.cut or call.loop or _NOT_PASSED.search(call.name):
        return None
    if gfp_argument(call.name) is not None:
        return given if given is not None and flags_of(call) == given else None
    return next((text for text in call.arguments if _SLEEPING.match(text)), None)


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
    title="Flags that allow to sleep are passed under a spinlock",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=acquirers(),
    links=("https://docs.kernel.org/core-api/memory-allocation.html",),
)
