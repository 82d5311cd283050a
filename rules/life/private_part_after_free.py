"""The private part of an object is used after the object is freed.

`mmc_alloc_host()`, `alloc_netdev()`, `spi_alloc_host()` and their like allocate the driver's data
behind the object, in one piece. What frees the object frees the data too: `mmc_free_host()`,
`free_netdev()`, and `spi_unregister_controller()`, which drops the reference that the allocation
gave. Free it last, or let devm do it.

It is fine where the data is allocated separately, and where a reference is still held.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.uses import Touch, uses_in
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call
    from reviewer.c.uses import ObjectUse

_SPI = frozenset({"spi_controller_get_devdata", "spi_master_get_devdata"})
_NET = frozenset({"netdev_priv"})
_PRIVATE = {
    "free_netdev": _NET,
    "free_candev": _NET,
    "mmc_free_host": frozenset({"mmc_priv"}),
    "sdhci_free_host": frozenset({"sdhci_priv"}),
    "memstick_free_host": frozenset({"memstick_priv"}),
    "iio_device_free": frozenset({"iio_priv"}),
    "wiphy_free": frozenset({"wiphy_priv"}),
    "devlink_free": frozenset({"devlink_priv"}),
    "spi_unregister_controller": _SPI,
    "spi_unregister_master": _SPI,
}
"""What frees an object, and the functions that give the private part of it."""

_OWN_REFERENCE = frozenset({"spi_alloc_master", "spi_alloc_slave", "spi_alloc_host"})
_KEPT = frozenset(
    {
        *("devm_spi_alloc_master", "devm_spi_alloc_slave", "devm_spi_alloc_host"),
        *("devm_spi_alloc_target", "spi_controller_get", "spi_master_get"),
    }
)
_TOLD_ELSEWHERE = frozenset({"netdev_priv", "wiphy_priv"})
_MEMBER = re.compile(r"(\w+)->\w+\Z")


def check(source: Source) -> Iterator[Finding]:
    """The first use of the private part after each call that frees what it is part of."""
    for function in source.touched_with(_PRIVATE.keys()):
        for call in function.calls:
            accessors = _PRIVATE.get(call.name)
            if accessors is None or call.cut or not call.arguments:
                continue
            if accessors is _SPI and not _freed_by_unregister(source):
                continue
            name = _private(source, function, call, accessors)
            use = _used_after(function, call, name) if name is not None else None
            if name is not None and use is not None:
                yield from _finding(function, call, name, use)


def _freed_by_unregister(source: Source) -> bool:
    words = set().union(*(unit.words for unit in source.units))
    return not words.isdisjoint(_OWN_REFERENCE) and words.isdisjoint(_KEPT)


def _private(
    source: Source, function: Function, call: Call, accessors: frozenset[str]
) -> str | None:
    """The variable that holds the private part of what is freed."""
    freed = call.arguments[0].strip()
    if freed.isidentifier():
        if accessors & _TOLD_ELSEWHERE:
            return None
        for store in function.assignments:
            accessor, _, rest = store.value.partition("(")
            if accessor in accessors and rest.rstrip(") ") == freed and store.target.isidentifier():
                return store.target
        return None
    member = _MEMBER.match(freed)
    variable = function.variables.get(member[1]) if member else None
    if variable is None or variable.type.pointer != 1 or variable.type.struct is None:
        return None
    return variable.name if variable.type.struct in _structs(source, accessors) else None


def _structs(source: Source, accessors: frozenset[str]) -> set[str | None]:
    """The structs that are the private part of such an object, by what the file assigns."""
    found: set[str | None] = set()
    for function in source.functions_naming(accessors):
        for store in function.assignments:
            variable = function.variables.get(store.target)
            gives = store.value.partition("(")[0] in accessors
            if gives and variable is not None and variable.type.pointer == 1:
                found.add(variable.type.struct)
    return found


def _used_after(function: Function, call: Call, name: str) -> ObjectUse | None:
    uses = uses_in(function).after(call.node, name)
    return next((each for each in uses if each.touch in (Touch.READ, Touch.WRITE)), None)


def _finding(function: Function, call: Call, name: str, use: ObjectUse) -> Iterator[Finding]:
    span = function.span(use.node)
    if span is None:
        return
    yield Finding(
        span=span,
        message=f"{use.text} is {use.touch} after {call.name}() has freed {call.arguments[0]}, "
        f"which {name} is the private part of",
        function=function.name,
        evidence=(Evidence(call.span, "freed here, in one piece"),),
        fix=Fix(f"move {call.name}() behind the last use of {name}"),
    )


rule = Rule(
    title="The private part is used after the object is freed",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(_PRIVATE),
    links=("https://docs.kernel.org/driver-api/driver-model/devres.html",),
)
