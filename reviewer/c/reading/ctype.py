"""Declared types and names, as the tree of a declaration shows them."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from reviewer.c.syntax import CType
from reviewer.c.unit import GAP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.unit import Mark, Unit

_COMMENT = re.compile(
    r"""("(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+')|/\*(?:[^*]++|\*(?!/))*+(?:\*/)?|//[^\n]*""",
    re.DOTALL,
)
_INNER = {
    "pointer_declarator",
    "array_declarator",
    "init_declarator",
    "function_declarator",
    "parenthesized_declarator",
    "attributed_declarator",
}
_QUALIFIED = {"struct_specifier": "struct", "union_specifier": "union", "enum_specifier": "enum"}
_DEPTH = 20


class Declared(NamedTuple):
    """One declarator: its name, its node, its type, its initialiser."""

    name: str
    node: Node
    type: CType
    initial: Node | None
    function: bool  # declares a function or a pointer to one


def folded(text: str) -> str:
    """Code on one line: comments dropped, white space folded."""
    if "/" in text and ("/*" in text or "//" in text):
        text = _COMMENT.sub(lambda match: match[1] or " ", text)
    return text if text.isidentifier() else " ".join(text.split())


def type_name(unit: Unit, node: Node) -> str:
    """The name of a type specifier: "struct idr", "unsigned int"."""
    word = _QUALIFIED.get(node.type)
    if word is None:
        return folded(unit.text[node.start_byte : node.end_byte])
    name = node.child_by_field_name("name")
    return word if name is None else f"{word} {unit.text[name.start_byte : name.end_byte]}"


def marks_between(unit: Unit, start: int, end: int) -> tuple[Mark, ...]:
    """The marks that begin in [start, end)."""
    marks = unit.marks
    if not marks:
        return ()
    low = bisect_left(marks, start, key=lambda mark: mark.start)
    high = bisect_left(marks, end, low, key=lambda mark: mark.start)
    return marks[low:high]


def declared(unit: Unit, declaration: Node) -> Iterator[Declared]:
    """The names that a declaration, field_declaration or parameter_declaration introduces."""
    kind = declaration.child_by_field_name("type")
    if kind is None:
        return
    base = type_name(unit, kind)
    if GAP in base:
        return
    start = kind.start_byte if kind.child_by_field_name("body") is None else kind.end_byte
    for declarator in declaration.children_by_field_name("declarator"):
        found = _declarator(unit, declarator, base, start)
        if found is not None:
            yield found
        start = declarator.end_byte


def _declarator(unit: Unit, node: Node, base: str, start: int) -> Declared | None:
    pointer, array, function, initial = 0, False, False, None
    inner: Node | None = node
    for _ in range(_DEPTH):
        if inner is None or inner.type not in _INNER:
            break
        kind = inner.type
        pointer += kind == "pointer_declarator"
        array |= kind == "array_declarator"
        function |= kind == "function_declarator"
        if kind == "init_declarator":
            initial = inner.child_by_field_name("value")
        inner = inner.child_by_field_name("declarator") or (
            inner.named_children[0] if inner.named_children else None
        )
    if inner is None or inner.type not in {"identifier", "field_identifier", "type_identifier"}:
        return None
    name = unit.text[inner.start_byte : inner.end_byte]
    stop = initial.start_byte if initial is not None else _blank_end(unit.masked, node.end_byte)
    rcu, free = _annotations(unit, start, stop)
    return Declared(name, inner, CType(base, pointer, array, rcu, free), initial, function)


def _annotations(unit: Unit, start: int, stop: int) -> tuple[bool, str | None]:
    rcu, free = False, None
    for mark in marks_between(unit, start, stop):
        rcu |= mark.name == "__rcu"
        if mark.name == "__free":
            free = mark.arguments
    return rcu, free


def _blank_end(text: str, offset: int) -> int:
    """The end of the blanks at `offset`: annotations behind a name were blanked there."""
    while offset < len(text) and text[offset] in " \t":
        offset += 1
    return offset
