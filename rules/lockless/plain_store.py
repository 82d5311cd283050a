"""A field that is stored with WRITE_ONCE() elsewhere is stored plainly.

Readers without lock use `READ_ONCE()`, and every store that they can see has to be a
`WRITE_ONCE()`: a plain one may be torn or done twice.

It is fine before the object is published, and where the readers are gone.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.marked import marked, plain_stores
from reviewer.c.reach import Objects, Reach
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.marked import Place
    from reviewer.c.source import Source
    from reviewer.c.syntax import Assignment, Call

_SETS_UP = 3
_WRITES = frozenset({"WRITE_ONCE", "smp_store_release"})


def check(source: Source) -> Iterator[Finding]:
    """Plain stores to a place with marked stores in view."""
    for function in source.touched:
        if sets_up_or_tears_down(function):
            continue
        objects = Objects(function, source)
        fields = [(place, store, _object(store)) for place, store in plain_stores(function)]
        stored = Counter(base for _, _, base in fields)
        for place, store, base in fields:
            # Who stores to several fields of an object sets it up, whatever his name.
            other = source.fact(_marked_stores).get(place)
            if not base or stored[base] >= _SETS_UP:
                continue
            if other is not None and objects.reach(store.target_node) is Reach.SHARED:
                yield _finding(function, store, other)


def _object(store: Assignment) -> str:
    """The pointer through which it is stored."""
    return store.target.rpartition("->")[0]


def _marked_stores(source: Source) -> dict[Place, Call]:
    """A marked store of each place that has one in view."""
    found: dict[Place, Call] = {}
    for function in source.functions_where(lambda text: any(word in text for word in _WRITES)):
        for place, call in marked(function, _WRITES):
            if call.name in _WRITES:
                found.setdefault(place, call)
    return found


def _finding(function: Function, store: Assignment, other: Call) -> Finding:
    return Finding(
        span=store.span,
        message=f"{store.target} is stored plainly, and with {other.name}() elsewhere: "
        "readers without lock can see this store torn",
        function=function.name,
        evidence=(Evidence(other.span, f"{other.name}() is used here"),),
        fix=Fix(f"use WRITE_ONCE() for {store.target}"),
    )


rule = Rule(
    title="A plain store to a field that others mark",
    severity=Severity.NOTE,
    confidence=Confidence.HUNCH,
    since="0.1",
    check=check,
    triggers=frozenset({"WRITE_ONCE", "smp_store_release"}),
    links=("https://docs.kernel.org/core-api/wrappers/memory-barriers.html",),
)
