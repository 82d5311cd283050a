"""The text of a C pattern as a small tree of its own, which the matcher walks beside the code's.

A pattern is parsed inside a function, so that a call is a call and never a declaration. `$A` is an
identifier to the grammar as it stands; `...` is made one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from reviewer.c.parse import parse
from reviewer.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

IDENTIFIERS = frozenset(
    {"identifier", "field_identifier", "type_identifier", "statement_identifier"}
)
"""Node types that hold a name."""

_LONGEST = 300  # bounds the nesting as well, and with it the recursion of the matcher
_DOTS = "$$$"  # an identifier to the grammar, and none that a pattern can spell
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|(\.\.\.)')
_VARIABLE = re.compile(r"\$[A-Z_][A-Z0-9_]*\Z")
_COMPOUND = re.compile(r"(?:if|else|for|while|do|switch|case|default)\b")
_SIMPLE = re.compile(r"(?:return|goto|break|continue)\b[^;]*\Z")  # a statement but for its `;`


class Role(Enum):
    """What a node of a pattern stands for."""

    NODE = "node"
    LEAF = "leaf"  # a name, a number, an operator: itself
    VARIABLE = "variable"  # any one expression, field, type, label or statement
    DOTS = "dots"  # any number of arguments


@dataclass(frozen=True, slots=True)
class Shape:
    """A node of a pattern; `text` is that of a leaf, or the name of a variable without its `$`.

    The children of an argument list are the arguments only. Braces around one statement are left
    out, and `$S;` is a variable.
    """

    role: Role
    type: str
    text: str = ""
    children: tuple[Shape, ...] = ()

    @property
    def call_name(self) -> str | None:
        """The name of the function when the shape is a call by name, or a statement that is one."""
        call = self.children[0] if self.type == "expression_statement" else self
        named = call.type == "call_expression" and call.children[0].role is Role.LEAF
        return call.children[0].text if named else None

    def leaves(self) -> Iterator[Shape]:
        """Its leaves, variables and dots, from left to right."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()


def shape_of(text: str) -> Shape:
    """Read a pattern; RuleError says what is wrong with it."""
    if len(text) > _LONGEST:
        raise RuleError(f"a pattern has at most {_LONGEST} characters: {text[:40]!r}...")
    root = _shape(_parsed(text), text)
    if root.role is not Role.NODE:
        raise RuleError(f"a pattern that fits any name or only one: {text!r}")
    return root


def _parsed(text: str) -> Node:
    wanted = f"not a C statement or expression: {text!r}"
    if not text.isascii() or _DOTS in text:
        raise RuleError(wanted)
    # Where the grammar expects no keyword it takes one for a name: `return if (x);` has no error.
    code = _TOKEN.sub(lambda match: _DOTS if match[1] else match[0], text.strip())
    if code.endswith((";", "}")) or _SIMPLE.match(code) or _COMPOUND.match(code):
        node = _only_statement(code + ";" if _SIMPLE.match(code) else code)
    else:
        node = _only_statement(f"return {code};")
        operands = node.named_children if node is not None else []
        node = operands[0] if len(operands) == 1 else None
    if node is None or (node.type == "expression_statement" and not node.named_child_count):
        raise RuleError(wanted)
    return node


def _only_statement(code: str) -> Node | None:
    root = parse(f"void f(void) {{ {code}\n}}").root_node
    body = root.children[0].child_by_field_name("body") if root.child_count == 1 else None
    if root.has_error or body is None or body.named_child_count != 1:
        return None
    return body.named_children[0]


def _shape(node: Node, pattern: str) -> Shape:
    text = (node.text or b"").decode()
    if node.type in IDENTIFIERS and _VARIABLE.match(text):
        return Shape(Role.VARIABLE, node.type, text[1:])
    if text == _DOTS:
        raise RuleError(f"`...` stands for arguments of a call only: {pattern!r}")
    if "$" in text and not node.child_count and node.type in IDENTIFIERS:
        raise RuleError(f"a metavariable is `$` and capitals, not {text!r}: {pattern!r}")
    if node.type == "argument_list":
        return Shape(Role.NODE, node.type, "", _argument_shapes(node, pattern))
    if not node.child_count:
        return Shape(Role.LEAF, node.type, text)
    return _node(node, pattern)


def _node(node: Node, pattern: str) -> Shape:
    pairs = [(child, _shape(child, pattern)) for child in children(node)]
    named = [shape for child, shape in pairs if child.is_named]
    if len(named) == 1 and node.type == "compound_statement":
        return named[0]
    if len(named) == 1 and node.type == "expression_statement" and named[0].role is Role.VARIABLE:
        return named[0]
    return Shape(Role.NODE, node.type, "", tuple(shape for _, shape in pairs))


def _argument_shapes(node: Node, pattern: str) -> tuple[Shape, ...]:
    dots = Shape(Role.DOTS, "")
    arguments = [child for child in node.named_children if child.type != "comment"]
    shapes = tuple(dots if a.text == _DOTS.encode() else _shape(a, pattern) for a in arguments)
    if shapes.count(dots) > 1:
        raise RuleError(f"more than one `...` among the arguments of one call: {pattern!r}")
    return shapes


def children(node: Node) -> list[Node]:
    """The children of a node without comments."""
    return [child for child in node.children if child.type != "comment"]
