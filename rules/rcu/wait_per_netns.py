"""An exit handler of network namespaces waits for a grace period.

The handlers run one after the other for every namespace that goes away, under a global lock: a wait
in each of them takes milliseconds to seconds times their number. The core waits once between
`.pre_exit` and `.exit`; what needs more belongs in `.exit_batch`, where one wait serves all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.model import Confidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source

_WAITS = frozenset({"synchronize_net", "synchronize_rcu", "synchronize_rcu_expedited"})
_LIST = "struct list_head"


def check(source: Source) -> Iterator[Finding]:
    """Waits in functions that are marked __net_exit, or stand as .exit of pernet operations."""
    handlers = None
    for function in source.touched_with(_WAITS):
        waits = [call for call in function.calls if call.name in _WAITS]
        if not waits:
            continue
        handlers = _handlers(source) if handlers is None else handlers
        if not _is_handler(function, handlers):
            continue
        for call in waits:
            yield Finding(
                span=call.span,
                message=f"{call.name}() runs once for each network namespace that goes away, one "
                "after the other",
                function=function.name,
                fix=Fix("wait once for all of them in .exit_batch, or clear the data in .pre_exit"),
            )


def _is_handler(function: Function, handlers: frozenset[str]) -> bool:
    if any(parameter.type.name == _LIST for parameter in function.parameters):
        return False
    head, _, _ = function.unit.text.partition("{")
    return "__net_exit" in head or function.name in handlers


def _handlers(source: Source) -> frozenset[str]:
    pattern = re.compile(r"\.exit\s*=\s*(\w+)")
    tables = (unit.text for unit in source.units if "pernet_operations" in unit.text)
    return frozenset(name for text in tables for name in pattern.findall(text))


rule = Rule(
    title="A grace period is waited for in each namespace's exit",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_WAITS,
    links=("https://docs.kernel.org/RCU/checklist.html",),
)
