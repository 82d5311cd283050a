"""What a step stores: which expressions change their value, and to what constant."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from reviewer.c.locks import last_name, names_in, variables_in
from reviewer.c.order.events import assigned_by
from reviewer.c.order.graph import Fact, Kind
from reviewer.c.walking.branch import value_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.order.events import Event
    from reviewer.c.order.graph import Graph

Known = frozenset[Fact]
"""Facts that hold at one point of one path."""

MOST = 8
"""Sets of facts that are told apart at one step; over it one path stands for all."""

_TARGETS = {
    "assignment_expression": "left",
    "update_expression": "argument",
    "init_declarator": "declarator",
}


class Store(NamedTuple):
    """`name` is a variable, or the last field with a dot; `value` whether it is nonzero."""

    name: str
    expression: str
    value: bool | None = None


def stores_in(function: Function, node: Node) -> Iterator[Store]:
    """What the node itself stores, apart from what is below it."""
    kind = node.type
    if kind in _TARGETS:
        target = _target(function, node)
        if target:
            yield Store(last_name(target), target, _constant(function, node))
    elif kind == "declaration":
        for child in node.children_by_field_name("declarator"):
            if child.type != "init_declarator":
                name = last_name(_code(function, child).lstrip("*"))
                yield Store(name, name)
    elif kind == "pointer_expression" and node.children[0].type == "&":
        target = _code(function, node)[1:]
        if target.isidentifier():
            yield Store(target, target)
    elif kind == "while_statement":
        for call in function.calls:
            if call.node.id == node.id:
                yield from (Store(name, name) for name in assigned_by(call))


def is_part(stored: str, name: str) -> bool:
    """Whether the expression changes its value when another one is stored to."""
    rest = name[len(stored) :] if name.startswith(stored) else "?"
    if not rest or rest.startswith(("->", ".", "[")):
        return True
    return not name.isidentifier() and stored in variables_in(name)


def _target(function: Function, node: Node) -> str:
    target = node.child_by_field_name(_TARGETS[node.type])
    if target is None:
        return ""
    text = _code(function, target)
    return text.lstrip("*") if node.type == "init_declarator" else text


def _constant(function: Function, node: Node) -> bool | None:
    if node.type == "update_expression":
        return None
    sign = node.child_by_field_name("operator")
    value = node.child_by_field_name("value" if node.type == "init_declarator" else "right")
    if value is None or (sign is not None and sign.type != "="):
        return None
    return value_of(_code(function, value)[:40])


def _code(function: Function, node: Node) -> str:
    return "".join(function.text(node).split())


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What the paths of a graph show of the expressions that it tests more than once."""

    graph: Graph

    @cached_property
    def tracked(self) -> frozenset[str]:
        """Expressions that are tested twice, or tested and set to a constant."""
        tests = Counter(
            expression
            for edges in self.graph.edges
            for expression in {name for edge in edges for name, _ in edge.facts}
        )
        if not tests:
            return frozenset()
        stored = {store.expression for stores in self._all_stores.values() for store in stores}
        return frozenset(name for name, times in tests.items() if times > 1 or name in stored)

    @cached_property
    def _all_stores(self) -> Mapping[int, tuple[Store, ...]]:
        """The stores of each event, by the id of its node."""
        function = self.graph.function
        return {
            event.node.id: found
            for number, step in enumerate(self.graph.steps)
            if step.kind is not Kind.JOIN
            for event in self.graph.events(number)
            if (found := tuple(stores_in(function, event.node)))
        }

    @cached_property
    def _names(self) -> dict[str, frozenset[str]]:
        return {}

    def _changes(self, name: str, expression: str) -> bool:
        """Whether a store to that variable or field changes the expression."""
        if expression not in self._names:
            self._names[expression] = names_in(expression)
        return name in self._names[expression]

    def passed(self, known: Known, event: Event) -> Known:
        """What is known after an event."""
        for store in self._all_stores.get(event.node.id, ()):
            if known:
                known = frozenset(f for f in known if not self._changes(store.name, f[0]))
            if store.value is not None and store.expression in self.tracked:
                known |= {(store.expression, store.value)}
        return known

    def along(self, known: Known, facts: tuple[Fact, ...]) -> Known | None:
        """What is known after an edge; None when it contradicts what is known."""
        for expression, value in facts:
            if (expression, not value) in known:
                return None
            if expression in self.tracked:
                known |= {(expression, value)}
        return known

    @cached_property
    def at_entry(self) -> Mapping[int, frozenset[Known]]:
        """What may be known at the beginning of each step, from the entry of the function on.

        Behind what the mail hides nothing is known. A step that is not there is never reached.
        """
        graph, seen = self.graph, dict[int, set[Known]]()
        pending = [(number, Known()) for number in graph.starts]
        while pending:
            number, known = pending.pop()
            states = seen.setdefault(number, set())
            if len(states) >= MOST:
                known = Known()
            if known in states:
                continue
            states.add(known)
            for event in graph.events(number):
                known = self.passed(known, event)
            for edge in graph.edges[number]:
                after = self.along(known, edge.facts)
                if after is not None:
                    pending.append((edge.to, after))
        return {number: frozenset(states) for number, states in seen.items()}
