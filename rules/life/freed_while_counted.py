"""An object that embeds a counted device or kobject is freed by hand.

From `device_initialize()`, `device_register()` or `kobject_init()` on, the reference counter owns
the memory: sysfs, a bus or user space may hold a reference of its own, and the release callback
frees. That holds also when `device_register()` or `kobject_init_and_add()` returns an error. Give
the reference up with `put_device()` or `kobject_put()`, and free in the release callback only.

It is fine before the counter is initialised.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.after import reachable, reassigns
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_PUTS = {
    "device_initialize": "put_device",
    "device_register": "put_device",
    "device_add": "put_device",
    "kobject_init": "kobject_put",
    "kobject_init_and_add": "kobject_put",
}
"""What starts the counting, drivers/base/core.c and lib/kobject.c, and what ends it."""

_FREES = frozenset({"kfree", "kvfree", "vfree", "kfree_sensitive"})
_PUT = re.compile(r"(?:\w+_)?(?:put|unregister|destroy|release|free|is_registered)(?:_\w+)?")
_MEMBER = re.compile(r"&\s*\(?(\w+)\)?\s*->\s*\w+\Z")


def check(source: Source) -> Iterator[Finding]:
    """Frees of the object that can follow the start of its counter."""
    for function in source.touched:
        frees = {c.node.id: c for c in function.calls if c.name in _FREES and not c.cut}
        said: set[int] = set()
        for start in _starts(function) if frees else ():
            free = _freed_after(function, start, frees)
            if free is not None and free.node.id not in said:
                said.add(free.node.id)
                yield _finding(function, start, free)


def _starts(function: Function) -> Iterator[Call]:
    for call in function.calls:
        if call.name in _PUTS and call.arguments and not call.cut:
            yield call


def _freed_after(function: Function, start: Call, frees: dict[int, Call]) -> Call | None:
    """The first free of the object on a path that gives no reference up."""
    member = _MEMBER.match(start.arguments[0])
    name = member[1] if member else ""
    if name not in function.variables:
        return None
    calls = {call.node.id: call for call in function.calls}

    def ends(node: Node) -> bool:
        call = calls.get(node.id)
        if call is not None and node.id not in frees:
            return _about(call, name) and _PUT.fullmatch(call.name) is not None
        return reassigns(function, node, name)

    for node in reachable(function, start.node, ends, of=name):
        free = frees.get(node.id)
        if free is not None and free.arguments == (name,):
            return free
    return None


def _about(call: Call, name: str) -> bool:
    return any(re.match(rf"&?\(?{re.escape(name)}\b", each) for each in call.arguments)


def _finding(function: Function, start: Call, free: Call) -> Finding:
    name, put = free.arguments[0], _PUTS[start.name]
    return Finding(
        span=free.span,
        message=f"{free.name}({name}) after {start.name}({start.arguments[0]}): its references "
        f"are counted by now, and {name} may be freed by {put}() only",
        function=function.name,
        evidence=(Evidence(start.span, "the references are counted from here on"),),
        fix=Fix(f"call {put}({start.arguments[0]}), and free {name} in the release callback"),
    )


rule = Rule(
    title="An object with a counted device is freed by hand",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(_PUTS),
    links=(
        "https://docs.kernel.org/driver-api/infrastructure.html",
        "https://docs.kernel.org/core-api/kobject.html",
    ),
)
