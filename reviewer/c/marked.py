"""Accesses that say they are concurrent: READ_ONCE(), WRITE_ONCE(), cmpxchg() and their kin.

Source of the facts: Documentation/memory-barriers.txt, tools/memory-model/Documentation and
include/linux/atomic/atomic-instrumented.h of Linux 6.12.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.c.locks import IDENTIFIER, lock_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Access, Assignment, Call

STORES = frozenset({"WRITE_ONCE", "smp_store_release", "smp_store_mb", "xchg"})
_EXCHANGES = re.compile(r"(?:try_)?cmpxchg(?:64|128)?(?:_acquire|_release|_relaxed)?\Z")
_SUBSCRIPT = re.compile(r"\[[^][]*\]")


@dataclass(frozen=True, slots=True)
class Place:
    """What an lvalue names: a field of a struct, or the text of it where that is not in view."""

    struct: str | None
    text: str  # the field when the struct is known, else the whole expression, subscripts emptied


def exchanges(call: Call) -> bool:
    """Whether it compares and exchanges the value that its first argument points to."""
    return not call.cut and len(call.arguments) > 2 and _EXCHANGES.match(call.name) is not None


def place_of(text: str, access: Access | None) -> Place:
    """The place that an expression names; `access` is the field access that it is, if it is one."""
    if access is not None and access.struct is not None:
        return Place(access.struct, access.field)
    return Place(None, _SUBSCRIPT.sub("[]", lock_key(text)))


def marked(function: Function, names: frozenset[str]) -> Iterator[tuple[Place, Call]]:
    """The calls of these accessors, with the place that the first argument names."""
    accesses = {access.node.id: access for access in function.accesses}
    for call in function.calls:
        if call.arguments and not call.cut and (call.name in names or exchanges(call)):
            node = call.argument_nodes[0]
            if node.type == "pointer_expression":
                node = node.child_by_field_name("argument") or node
            yield place_of(call.arguments[0], accesses.get(node.id)), call


def plain_stores(function: Function) -> Iterator[tuple[Place, Assignment]]:
    """The assignments without accessor, with the place that is stored to; locals are among them."""
    accesses = {access.node.id: access for access in function.accesses}
    for store in function.assignments:
        if not store.declares:
            yield place_of(store.target, accesses.get(store.target_node.id)), store


def name_in(place: Place) -> str:
    """A word that every text has that names the place."""
    words = IDENTIFIER.findall(place.text)
    return words[-1] if words else ""


def functions_naming(source: Source, place: Place) -> Iterator[Function]:
    """The functions in view that may use the place."""
    word = name_in(place)
    return source.functions_with(word) if word else iter(())
