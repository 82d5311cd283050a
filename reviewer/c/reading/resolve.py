"""Which struct an expression is of, as far as the text in view shows it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.reading.ctype import type_name
from reviewer.c.syntax import CType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tree_sitter import Node

    from reviewer.c.place import Place
    from reviewer.c.structs import Structs
    from reviewer.c.syntax import Variable

_SAME_TYPE = re.compile(r"rcu_dereference\w*|READ_ONCE|smp_load_acquire|unrcu_pointer|ACCESS_ONCE")
_MEMBER_OF = re.compile(
    r"container_of(?:_const)?|(?:list|hlist|rb|llist|plist|klist)(?:_first|_last|_next|_prev)?"
    r"_entry(?:_rcu|_safe|_or_null)*"
)
_STRUCT = re.compile(r"\s*(struct|union)\s+(\w+)\s*\Z")
_DEPTH = 12


class Resolver:
    """Types of expressions over the variables of one function and the structs in view."""

    def __init__(self, place: Place, variables: Mapping[str, Variable], structs: Structs) -> None:
        self._place = place
        self._variables = variables
        self._structs = structs
        self._known: dict[int, CType | None] = {}

    def struct(self, base: Node, arrow: bool) -> str | None:
        """The struct whose field `base->f` (arrow) or `base.f` is."""
        found = self._type(base, 0)
        if found is None:
            return None
        levels = found.pointer + found.array
        if levels != int(arrow):
            return None
        name = found.struct
        return found.name if name is None and found.name in self._structs.fields else name

    def _type(self, node: Node, depth: int) -> CType | None:
        if node.type == "identifier":
            variable = self._variables.get(self._place.text(node))
            return None if variable is None else variable.type
        if depth > _DEPTH:
            return None
        if node.id not in self._known:
            self._known[node.id] = self._compound(node, depth + 1)
        return self._known[node.id]

    def _compound(self, node: Node, depth: int) -> CType | None:
        kind = node.type
        if kind == "field_expression":
            return self._field(node, depth)
        if kind == "call_expression":
            return self._call(node, depth)
        if kind == "cast_expression":
            return self._cast(node)
        inner = node.child_by_field_name("argument")
        if kind == "parenthesized_expression" and node.named_child_count == 1:
            return self._type(node.named_children[0], depth)
        if inner is None or kind not in {"subscript_expression", "pointer_expression"}:
            return None
        found = self._type(inner, depth)
        if found is None:
            return None
        if self._place.unit.masked[node.start_byte] == "&" and kind == "pointer_expression":
            return CType(found.name, found.pointer + 1)
        if found.array:
            return CType(found.name, found.pointer)
        return CType(found.name, found.pointer - 1) if found.pointer else None

    def _field(self, node: Node, depth: int) -> CType | None:
        base = node.child_by_field_name("argument")
        field = node.child_by_field_name("field")
        if base is None or field is None or depth > _DEPTH:
            return None
        self._type(base, depth)
        arrow = "->" in self._place.unit.masked[base.end_byte : field.start_byte]
        struct = self.struct(base, arrow)
        if struct is None:
            return None
        found = self._structs.field(struct, self._place.text(field))
        return None if found is None else found.type

    def _call(self, node: Node, depth: int) -> CType | None:
        function, listed = (node.child_by_field_name(name) for name in ("function", "arguments"))
        if function is None or listed is None or not listed.named_children:
            return None
        name = self._place.text(function)
        if _SAME_TYPE.fullmatch(name):
            return self._type(listed.named_children[0], depth)
        if _MEMBER_OF.fullmatch(name) and listed.named_child_count > 1:
            match = _STRUCT.match(self._place.text(listed.named_children[1]))
            return None if match is None else CType(f"{match[1]} {match[2]}", 1)
        return None

    def _cast(self, node: Node) -> CType | None:
        described = node.child_by_field_name("type")
        if described is None:
            return None
        kind = described.child_by_field_name("type")
        if kind is None:
            return None
        stars = self._place.unit.masked[kind.end_byte : described.end_byte].count("*")
        return CType(type_name(self._place.unit, kind), stars)
