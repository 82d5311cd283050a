"""A mutex of a managed object is initialised, and nothing destroys it.

With `CONFIG_DEBUG_MUTEXES`, `mutex_destroy()` finds a mutex that is still held, or used, when its
memory is given back. `devm_mutex_init()` calls it when the driver is unbound, before the memory of
`devm_kzalloc()` is freed.

Maintainers of IIO, GPIO and platform drivers ask for it in new code; others leave it to the author.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Assignment, Call

_MEMBER = re.compile(r"&(\w+)->\w+\Z")
_MANAGED = re.compile(r"devm_\w*alloc\w*\s*\(")
_PRIVATE = re.compile(r"\w+_priv\((\w+)\)\Z")
_ASKED_FOR = ("drivers/iio/", "drivers/gpio/", "drivers/platform/")


def check(source: Source) -> Iterator[Finding]:
    """Mutexes in what a devm function has allocated, in files that destroy none."""
    if any("mutex_destroy" in unit.words for unit in source.units):
        return
    for function in source.touched_with({"mutex_init"}):
        for call in function.calls:
            named = _MEMBER.match(call.arguments[0]) if call.arguments else None
            if call.name == "mutex_init" and named and not call.cut:
                managed = _managed(function, named[1])
                if managed is not None:
                    yield _finding(function, call, managed)


def _managed(function: Function, name: str) -> Assignment | None:
    """Where the object is allocated, or that which it is the private part of."""
    store = _only_store(function, name)
    part = _PRIVATE.match(store.value) if store is not None else None
    store = _only_store(function, part[1]) if part is not None else store
    return store if store is not None and _MANAGED.match(store.value) else None


def _only_store(function: Function, name: str) -> Assignment | None:
    stores = [store for store in function.assignments if store.target == name]
    return stores[0] if len(stores) == 1 else None


def _finding(function: Function, call: Call, managed: Assignment) -> Finding:
    mutex = call.arguments[0]
    return Finding(
        span=call.span,
        message=f"nothing destroys {mutex.lstrip('&')}, whose memory is managed; "
        "devm_mutex_init() would do so on the way out",
        function=function.name,
        evidence=(Evidence(managed.span, "freed when the driver is unbound"),),
        fix=Fix(f"use devm_mutex_init(dev, {mutex}) and check its result"),
        confidence=Confidence.LIKELY if function.path.startswith(_ASKED_FOR) else None,
    )


rule = Rule(
    title="A mutex of a managed object is not managed",
    severity=Severity.NOTE,
    confidence=Confidence.HUNCH,
    since="0.1",
    check=check,
    triggers=frozenset({"mutex_init"}),
    links=("https://docs.kernel.org/driver-api/driver-model/devres.html",),
)
