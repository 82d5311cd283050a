"""The graph of a function: a step is what is evaluated in one go; edges lead to what is next."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from reviewer.c.order.events import events_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.order.events import Event


class Kind(Enum):
    """What a step is."""

    JOIN = "join"  # a place where paths meet; nothing is evaluated
    RUN = "run"  # a declaration or an expression
    TEST = "test"  # an operand of a condition
    TURN = "turn"  # the head of an iterator macro or of a scoped guard
    EXIT = "exit"  # a return, after its value; or the closing brace
    HIDDEN = "hidden"  # what runs from here on is not in the mail


Fact = tuple[str, bool]
"""An expression, and whether it is known to be nonzero. "x<0" is an expression of its own."""


class Step(NamedTuple):
    """A step. `node` is None of a join, and of what is hidden."""

    kind: Kind
    node: Node | None = None


class Edge(NamedTuple):
    """Where control goes, and what it shows of the expression that was tested."""

    to: int
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, eq=False)
class Graph:
    """The steps of one function. Step 0 is the entry. Empty when the code is nested too deeply."""

    function: Function
    steps: tuple[Step, ...]
    edges: tuple[tuple[Edge, ...], ...]  # parallel to `steps`
    starts: tuple[int, ...]  # the entry, and places to which only what is hidden leads
    heads: Mapping[int, int]  # id of the while_statement of an iterator -> its step
    _events: dict[int, tuple[Event, ...]]

    def events(self, step: int) -> tuple[Event, ...]:
        """What happens in a step, in the order of evaluation."""
        if step not in self._events:
            self._events[step] = events_of(self.function, self.steps[step].node)
        return self._events[step]

    @cached_property
    def _places(self) -> tuple[list[int], list[int]]:
        found = sorted(
            (step.node.start_byte, number)
            for number, step in enumerate(self.steps)
            if step.node is not None
        )
        return [start for start, _ in found], [number for _, number in found]

    def step_of(self, node: Node) -> int | None:
        """The step that evaluates the node; None when no step does."""
        if node.id in self.heads:
            return self.heads[node.id]
        starts, numbers = self._places
        place = bisect_right(starts, node.start_byte) - 1
        while place >= 0:
            found = self.steps[numbers[place]].node
            if found is not None and found.end_byte >= node.end_byte:
                return numbers[place]
            if found is None or found.end_byte <= node.start_byte:
                return None
            place -= 1
        return None

    @cached_property
    def before(self) -> tuple[tuple[int, ...], ...]:
        """The steps from which each step is reached."""
        found: list[list[int]] = [[] for _ in self.steps]
        for number, edges in enumerate(self.edges):
            for edge in edges:
                found[edge.to].append(number)
        return tuple(tuple(each) for each in found)

    def leading_to(self, step: int) -> frozenset[int]:
        """The steps from which a path leads to this one, and the step itself."""
        found, pending = {step}, [step]
        while pending:
            for number in self.before[pending.pop()]:
                if number not in found:
                    found.add(number)
                    pending.append(number)
        return frozenset(found)
