"""A driver stores the pointer to a device only after it has registered the device.

From the registration on, user space can open the device, and its callbacks run. Those that look
for it where the driver keeps it find NULL there. Store the pointer first, and register last.

It is fine where no callback looks there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.onward import follows, statement_of
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Assignment, Call

_REGISTERS = frozenset(
    {
        *("register_netdev", "register_candev", "wiphy_register", "ieee80211_register_hw"),
        *("hci_register_dev", "gnss_register_device", "misc_register"),
    }
)
_FIELD = re.compile(r"(\w+)->[\w.>\[\]-]+\Z")


def check(source: Source) -> Iterator[Finding]:
    """Stores of a pointer variable to another object, behind the call that registers it."""
    for function in source.touched_with(_REGISTERS):
        for call in function.calls:
            name = call.arguments[0] if call.name in _REGISTERS and call.arguments else ""
            if call.cut or not _is_pointer(function, name):
                continue
            store = _store_after(function, call, name)
            if store is not None:
                yield _finding(function, call, store)


def _is_pointer(function: Function, name: str) -> bool:
    """Whether it is a pointer variable: what is passed without an address, if none is in view."""
    variable = function.variables.get(name)
    if variable is None:
        return function.has_gap and name.isidentifier()
    return variable.type.pointer > 0


def _store_after(function: Function, call: Call, name: str) -> Assignment | None:
    """The first store of it, when no other field of a driver's object has it before."""
    stores = [
        store
        for store in function.assignments
        if store.value == name and store.operator == "=" and not store.declares
    ]
    first = stores[0] if stores else None
    found = _FIELD.match(first.target) if first is not None else None
    if first is None or found is None or found[1] == name:
        return None
    return first if follows(statement_of(call.node), first.node) else None


def _finding(function: Function, call: Call, store: Assignment) -> Finding:
    return Finding(
        span=store.span,
        message=f"{store.target} is only set after {call.name}(): user space can already be in a "
        "callback that looks there",
        function=function.name,
        evidence=(Evidence(call.span, "it can be used from here on"),),
        fix=Fix(f"set it before the {call.name}()"),
    )


rule = Rule(
    title="The pointer is stored after its device was registered",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_REGISTERS,
    links=("https://docs.kernel.org/driver-api/driver-model/driver.html",),
)
