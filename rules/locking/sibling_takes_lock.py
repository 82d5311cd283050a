"""A store of an attribute is not under the lock that the sibling functions take.

The `_store()` functions of one object run at the same time when user space writes several of its
files. When the others take a lock of the object to change it, the one without it races with them.

It is fine for a single word that nobody reads together with another field; then WRITE_ONCE() says
so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.flow import Kind
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.flow import Held
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Assignment

_KINDS = frozenset({Kind.SPIN, Kind.MUTEX, Kind.RWSEM})
_FIELD = re.compile(r"([A-Za-z_]\w*)->([A-Za-z_]\w*)\Z")
_ENOUGH = 2  # siblings that lock


def check(source: Source) -> Iterator[Finding]:
    """Stores of a field without lock, where the siblings store to the same struct under one."""
    stores = [f for f in source.functions_with("_store") if (f.name or "").endswith("_store")]
    if len(stores) <= _ENOUGH:
        return
    written = [(f, store) for f in stores if (store := _store(f)) is not None]
    locked = [(f, s, h) for f, s in written if (h := _lock(f, s)) is not None]
    for function, store in written:
        if function not in source.touched or not function.flow.at(store.node).surely_none:
            continue
        base = _struct(function, store)
        others = [(f, s, h) for f, s, h in locked if f is not function and _struct(f, s) == base]
        bare = [f for f, s in written if _struct(f, s) == base and not _lock(f, s)]
        if base and len(others) >= _ENOUGH and len(others) > len(bare):
            yield _finding(function, store, others)


def _store(function: Function) -> Assignment | None:
    """The first store to a field through a pointer that is declared in the function."""
    for each in function.assignments:
        found = _FIELD.match(each.target)
        if found and not each.declares and found[1] in function.variables:
            return each
    return None


def _lock(function: Function, store: Assignment) -> Held | None:
    """The lock of the same object that is held at the store."""
    base = store.target.split("->")[0]
    for held in function.flow.at(store.node).must:
        if held.kind in _KINDS and held.key.startswith(f"{base}->"):
            return held
    return None


def _struct(function: Function, store: Assignment) -> str | None:
    declared = function.variables.get(store.target.split("->")[0])
    return declared.type.struct if declared else None


def _finding(
    function: Function, store: Assignment, others: list[tuple[Function, Assignment, Held]]
) -> Finding:
    lock = others[0][2].key
    evidence = tuple(Evidence(s.span, f"{f.name}() holds {h.key} here") for f, s, h in others[:3])
    return Finding(
        span=store.span,
        message=f"{len(others)} other store functions take {lock} before they change this object, "
        f"{function.name}() does not",
        function=function.name,
        evidence=evidence,
        fix=Fix(f"take {lock} around the store"),
    )


rule = Rule(
    title="A store function without the lock of its siblings",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    links=("https://docs.kernel.org/filesystems/sysfs.html",),
)
