"""Conditions as steps: each operand of `&&` and `||` is one, with what its outcome shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.order.graph import Edge, Fact, Kind, Step
from reviewer.c.unit import GAP
from reviewer.c.walking.branch import Leaf, condition
from reviewer.c.walking.items import Items

if TYPE_CHECKING:
    from tree_sitter import Node

    from reviewer.c.function import Function

Ends = list[tuple[int, tuple[Fact, ...]]]
"""Edges that lead from a step to whatever comes next."""

_WRAPPERS = frozenset({"likely", "unlikely", "WARN_ON", "WARN_ON_ONCE", "BUG_ON"})
_DEEPEST = 60


class Conditions:
    """A graph that is being built: its steps and edges so far."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.steps: list[Step] = []
        self.edges: list[list[Edge]] = []
        self._items = Items(function, [], [], {}, [])  # for the words of a condition alone

    def masked(self, node: Node) -> str:
        """The code of a node as the grammar sees it."""
        return self.function.unit.masked[node.start_byte : node.end_byte]

    def shows_gap(self, node: Node) -> bool:
        """Whether the mail hides a part of it."""
        return self.function.has_gap and GAP in self.masked(node)

    def step(self, step: Step, ends: Ends) -> int:
        """Add a step to which these ends lead."""
        number = len(self.steps)
        self.steps.append(step)
        self.edges.append([])
        self.link(ends, number)
        return number

    def link(self, ends: Ends, to: int) -> None:
        """Draw the edges to a step."""
        for at, facts in ends:
            self.edges[at].append(Edge(to, facts))

    def test(self, node: Node, ends: Ends, depth: int = 0) -> tuple[Ends, Ends]:
        """Where control goes from a condition: when it is true, and when it is false."""
        node = _inner(node)
        kind = node.type
        operand = node.child_by_field_name("argument")
        if depth < _DEEPEST:
            if kind == "unary_expression" and operand is not None and self._sign(node) == "!":
                true, false = self.test(operand, ends, depth + 1)
                return false, true
            if kind == "binary_expression" and self._sign(node) in {"&&", "||"}:
                return self._logic(node, ends, depth)
            if kind == "call_expression" and (wrapped := self._wrapped(node)) is not None:
                return self.test(wrapped, ends, depth + 1)
        return self._leaf(node, ends)

    def _sign(self, node: Node) -> str:
        sign = node.child_by_field_name("operator")
        return "" if sign is None else sign.type

    def _logic(self, node: Node, ends: Ends, depth: int) -> tuple[Ends, Ends]:
        sign, operands = self._sign(node), []
        left: Node | None = node
        while left is not None and left.type == "binary_expression" and self._sign(left) == sign:
            right = left.child_by_field_name("right")
            if right is not None:
                operands.append(right)
            left = left.child_by_field_name("left")
        if left is not None:
            operands.append(left)
        decided: Ends = []
        for operand in reversed(operands):
            true, false = self.test(operand, ends, depth + 1)
            ends, out = (true, false) if sign == "&&" else (false, true)
            decided.extend(out)
        return (ends, decided) if sign == "&&" else (decided, ends)

    def _wrapped(self, node: Node) -> Node | None:
        name, listed = (node.child_by_field_name(field) for field in ("function", "arguments"))
        if name is None or listed is None or listed.named_child_count != 1:
            return None
        return listed.named_children[0] if self.masked(name) in _WRAPPERS else None

    def _leaf(self, node: Node, ends: Ends) -> tuple[Ends, Ends]:
        number = self.step(Step(Kind.TEST, node), ends)
        if self.shows_gap(node):
            return [(number, ())], [(number, ())]
        leaf = condition(self._items, node)
        if not isinstance(leaf, Leaf):
            return [(number, ())], [(number, ())]
        if leaf.constant is not None:
            return ([(number, ())], []) if leaf.constant else ([], [(number, ())])
        true, false = _facts(leaf.expression, leaf.on_true), _facts(leaf.expression, leaf.on_false)
        if leaf.nonzero is not None:
            true = (*true, (leaf.nonzero, True))
        return [(number, true)], [(number, false)]


def _facts(expression: str | None, value: bool | None) -> tuple[Fact, ...]:
    return () if expression is None or value is None else ((expression, value),)


def _inner(node: Node) -> Node:
    while node.type == "parenthesized_expression" and node.named_child_count == 1:
        node = node.named_children[0]
    return node
