"""Two locks are taken in one order here and in the other order elsewhere.

When two tasks run the two places at the same time, each gets its first lock and waits for the
other's for ever (ABBA). Take them in the same order everywhere, or release one first.

It is fine where one side only tries, or where a third lock is held around both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.c.callees import may_have_released
from reviewer.c.lockops import lock_ops, object_of
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reviewer.c.function import Function
    from reviewer.c.lockops import LockOp
    from reviewer.c.source import Source

    Lock = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Nesting:
    """A place where the second lock is taken while the first is held."""

    function: Function
    outer: LockOp
    inner: LockOp
    others: frozenset[Lock]  # held as well


def check(source: Source) -> Iterator[Finding]:
    """Nestings of two locks for which there is the opposite one in view."""
    if not any(function.takes_locks for function in source.touched):
        return
    nestings = source.fact(_nestings)
    touched = set(source.touched)
    for (first, second), places in nestings.items():
        opposite = nestings.get((second, first), ())
        for place in places if opposite else ():
            found = next((o for o in opposite if not (o.others & place.others)), None)
            if found is None or place.function not in touched:
                continue
            # Of two that the patch touches, the second in the text is enough.
            if found.function not in touched or _line(found) < _line(place):
                yield _finding(place, found)
                break


def _line(nesting: _Nesting) -> int:
    return nesting.inner.call.span.line


def _nestings(source: Source) -> Mapping[tuple[Lock, Lock], tuple[_Nesting, ...]]:
    found: dict[tuple[Lock, Lock], list[_Nesting]] = {}
    for function in source.functions:
        if not function.takes_locks:
            continue
        named = {
            op.call.node.id: (op, lock)
            for op in lock_ops(function)
            if op.waits
            and not op.call.name.startswith("ww_")
            and (lock := object_of(function, op)) is not None
        }
        for op, lock in named.values() if len(named) > 1 else ():
            outer = [
                named[held.acquire.node.id]
                for held in function.flow.at(op.call.node).must
                if held.acquire is not None
                and held.acquire.node.id in named
                and held.key == named[held.acquire.node.id][0].key
                and not may_have_released(source, function, held, op.call.node)
            ]
            for above, other in outer:
                if other != lock:
                    rest = frozenset(each for _, each in outer) - {other}
                    nesting = _Nesting(function, above, op, rest)
                    found.setdefault((other, lock), []).append(nesting)
    return {locks: tuple(places) for locks, places in found.items()}


def _finding(place: _Nesting, opposite: _Nesting) -> Finding:
    return Finding(
        span=place.inner.call.span,
        message=f"{place.inner.key} is taken with {place.outer.key} held, but "
        f"{opposite.function.name}() takes them in the opposite order: the two can deadlock",
        function=place.function.name,
        evidence=(
            Evidence(place.outer.call.span, "taken first here"),
            Evidence(opposite.outer.call.span, f"{opposite.function.name}() takes this one first"),
            Evidence(opposite.inner.call.span, "and then the other"),
        ),
        fix=Fix("take the two locks in the same order everywhere"),
    )


rule = Rule(
    title="Two locks in opposite orders",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(
        {
            "mutex_lock",
            "spin_lock",
            "spin_lock_irqsave",
            "spin_lock_bh",
            "spin_lock_irq",
            "down_read",
            "down_write",
        }
    ),
    links=("https://docs.kernel.org/locking/lockdep-design.html",),
)
