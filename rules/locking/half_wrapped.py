"""A lock is taken by hand and released through a helper, or the other way round.

When the locking of an object moves into a pair of helpers, each section has to use both or
neither. Otherwise what the helpers do besides, such as a reader section, is done on one side only.

It is fine where the helper has no counterpart.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.facts import lock_call
from reviewer.c.flow import Kind
from reviewer.c.lockops import lock_op
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.flow import Held
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_KINDS = frozenset({Kind.SPIN, Kind.MUTEX, Kind.RWSEM})
_HELPER = re.compile(r"([a-z]\w*)_unlock(?:_irqrestore|_irq|_bh)?\Z")


def check(source: Source) -> Iterator[Finding]:
    """Releases by a helper of a lock that this function took by its primitive."""
    for function in source.touched:
        if not function.takes_locks:
            continue
        for call in function.calls:
            helper = _HELPER.match(call.name) if call.statement and call.arguments else None
            if helper is None or lock_call(call.name) is not None:
                continue
            held = _by_hand(function, call)
            twin = _twin(source, helper[1]) if held is not None else None
            if held is not None and held.acquire is not None and twin is not None:
                yield _finding(function, call, held, held.acquire, twin)


def _by_hand(function: Function, call: Call) -> Held | None:
    """The one lock of the object that was taken by a primitive, and that nothing releases."""
    base, changed = call.arguments[0].lstrip("&"), function.unit.changed
    held = [
        lock
        for lock in function.flow.at(call.node).must
        if lock.kind in _KINDS and lock.key.startswith((f"{base}->", f"{base}."))
    ]
    if not base.isidentifier() or len(held) != 1 or held[0].guard or held[0].acquire is None:
        return None
    later = (op for each in function.calls if (op := lock_op(each)) is not None)
    if any(
        op.key == held[0].key and not op.acquires and op.call.node.start_byte > call.node.start_byte
        for op in later
    ):
        return None
    acquire = held[0].acquire
    rows = {call.node.start_point[0], acquire.node.start_point[0]}
    return held[0] if rows & changed and "nest" not in acquire.name else None


def _twin(source: Source, stem: str) -> Call | None:
    """A call of the helper that takes the lock, or of one with its name inside."""
    word = re.compile(rf"\w*{re.escape(stem)}_lock(?:_irqsave|_irq|_bh)?\Z")
    for function in source.functions_with(f"{stem}_lock"):
        for call in function.calls:
            if word.match(call.name):
                return call
    return None


def _finding(function: Function, call: Call, held: Held, acquire: Call, twin: Call) -> Finding:
    return Finding(
        span=call.span,
        message=f"{held.key} was taken by {acquire.name}(), but is released through {call.name}()",
        function=function.name,
        evidence=(
            Evidence(acquire.span, "it is taken here"),
            Evidence(twin.span, f"elsewhere {twin.name}() takes it"),
        ),
        fix=Fix(f"take it with {twin.name}(), or release it as it was taken"),
    )


rule = Rule(
    title="Taken by hand, released through a helper",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    links=("https://docs.kernel.org/kernel-hacking/locking.html",),
)
