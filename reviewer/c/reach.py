"""What an expression denotes: its declared type, and whether other threads can reach its object.

Everything is asked of the text of one function and the structs in view; what these do not show is
unknown, never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

from reviewer.c.unit import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Access, CType, Variable

_DEPTH = 100  # of nested expressions and aliases; nothing that a person writes is deeper
_CALLED = re.compile(r"(?:\([^()]*\)\s*)?(\w+)\s*\(")
_ALLOCATES = re.compile(r"alloc|(?:^k?mem|^kstrn?|_)dup(?:_|$)|(?:^|_)(?:new|create)(?:_|$)")
_CONSTANT = re.compile(r"[A-Z_][A-Z0-9_]*\Z")
_FILE_SCOPE = (Kind.DECLARATION, Kind.INITIALISER, Kind.MACRO)


class Reach(Enum):
    """Who can reach the object that an expression denotes."""

    SHARED = "shared"  # through a pointer that came from elsewhere, or at file scope
    LOCAL = "local"  # a local variable, or an object that this function allocates
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Objects:
    """What the expressions of one function denote; remembers what it looked up."""

    function: Function
    source: Source

    @cached_property
    def accesses(self) -> Mapping[int, Access]:
        """The field accesses by the id of their node."""
        return {access.node.id: access for access in self.function.accesses}

    @cached_property
    def values(self) -> Mapping[str, tuple[Node, ...]]:
        """What is assigned to each variable, from the first to the last."""
        values: dict[str, list[Node]] = {}
        for assignment in self.function.assignments:
            values.setdefault(assignment.target, []).append(assignment.value_node)
        return {name: tuple(nodes) for name, nodes in values.items()}

    @cached_property
    def allocated(self) -> frozenset[str]:
        """The variables that hold an object which this function allocates."""
        return frozenset(
            assignment.target
            for assignment in self.function.assignments
            if (called := _CALLED.match(assignment.value[:200])) and _ALLOCATES.search(called[1])
        )

    def access(self, node: Node) -> Access | None:
        """The field access that `node` is, without parentheses, casts and a leading `&`."""
        return self.accesses.get(bare(node, address=True).id)

    def type(self, node: Node) -> CType | None:
        """The declared type; None when the declaration is not in view."""
        return self._type(node, _DEPTH)

    def reach(self, node: Node) -> Reach:
        """Who can reach the object, or for `&x` the object `x`.

        A pointer variable by itself is not followed, except to the address it was set to: what a
        parameter points to may well be the caller's own.
        """
        return self._object(bare(node, address=True), _DEPTH)

    def _type(self, node: Node, depth: int) -> CType | None:
        node = bare(node)
        if depth == 0:
            return None
        if node.type == "identifier":
            variable = self._variable(node)
            return variable.type if variable else None
        if node.type == "field_expression":
            access = self.accesses.get(node.id)
            return self._field(access) if access else None
        if node.type not in ("pointer_expression", "subscript_expression"):
            return None
        operand = node.child_by_field_name("argument")
        inner = self._type(operand, depth - 1) if operand is not None else None
        return _through(inner, node) if inner else None

    def _field(self, access: Access) -> CType | None:
        declared = access.struct and self.source.structs.field(access.struct, access.field)
        return declared.type if declared else None

    def _variable(self, node: Node) -> Variable | None:
        return self.function.variables.get(self.function.text(node))

    def _object(self, node: Node, depth: int) -> Reach:
        """Where the object lies that the lvalue `node` names."""
        node = bare(node)
        operand = node.child_by_field_name("argument")
        if depth == 0:
            return Reach.UNKNOWN
        if node.type == "identifier":
            return self._named(node, depth)
        if operand is None:
            return Reach.UNKNOWN
        if node.type == "field_expression":
            by_pointer = node.child_by_field_name("operator")
            if by_pointer is not None and by_pointer.type == ".":
                return self._object(operand, depth - 1)
            return self._pointee(operand, depth - 1)
        if node.type == "subscript_expression":
            declared = self._type(operand, depth - 1)
            array = declared is not None and declared.array
            return (self._object if array else self._pointee)(operand, depth - 1)
        if node.type == "pointer_expression":
            return self._pointee(operand, depth - 1)
        return Reach.UNKNOWN

    def _named(self, node: Node, depth: int) -> Reach:
        name = self.function.text(node)
        variable = self.function.variables.get(name)
        if variable is None:
            return self._undeclared(name)
        if variable.static:
            return Reach.SHARED
        if name in self.allocated:
            return Reach.LOCAL
        if variable.type.pointer:
            return self._aliased(name, depth)
        return Reach.UNKNOWN if variable.parameter else Reach.LOCAL

    def _undeclared(self, name: str) -> Reach:
        """At file scope when that is in view, or when nothing of the function is hidden."""
        if _CONSTANT.match(name):
            return Reach.UNKNOWN
        if not self.function.has_gap and not self.function.has_error:
            return Reach.SHARED
        word = re.compile(rf"\b{re.escape(name)}\b")
        units = (unit for unit in self.source.units if unit.kind in _FILE_SCOPE)
        return Reach.SHARED if any(word.search(unit.text) for unit in units) else Reach.UNKNOWN

    def _aliased(self, name: str, depth: int) -> Reach:
        """What a local pointer points to, when it is only ever set to one address."""
        values = [bare(value) for value in self.values.get(name, ())]
        if len(values) != 1 or not _is_address(values[0]):
            return Reach.UNKNOWN
        return self._object(bare(values[0], address=True), depth - 1)

    def _pointee(self, node: Node, depth: int) -> Reach:
        """Where the object lies that the pointer `node` points to."""
        node = bare(node)
        if _is_address(node):
            return self._object(bare(node, address=True), depth)
        name = self.function.text(node) if node.type == "identifier" else None
        if name is not None and self._aliased(name, depth) is Reach.LOCAL:
            return Reach.LOCAL
        return Reach.LOCAL if self._root(node) in self.allocated else Reach.SHARED

    def _root(self, node: Node) -> str | None:
        while (operand := bare(node).child_by_field_name("argument")) is not None:
            node = operand
        node = bare(node)
        return self.function.text(node) if node.type == "identifier" else None


def bare(node: Node, *, address: bool = False) -> Node:
    """The expression without parentheses and casts, and without one `&` when `address`."""
    while True:
        if node.type == "parenthesized_expression" and node.named_child_count == 1:
            node = node.named_children[0]
        elif node.type == "cast_expression" and (value := node.child_by_field_name("value")):
            node = value
        elif address and _is_address(node) and (inner := node.child_by_field_name("argument")):
            node, address = inner, False
        else:
            return node


def _is_address(node: Node) -> bool:
    return node.type == "pointer_expression" and node.children[0].type == "&"


def _through(inner: CType, node: Node) -> CType | None:
    """The type of `&x`, `*x` and `x[i]` from that of `x`."""
    if _is_address(node):
        return replace(inner, pointer=inner.pointer + 1, array=False, rcu=False)
    if inner.array:
        return replace(inner, array=False)
    return replace(inner, pointer=inner.pointer - 1, rcu=False) if inner.pointer else None
