"""WRITE_ONCE(x, x + 1): the store is marked, but the update is not atomic.

`WRITE_ONCE()` keeps the store whole. Two CPUs that do this at the same time still read the same old
value, and one update is lost. Use an atomic type, or a lock.

It is fine where there is one writer, or where the writers exclude each other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.context import sets_up_or_tears_down
from reviewer.model import Confidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.source import Source

_OPERATION = re.compile(r"(?:[-+|&^]|<<|>>)\s*\S")


def check(source: Source) -> Iterator[Finding]:
    """Marked stores of a value that is computed from the old one, with no lock held."""
    for function in source.touched:
        if sets_up_or_tears_down(function):
            continue
        for call in function.calls:
            if call.name != "WRITE_ONCE" or call.cut or len(call.arguments) != 2:
                continue
            target, value = call.arguments
            again = re.match(re.escape(target) + r"\s*(.*)\Z", value, re.DOTALL)
            plain = again is not None and _OPERATION.match(again[1]) is not None
            if plain and function.flow.at(call.node).surely_none:
                yield Finding(
                    span=call.span,
                    message=f"{target} is read plainly and stored with WRITE_ONCE(): an update by "
                    "another CPU in between is lost",
                    function=function.name,
                    fix=Fix(
                        "use an atomic operation or a lock, or READ_ONCE() if this is the "
                        "only writer"
                    ),
                )


rule = Rule(
    title="WRITE_ONCE() of a value computed from the old one",
    severity=Severity.NOTE,
    confidence=Confidence.HUNCH,
    since="0.1",
    check=check,
    triggers=frozenset({"WRITE_ONCE"}),
    links=("https://docs.kernel.org/core-api/wrappers/memory-barriers.html",),
)
