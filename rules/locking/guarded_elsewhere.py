"""A field that the file uses under one lock is used here without it.

What most functions do consistently is taken for the rule: they hold the lock whenever they use the
field. The use without it can see a value that is half changed, or overwrite another one.

It is fine where the caller holds the lock, the object is not yet shared, or a stale value does no
harm; READ_ONCE() or data_race() says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.beliefs import Accessor, accesses_of, consensus
from reviewer.c.syntax import Use
from reviewer.model import Confidence, Finding, Fix, Severity
from reviewer.rule import Need, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.beliefs import Belief, FieldUse
    from reviewer.c.source import Source


def check(source: Source) -> Iterator[Finding]:
    """Plain uses on changed rows that break what the other functions agree on."""
    if all(unit.changed for unit in source.function_units):
        return  # of one hand: what it does consistently is no agreement
    for function in source.touched:
        if not function.unit.changed or function.name is None or function.static:
            continue
        said: set[tuple[str, str]] = set()
        for access in function.accesses:
            row = access.node.start_point[0]
            if access.struct is None or row not in function.unit.changed:
                continue
            if not function.flow.at(access.node).surely_none:
                continue
            key = (access.struct, access.field)
            if key in said or access.use is Use.ADDRESS:
                continue
            uses = accesses_of(source, *key)
            belief = consensus(use for use in uses if use.function is not function)
            own = [use for use in uses if use.function is function and use.access is access]
            if belief is None or not own or not _breaks(own[0], belief):
                continue
            said.add(key)
            yield _finding(own[0], belief)


def _breaks(use: FieldUse, belief: Belief) -> bool:
    return (
        use.accessor is Accessor.PLAIN
        and use.surely_unlocked
        and not use.setup
        and not use.function.static
        and len({holder.function.name for holder in belief.holders}) > 1
        and any(holder.access.use is Use.WRITE for holder in belief.holders)
        and not belief.text.endswith(use.access.field)
    )


def _finding(use: FieldUse, belief: Belief) -> Finding:
    count = len(belief.holders)
    return Finding(
        span=use.access.span,
        message=f"{use.access.text} is used without {belief.text}, which the other {count} uses "
        "in this file hold",
        function=use.function.name,
        evidence=belief.evidence(),
        fix=Fix(f"take {belief.text} here, or say with lockdep_assert_held() who holds it"),
    )


rule = Rule(
    title="A field is used without the lock that guards it",
    severity=Severity.WARNING,
    confidence=Confidence.HUNCH,
    since="0.1",
    check=check,
    needs=Need.FILE,
    links=("https://docs.kernel.org/kernel-hacking/locking.html",),
)
