"""A guard still holds a lock inside of an object when the object is freed.

`guard(mutex)(&p->lock)` unlocks at the end of its scope. When `kfree(p)` comes before that, the
unlock writes into freed memory. Give the guard an inner scope (`scoped_guard()`), or free after it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.ownership import FREES, How, endings
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.source import Source

_ROOT = re.compile(r"(\w+)->")


def check(source: Source) -> Iterator[Finding]:
    """Frees of an object while a guard on a lock in it is held on every path."""
    for function in source.touched:
        found = list(endings(function, How.FREED))
        if not found or not any(call.guard for call in function.calls):
            continue
        for ending in found:
            for held in function.flow.at(ending.call.node).must:
                root = _ROOT.match(held.key)
                if held.guard and held.acquire and root and root[1] == ending.name:
                    yield Finding(
                        span=ending.call.span,
                        message=f"{ending.name} is freed while the guard still holds {held.key}: "
                        "the unlock at the end of the scope goes to freed memory",
                        function=function.name,
                        evidence=(Evidence(held.acquire.span, "the guard is taken here"),),
                        fix=Fix("end the scope of the guard first, with scoped_guard()"),
                    )


rule = Rule(
    title="A guard outlives the object that its lock is in",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=FREES,
    links=("https://docs.kernel.org/core-api/cleanup.html",),
)
