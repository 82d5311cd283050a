"""A lock is taken that this path holds already.

Kernel locks are not recursive: the task waits for itself for ever. At an exit label it is often a
`mutex_lock()` where `mutex_unlock()` was meant.

It is fine where the two are locks of different objects, and with `_nested` forms.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reviewer.c.facts import acquirers, lock_call
from reviewer.c.lockops import lock_ops
from reviewer.c.locks import lock_key, variables_in
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.flow import Held
    from reviewer.c.function import Function
    from reviewer.c.lockops import LockOp
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call


def check(source: Source) -> Iterator[Finding]:
    """Acquires of a lock that every path to it holds."""
    for function in source.touched:
        if not function.takes_locks:
            continue
        operations = [op for op in lock_ops(function) if op.waits]
        taken = Counter(_takings(function)) if operations else Counter[str]()
        for op in operations:
            twice = taken[op.key] > 1  # asked first: the flow of locks is dearer
            held = _held(function, op.call, op.lock) if twice else None
            if held is not None and not _dropped_by_test(function, op):
                yield _finding(function, op.call, held)


def _takings(function: Function) -> Iterator[str]:
    """The key of each lock that a call takes, or may take by its name."""
    for call in function.calls:
        known = lock_call(call.name)
        if call.guard:
            yield from map(lock_key, call.arguments)
        elif known is None:
            if "lock" in call.name or "_mutex_" in call.name:
                yield from map(lock_key, call.arguments[:1])
        elif known.acquires and known.argument is not None:
            yield from map(lock_key, call.arguments[known.argument : known.argument + 1])


def _held(function: Function, call: Call, lock: tuple[str, str]) -> Held | None:
    for held in function.flow.at(call.node).must:
        own = held.acquire is None or held.acquire.node.id != call.node.id
        if (held.family, held.key) == lock and own and not held.entry:
            return held
    return None


def _dropped_by_test(function: Function, op: LockOp) -> bool:
    """Whether it stands in `if (f(x))`, and `f()` may have released the lock of `x`."""
    above = op.call.node.parent
    while above is not None and above.type not in ("if_statement", "while_statement"):
        if above.type == "function_definition":
            return False
        above = above.parent
    test = above.child_by_field_name("condition") if above is not None else None
    if test is None:
        return False
    roots = variables_in(op.key)
    return any(
        test.start_byte <= call.node.start_byte < test.end_byte
        and (roots & variables_in(" ".join(call.arguments)) or op.key in roots)
        for call in function.calls
    )


def _finding(function: Function, call: Call, held: Held) -> Finding:
    return Finding(
        span=call.span,
        message=f"{held.key} is held already here: the task would wait for itself",
        function=function.name,
        evidence=(Evidence(held.acquire.span, "it is taken here"),) if held.acquire else (),
        fix=Fix(f"release {held.key} first; at an exit, the unlock may be meant"),
    )


rule = Rule(
    title="A lock is taken twice on one path",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=acquirers(),
    links=("https://docs.kernel.org/kernel-hacking/locking.html",),
)
