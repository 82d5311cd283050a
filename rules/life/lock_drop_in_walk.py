"""A list walk drops its lock in the body and goes on.

`list_for_each_entry_safe()` has read the next element before the body runs. While the lock is
dropped another task can remove that element, and the walk steps into freed memory: `_safe` is about
what the body itself removes. Start the walk again after the lock was taken back, or keep a
reference on the next element.

It is fine where the loop is left after the drop, and where nobody else can reach the list.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.flow import Kind
from reviewer.c.walks import (
    RESCHEDULES,
    drops_in,
    list_of,
    locks_around,
    of_one_object,
    others_reach,
)
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.flow import Held
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_SAFE = re.compile(
    r"h?list_for_each_entry_safe(?:_reverse|_from|_continue)?\Z|h?list_for_each(?:_prev)?_safe\Z"
)
_LOCKS = frozenset({Kind.SPIN, Kind.MUTEX, Kind.RWSEM})
_PAUSES = re.compile(r"cond_resched\w*\Z|cpu_relax\Z|schedule\w*\Z|msleep\Z|usleep_range\Z")
_READ_ANEW = "list_safe_reset_next"


def check(source: Source) -> Iterator[Finding]:
    """The first drop, in the body of a `_safe` walk, of the lock that protects the walk."""
    for function in source.touched_with(rule.triggers):
        if _READ_ANEW in function.unit.text:
            continue
        for walk in function.calls:
            head = list_of(walk) if walk.loop and not walk.cut and _SAFE.match(walk.name) else None
            if head is None or not others_reach(source, function, walk, head):
                continue
            for held in locks_around(function, walk):
                if held.kind in _LOCKS and of_one_object(held, walk.arguments[head]):
                    drop = next(drops_in(function, walk, held), None)
                    if drop is not None:
                        yield _finding(function, walk, drop, held)


def _finding(function: Function, walk: Call, drop: Call, held: Held) -> Finding:
    return Finding(
        span=drop.span,
        message=f"{drop.name}() lets others change the list while {walk.name}() stands on it: "
        "the next element that it has read may be freed when the walk goes on",
        function=function.name,
        evidence=(Evidence(walk.span, f"the walk begins here with {held.key} held"),),
        fix=Fix("restart the walk after the lock was dropped, or do not drop it"),
        confidence=_confidence(function, drop),
    )


def _confidence(function: Function, drop: Call) -> Confidence | None:
    """A hunch while tearing down, unless the lock is dropped for others to get a turn."""
    if not sets_up_or_tears_down(function) or RESCHEDULES.match(drop.name):
        return None
    after = (call for call in function.calls if call.node.start_byte > drop.node.end_byte)
    following = next(after, None)
    pauses = following is not None and _PAUSES.match(following.name) is not None
    return None if pauses else Confidence.HUNCH


rule = Rule(
    title="A _safe list walk drops its lock and goes on",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(
        f"{kind}_for_each_{form}"
        for kind in ("list", "hlist")
        for form in (
            *("entry_safe", "entry_safe_reverse", "entry_safe_from", "entry_safe_continue"),
            *("safe", "prev_safe"),
        )
    ),
    links=(
        "https://docs.kernel.org/kernel-hacking/locking.html",
        "https://docs.kernel.org/core-api/list.html",
    ),
)
