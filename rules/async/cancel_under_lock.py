"""A work or timer is waited for with a lock held that its callback takes.

`cancel_work_sync()` and its kin wait for a callback that is running. When that callback waits for
the lock which the caller holds, both wait for ever. Release the lock first.

It is fine where the callback only tries the lock.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.callees import function_named
from reviewer.c.flow import Kind
from reviewer.c.lockops import lock_ops
from reviewer.c.stops import STOPS, callbacks, named
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.flow import Held
    from reviewer.c.lockops import LockOp
    from reviewer.c.source import Source

_KINDS = frozenset({Kind.SPIN, Kind.MUTEX, Kind.RWSEM})
_FIELD = re.compile(r"(?:->|\.)([A-Za-z_]\w*)\Z")


def check(source: Source) -> Iterator[Finding]:
    """Waits for a callback in view under a lock that it takes."""
    for function in source.touched_with(STOPS.keys()):
        if not function.takes_locks:
            continue
        for call in function.calls:
            name = named(call, 0) if call.name in STOPS else None
            if name is None:
                continue
            locks = [h for h in function.flow.at(call.node).must if h.kind in _KINDS]
            if not locks:
                continue
            for callback in callbacks(source, name):
                found = _takes(source, callback, locks)
                if found is not None:
                    held, op = found
                    evidence = [Evidence(op.call.span, f"{callback}() takes it here")]
                    if held.acquire is not None:
                        note = f"{held.key} is held from here"
                        evidence.insert(0, Evidence(held.acquire.span, note))
                    yield Finding(
                        span=call.span,
                        message=f"{call.name}() waits for {callback}(), which takes {held.key} "
                        "that is held here: both would wait for ever",
                        function=function.name,
                        evidence=tuple(evidence),
                        fix=Fix(f"release {held.key} before the {call.name}()"),
                    )
                    break


def _takes(source: Source, callback: str, locks: list[Held]) -> tuple[Held, LockOp] | None:
    function = function_named(source, callback)
    for op in lock_ops(function) if function else ():
        if not op.acquires or "try" in op.call.name:
            continue
        for held in locks:
            if op.family == held.family and _same(op.key, held.key):
                return held, op
    return None


def _same(one: str, other: str) -> bool:
    """The same lock at file scope, or the same member."""
    first, second = _FIELD.search(one), _FIELD.search(other)
    if first is None or second is None:
        return one == other
    return first[1] == second[1]


rule = Rule(
    title="Waiting for a callback under a lock that it takes",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(STOPS),
    links=("https://docs.kernel.org/kernel-hacking/locking.html",),
)
