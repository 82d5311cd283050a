"""A memory barrier without a comment.

A barrier orders nothing by itself: it needs another one on the other side, and nobody can check
the pair when the code does not say which it is. Kernel code has a comment at every barrier, which
names the accesses that are ordered and the place it pairs with.
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

_BARRIERS = frozenset(
    {
        *("smp_mb", "smp_rmb", "smp_wmb", "mb", "rmb", "wmb"),
        *("smp_mb__before_atomic", "smp_mb__after_atomic"),
    }
)
_COMMENT = re.compile(r"/\*|\*/|//|^\s*\*")
_ABOVE = 3  # rows above the barrier where its comment may be
_DRIVERS = "drivers/"


def check(source: Source) -> Iterator[Finding]:
    """Barriers with no comment on the row or close above or below."""
    for function in source.touched:
        if function.name is not None and "mb" in function.name.split("_"):
            continue
        for call in function.calls:
            if (
                call.name in _BARRIERS
                and call.statement
                and not _commented(function, call.node.start_point[0])
            ):
                yield Finding(
                    span=call.span,
                    message=f"{call.name}() has no comment: say which accesses it orders and "
                    "what it pairs with",
                    function=function.name,
                    fix=Fix(f"write a comment above {call.name}() that names the other side"),
                )


def _commented(function: Function, row: int) -> bool:
    rows = function.place.rows
    return any(_COMMENT.search(text) for text in rows[max(0, row - _ABOVE) : row + 2])


rule = Rule(
    title="A memory barrier without a comment",
    severity=Severity.NOTE,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_BARRIERS,
    links=("https://docs.kernel.org/process/submit-checklist.html",),
)
