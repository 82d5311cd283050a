"""A way out of the function leaves a lock held.

Another path releases the lock, this one forgets it: the next one to take it waits for ever. An RCU
reader section that is left open holds up every grace period.

It is fine where the function hands the lock to its caller: `__acquires()`, a name such as
`foo_lock()` or `seq_start()`, or a success that keeps what every failure releases.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.facts import lock_call
from reviewer.c.flow import ExitKind, Kind
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.flow import Exit, Held
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_HANDS_OVER = re.compile(
    r"lock(?!ed_)|_(?:start|begin|enter|acquire|get|pin|claim|grab|hold|prepare|suspend|freeze)"
    r"(?:_|$)"
)
_FAILURE = re.compile(r"-\s*E[A-Z0-9]+|-1|NULL|false|ERR_(?:PTR|CAST)\(.*")


def check(source: Source) -> Iterator[Finding]:
    """The first exit on which a lock is held that the function releases elsewhere."""
    for function in source.touched:
        if function.acquires or (function.name and _HANDS_OVER.search(function.name)):
            continue
        said: set[tuple[str, str]] = set()
        for way_out in function.flow.exits:
            for held in sorted(way_out.locks.must, key=lambda lock: (lock.family, lock.key)):
                if (held.family, held.key) not in said and _is_forgotten(function, way_out, held):
                    said.add((held.family, held.key))
                    yield _finding(function, way_out, held)


def _is_forgotten(function: Function, way_out: Exit, held: Held) -> bool:
    flow = function.flow
    if held.guard or held.acquire is None or held.kind is Kind.OTHER:
        return False
    if (held.family, held.key) not in flow.released:
        return False
    others = [each for each in flow.exits if each is not way_out and not _holds(each, held)]
    succeeds = way_out.kind is ExitKind.RETURN and not _FAILURE.fullmatch(way_out.value)
    # Success that keeps what every failure releases is a contract with the caller.
    kept = succeeds and bool(way_out.value) and all(_FAILURE.fullmatch(e.value) for e in others)
    return bool(others) and not kept


def _holds(way_out: Exit, held: Held) -> bool:
    return any((each.family, each.key) == (held.family, held.key) for each in way_out.locks.may)


def _finding(function: Function, way_out: Exit, held: Held) -> Finding:
    lock = held.key or {Kind.RCU: "the RCU reader section"}.get(held.kind, held.family)
    taken = held.acquire
    evidence = [Evidence(taken.span, f"{taken.name}() is called here")] if taken else []
    if release := _release(function, held):
        evidence.append(Evidence(release.span, "another path releases it here"))
    what = "this return" if way_out.kind is ExitKind.RETURN else "the end of the function"
    state = "open" if held.kind in (Kind.RCU, Kind.SRCU) else "held"
    return Finding(
        span=way_out.span,
        message=f"{what} leaves {lock} {state}",
        function=function.name,
        evidence=tuple(evidence),
        fix=Fix(f"call {release.name if release else held.family}() on this path too"),
    )


def _release(function: Function, held: Held) -> Call | None:
    for call in function.calls:
        known = lock_call(call.name)
        if known and not known.acquires and known.family == held.family:
            return call
    return None


rule = Rule(
    title="A way out of the function leaves a lock held",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    links=("https://docs.kernel.org/locking/index.html",),
)
