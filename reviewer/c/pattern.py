"""C patterns with `$METAVARIABLES`: the shape of an expression or a statement, matched on the tree.

    swap($A, $B)                      a call; `$A` binds one expression, `$_` any without binding
    idr_for_each($IDR, ...)           `...` is any number of arguments
    list_for_each_entry($POS, $HEAD, ...)   an iterator macro
    $P = $Q                           an assignment, or the initialiser of a declaration
    kfree($A);                        a call whose result is not used
    if ($COND) return $E;             braces around one statement make no difference
    guard(mutex)($L)                  a guard; `scoped_guard(mutex, $L)` is a call

A metavariable that occurs twice must be the same text twice (white space apart). A pattern is
parsed inside a function, so a call is a call and never a declaration. Nothing that the mail does
not show is ever matched, nor an expression longer than `LONGEST` characters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from tree_sitter import Query, QueryCursor

from reviewer.c.parse import language
from reviewer.c.shape import IDENTIFIERS, Role, Shape, children, shape_of
from reviewer.c.unit import GAP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.syntax import Call
    from reviewer.model import Span

LONGEST = 1000
"""Characters of a bound expression; nobody would read a longer one in a message."""

_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|/\*.*?\*/|//[^\n]*', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Bound:
    """What a metavariable stands for: the text with white space folded and comments left out."""

    text: str
    node: Node


@dataclass(frozen=True, slots=True)
class Match:
    """One place where the pattern fits. `bindings` is by name without the `$`."""

    node: Node
    bindings: Mapping[str, Bound]
    span: Span


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern. `words` are its literal identifiers: without them it cannot match."""

    text: str
    variables: frozenset[str]  # names without the `$`
    words: frozenset[str]
    trigger: str | None  # the word that is likely to be the rarest; None when there is no word
    _root: Shape = field(repr=False)

    @property
    def type(self) -> str:
        """The type of the nodes that match: of `f($A);` that of the call."""
        root = self._root
        if root.type == "expression_statement" and len(root.children) > 0:
            root = root.children[0]
        return root.type

    def match(self, function: Function) -> Iterator[Match]:
        """The places in `function`, in the order of the text."""
        for node, found, span in _candidates(self._root, function):
            if span is not None:
                bindings = {name: bound for name, bound in found.items() if name != "_"}
                yield Match(node, bindings, span)


def compile_pattern(text: str) -> Pattern:
    """Compile one pattern; RuleError says what is wrong with it."""
    root = shape_of(text)
    leaves = tuple(root.leaves())
    words = {leaf.text for leaf in leaves if leaf.role is Role.LEAF and leaf.type in IDENTIFIERS}
    return Pattern(
        text,
        frozenset(leaf.text for leaf in leaves if leaf.role is Role.VARIABLE and leaf.text != "_"),
        frozenset(words),
        root.call_name or max(sorted(words), key=len, default=None),
        root,
    )


_Candidate = tuple["Node", "dict[str, Bound]", "Span | None"]


def _candidates(root: Shape, function: Function) -> Iterator[_Candidate]:
    if (name := root.call_name) is not None:
        yield from _called(root, name, function)
    elif root.type == "assignment_expression":
        yield from _assigned(root, function)
    else:
        for node in _nodes(root.type, function.node):
            found: dict[str, Bound] = {}
            if _fits(root, node, function, found):
                yield node, found, function.span(node)


def _called(root: Shape, name: str, function: Function) -> Iterator[_Candidate]:
    statement = root.type == "expression_statement"
    shapes = (root.children[0] if statement else root).children[1].children
    for call in function.calls:
        if call.name != name or (statement and not call.statement):
            continue
        found: dict[str, Bound] = {}
        if _call_fits(shapes, call, function, found):
            yield call.node, found, call.span


def _call_fits(
    shapes: Sequence[Shape], call: Call, function: Function, found: dict[str, Bound]
) -> bool:
    nodes = call.argument_nodes
    if call.cut:
        # The last argument in view may go on where the mail ends, and others may follow it.
        nodes = nodes[:-1]
        if not shapes or shapes[-1].role is not Role.DOTS:
            return False
    return _arguments_fit(shapes, nodes, function, found)


def _assigned(root: Shape, function: Function) -> Iterator[_Candidate]:
    target, operator, value = root.children
    for assignment in function.assignments:
        found: dict[str, Bound] = {}
        if (
            assignment.operator == operator.type
            and _fits(target, assignment.target_node, function, found)
            and _fits(value, assignment.value_node, function, found)
        ):
            yield assignment.node, found, assignment.span


def _nodes(kind: str, root: Node) -> list[Node]:
    captures = QueryCursor(_query(kind)).captures(root)
    return sorted(captures.get("node", []), key=lambda node: (node.start_byte, -node.end_byte))


@cache
def _query(kind: str) -> Query:
    return Query(language(), f"({kind}) @node")


def _fits(shape: Shape, node: Node, function: Function, found: dict[str, Bound]) -> bool:
    if shape.role is Role.VARIABLE:
        return node.is_named and _bind(shape.text, node, function, found)
    if node.type == "compound_statement" and shape.type != node.type:
        node = _single(node) or node
    if node.type != shape.type:
        return False
    if shape.role is Role.LEAF:
        return _leaf_fits(shape, node, function)
    parts = children(node)
    if node.type == "argument_list":
        return _arguments_fit(shape.children, [p for p in parts if p.is_named], function, found)
    return len(parts) == len(shape.children) and all(
        _fits(wanted, part, function, found)
        for wanted, part in zip(shape.children, parts, strict=True)
    )


def _leaf_fits(shape: Shape, node: Node, function: Function) -> bool:
    if not node.is_named and shape.type != "while":
        return True
    # The mask spells iterator macros `while`; the text tells them apart.
    return node.end_byte - node.start_byte == len(shape.text) and function.text(node) == shape.text


def _arguments_fit(
    shapes: Sequence[Shape], nodes: Sequence[Node], function: Function, found: dict[str, Bound]
) -> bool:
    dots = next((i for i, shape in enumerate(shapes) if shape.role is Role.DOTS), len(shapes))
    behind = len(shapes) - dots - 1  # -1: no dots
    if len(nodes) < dots + max(behind, 0) or (behind < 0 and len(nodes) > dots):
        return False
    pairs = list(zip(shapes[:dots], nodes, strict=False))
    if behind > 0:
        pairs += zip(shapes[-behind:], nodes[-behind:], strict=True)
    return all(_fits(shape, node, function, found) for shape, node in pairs)


def _bind(name: str, node: Node, function: Function, found: dict[str, Bound]) -> bool:
    if node.end_byte - node.start_byte > LONGEST or node.has_error:
        return False
    text = folded(function.text(node))
    if GAP in text:
        return False
    if name == "_":
        return True
    return found.setdefault(name, Bound(text, node)).text == text


def folded(code: str) -> str:
    """The code on one line: comments left out, white space folded."""
    if "/*" in code or "//" in code:
        code = _COMMENT.sub(lambda match: match[1] or " ", code)
    return " ".join(code.split())


def _single(block: Node) -> Node | None:
    statements = [child for child in block.named_children if child.type != "comment"]
    return statements[0] if len(statements) == 1 else None
