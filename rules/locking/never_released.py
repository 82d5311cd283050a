"""A section is opened that this patch closes nowhere.

`get_cpu_ptr()`, `preempt_disable()`, `local_bh_disable()` and `local_irq_save()` each need their
counterpart on every way out. When a patch adds one to a function and adds no counterpart, the count
only ever goes up: the task runs on without preemption, and sleeps in atomic context.

It is fine in a function that opens the section for its caller.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from reviewer.c.facts import lock_call
from reviewer.c.flow import Kind
from reviewer.model import Confidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.facts import LockCall
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_KINDS = frozenset({Kind.PREEMPT, Kind.BH, Kind.IRQ})
_HANDS_OVER = re.compile(
    r"lock|_(?:start|begin|enter|acquire|get|pin|claim|grab|hold|prepare|suspend|freeze|disable"
    r"|save|down|next|map)(?:_|$)|^get_|^begin|^start|^enter"
)
_CLOSES = re.compile(r"unlock|_enable|_restore|put_cpu|_put|_end|_finish|_exit|_stop|release|unmap")


def check(source: Source) -> Iterator[Finding]:
    """Sections that a changed row opens, in a function that closes none of their sort."""
    for function in source.touched:
        changed = function.unit.changed
        if not changed or _HANDS_OVER.search(function.name or "lock") or function.acquires:
            continue
        for call in function.calls:
            if call.node.start_point[0] in changed and (known := _opens(call)):
                if not any(_may_close(each, known) for each in function.calls):
                    yield _finding(source, function, call, known)
                break


def _opens(call: Call) -> LockCall | None:
    known = lock_call(call.name)
    plain = known is not None and known.acquires and known.kind in _KINDS and not known.result
    return known if plain and not call.guard else None


def _may_close(call: Call, known: LockCall) -> bool:
    other = lock_call(call.name)
    if other is not None:
        return not other.acquires and other.family == known.family
    return _CLOSES.search(call.name) is not None


def _finding(source: Source, function: Function, call: Call, known: LockCall) -> Finding:
    whole = source.whole or not function.has_gap
    where = "in this function" if whole else "by this patch"
    return Finding(
        # By the call alone, so that one which was there with another variable is the same.
        span=replace(call.span, code=f"{call.name}({', '.join(call.arguments)})"),
        message=f"{call.name}() is added here, but no counterpart of it {where}",
        function=function.name,
        fix=Fix(f"call {_counterpart(call, known)}() on every way out"),
    )


def _counterpart(call: Call, known: LockCall) -> str:
    return call.name.replace("get_", "put_", 1) if "get_cpu" in call.name else known.family


rule = Rule(
    title="A section is opened and never closed",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(
        {
            "get_cpu",
            "get_cpu_ptr",
            "get_cpu_var",
            "preempt_disable",
            "local_bh_disable",
            "local_irq_save",
            "local_irq_disable",
        }
    ),
    links=("https://docs.kernel.org/locking/preempt-locking.html",),
)
