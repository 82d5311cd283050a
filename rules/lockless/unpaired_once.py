"""A variable is read with READ_ONCE(), but stored plainly everywhere in view.

`READ_ONCE()` keeps the compiler from tearing or repeating the load. That is of no use when the
store can be torn: a lockless reader needs `WRITE_ONCE()` on the other side, also where the writers
hold a lock, because the reader does not.

It is fine to store plainly before the object is published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.flow import Kind
from reviewer.c.marked import STORES, functions_naming, marked, plain_stores
from reviewer.c.reach import Objects, Reach
from reviewer.c.usermapped import USER_STRUCTS
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.marked import Place
    from reviewer.c.source import Source
    from reviewer.c.syntax import Assignment, Call

_READ = "READ_ONCE"
_LOADS = frozenset({_READ})
_LOCKS = frozenset({Kind.SPIN, Kind.MUTEX, Kind.RWSEM})  # they keep somebody else out
_SETS_UP = 3  # fields of one object that are stored in one go: nobody else sees it yet


def check(source: Source) -> Iterator[Finding]:
    """Marked loads whose stores in view are all plain; one in each function."""
    asked: set[Place] = set()
    touched = {id(unit) for each in source.patch for unit in each.touched_units}
    for function in source.functions_with(_READ):
        for place, load in marked(function, _LOADS):
            if load.name != _READ or place in asked or place.struct in USER_STRUCTS:
                continue
            asked.add(place)
            stores = _stores(source, place)
            who = (function, *(writer for writer, _ in stores))
            if not stores or not any(id(each.unit) in touched for each in who):
                continue
            if _is_changed(function, load.node) or stores[0][0].path == source.path:
                yield _finding(function, load, stores)
                break


def _stores(source: Source, place: Place) -> list[tuple[Function, Assignment]]:
    """The plain stores of the place, those of this file first; none when one is marked."""
    plain: list[tuple[Function, Assignment]] = []
    for each in source.patch if place.struct is not None else (source,):
        for function in functions_naming(each, place):
            if any(found == place for found, call in marked(function, STORES)):
                return []
            plain += [
                (function, store)
                for found, store in plain_stores(function)
                if found == place and not _is_private(each, function, store)
            ]
    return sorted(plain, key=lambda found: found[0].path != source.path)


def _is_private(source: Source, function: Function, store: Assignment) -> bool:
    """Whether nobody else can see the store: a local, a new object, set-up code without lock."""
    base = store.target.rpartition("->")[0] + "->"
    together = {s.target for _, s in plain_stores(function) if s.target.startswith(base)}
    if any(held.kind in _LOCKS for held in function.flow.at(store.node).must):
        return False
    if sets_up_or_tears_down(function) or (base != "->" and len(together) >= _SETS_UP):
        return True
    return Objects(function, source).reach(store.target_node) is not Reach.SHARED


def _finding(function: Function, load: Call, stores: list[tuple[Function, Assignment]]) -> Finding:
    """At the load, or at the store where that is what the patch changes."""
    what = load.arguments[0]
    writer, store = stores[0]
    note = Evidence(load.span, f"{load.name}() is used here")
    if not _is_changed(function, load.node) and _is_changed(writer, store.node):
        return Finding(
            span=store.span,
            message=f"{store.target} is stored plainly, but read with {load.name}() without lock: "
            "this store needs WRITE_ONCE()",
            function=writer.name,
            evidence=(note,),
            fix=Fix(f"use WRITE_ONCE() for {store.target}"),
        )
    who = f"{writer.name}()" if writer.name else "view"
    return Finding(
        span=load.span,
        message=f"{load.name}({what}) pairs with no WRITE_ONCE(): the store in {who} is plain",
        function=function.name,
        evidence=tuple(Evidence(each.span, "stored plainly here") for _, each in stores[:3]),
        fix=Fix(f"use WRITE_ONCE() for {store.target} there"),
    )


def _is_changed(function: Function, node: Node) -> bool:
    return node.start_point[0] in function.unit.changed


rule = Rule(
    title="READ_ONCE() of a variable that is stored plainly",
    severity=Severity.NOTE,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_LOADS,
    links=("https://docs.kernel.org/core-api/wrappers/memory-barriers.html",),
)
