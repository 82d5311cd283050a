"""Functions in view that find an element for their caller, in the section that the caller holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.callees import function_named
from reviewer.c.facts import iterator

if TYPE_CHECKING:
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_LOADS = frozenset({"rcu_dereference", "rcu_dereference_bh", "list_first_or_null_rcu"})
_WALKS = re.compile(r"\w*h?(?:list|hash)_\w*for_each\w*_rcu\Z")
_REFERENCE = re.compile(r"get|hold|ref|pin|unless_zero|lock|guard")


def lends_under_rcu(source: Source, name: str) -> bool:
    """Whether it returns what it finds by RCU in no section of its own, with no reference.

    True for the element and for a pointer to a member of it. False when the function is not in
    view, or not all of it is.
    """
    function = function_named(source, name)
    if function is None or function.has_gap or "rcu" not in function.unit.text:
        return False
    if "*" not in (function.returns or "") or function.takes_locks:
        return False
    found = _found(function)
    if not found or any(_REFERENCE.search(call.name) for call in function.calls):
        return False
    return any(_leads_into(exit_.value, found) for exit_ in function.flow.exits)


def _found(function: Function) -> frozenset[str]:
    """The variables that get an element."""
    cursors = (_cursor(call) for call in function.calls)
    loads = {call.node.id for call in function.calls if call.name in _LOADS}
    stored = (each.target for each in function.assignments if each.value_node.id in loads)
    return frozenset({*filter(None, cursors), *stored})


def _cursor(call: Call) -> str | None:
    known = iterator(call.name) if call.loop and _WALKS.match(call.name) else None
    if known is None or known.cursor is None or known.cursor >= len(call.arguments):
        return None
    return call.arguments[known.cursor]


def _leads_into(value: str, found: frozenset[str]) -> bool:
    """Whether it is the pointer, or the address of a member: not a value that is read."""
    if value in found:
        return True
    name, arrow, _ = value.removeprefix("&").strip().partition("->")
    return value.startswith("&") and bool(arrow) and name in found
