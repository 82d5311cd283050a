"""Struct declarations in view: which fields a struct has, of which type, and which are `__rcu`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.c.place import Place
from reviewer.c.reading.ctype import declared
from reviewer.c.unit import GAP, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tree_sitter import Node

    from reviewer.c.syntax import CType
    from reviewer.c.unit import Unit
    from reviewer.model import Side, Span

_SPECIFIERS = {"struct_specifier", "union_specifier"}
_CONTAINERS = {
    "declaration",
    "type_definition",
    "ERROR",
    "translation_unit",
    "linkage_specification",
}
_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a struct; `span` is None when it comes from the facts tables."""

    struct: str
    name: str
    type: CType
    span: Span | None


@dataclass(frozen=True, slots=True)
class Structs:
    """Fields by struct name and field name."""

    fields: Mapping[str, Mapping[str, Field]]

    def field(self, struct: str, name: str) -> Field | None:
        """The field of that struct, when its declaration is in view."""
        return self.fields.get(struct, {}).get(name)

    def merge(self, other: Structs) -> Structs:
        """Both; where both know a field, this one's word counts."""
        if not other.fields:
            return self
        merged = {name: dict(fields) for name, fields in other.fields.items()}
        for name, fields in self.fields.items():
            merged.setdefault(name, {}).update(fields)
        return Structs(merged)


NO_STRUCTS = Structs({})


def structs_of(units: Iterable[Unit], path: str, side: Side) -> Structs:
    """The structs and unions whose declaration is in view, anonymous inner ones flattened.

    What a hunk hides of a struct is not there: an absent field proves nothing.
    """
    fields: dict[str, dict[str, Field]] = {}
    for unit in units:
        if unit.kind is Kind.STRUCT:
            for field in _of_unit(Place(unit, path, side)):
                fields.setdefault(field.struct, {}).setdefault(field.name, field)
    return Structs(fields)


def _of_unit(place: Place) -> Iterator[Field]:
    unit = place.unit
    pending = list(unit.tree.root_node.named_children)
    while pending:
        node = pending.pop()
        if node.type in _SPECIFIERS:
            name = _tag(unit, node) or unit.name
            yield from _members(place, node, name, 0)
        elif node.type in _CONTAINERS:
            pending.extend(node.named_children)


def _tag(unit: Unit, specifier: Node) -> str | None:
    name = specifier.child_by_field_name("name")
    if name is None:
        return None
    text = unit.text[name.start_byte : name.end_byte]
    return None if text.startswith(GAP) else text


def _members(place: Place, specifier: Node, struct: str | None, depth: int) -> Iterator[Field]:
    body = specifier.child_by_field_name("body")
    if body is None or depth > _DEPTH:
        return
    for member in body.named_children:
        if member.type != "field_declaration":
            continue
        inner = member.child_by_field_name("type")
        if inner is not None and inner.type in _SPECIFIERS:
            flat = member.child_by_field_name("declarator") is None
            name = _tag(place.unit, inner) or (struct if flat else None)
            yield from _members(place, inner, name, depth + 1)
        if struct is not None:
            yield from _fields(place, member, struct)


def _fields(place: Place, member: Node, struct: str) -> Iterator[Field]:
    for found in declared(place.unit, member):
        span = place.span(found.node)
        if span is not None and not found.name.startswith(GAP):
            yield Field(struct, found.name, found.type, span)
