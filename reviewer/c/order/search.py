"""The search along the paths of a graph."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from reviewer.c.order.graph import Kind
from reviewer.c.order.stores import MOST, Known, is_part, stores_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.order.events import Event
    from reviewer.c.order.graph import Fact

_WORK = 300_000  # steps visited by all questions about a function that asks one at each step
_LEAST, _LIMIT = 40, 3000


class Search:
    """One question about one function; what it found beside is there when the iterator is done.

    `stopped`: where a wanted node ended a path. `exits`: ways out of the function. `hidden`: a path
    led to what the mail does not show, or the search gave up at its bound (`spent`).
    """

    def __init__(
        self,
        function: Function,
        stop: Callable[[Node], bool],
        of: str | None = None,
        certain: bool = False,
    ) -> None:
        self.graph = function.graph
        self.knowledge = function.knowledge
        self.stopped: list[Node] = []
        self.exits: list[Node] = []
        self.hidden = False
        self.spent = False
        self._stop = stop
        self._of = None if of is None else "".join(of.split())
        self._certain = certain  # what only some operand of `&&`, `||`, `?:` does stops no path
        self._seen: dict[int, set[Known]] = {}
        self._yielded: set[int] = set()
        self._left = max(_LEAST, min(_LIMIT, _WORK // max(1, len(self.graph.steps))))

    def after(self, start: Node, assume: Iterable[Fact] = ()) -> Iterator[Node]:
        """The nodes that can run after `start`, where these facts hold just after it."""
        step = self.graph.step_of(start)
        if step is None:
            self.hidden = True
            return
        key = (start.end_byte, -start.start_byte)
        if start.id in self.graph.heads:
            rest: tuple[Event, ...] = ()
        else:
            rest = tuple(event for event in self.graph.events(step) if event[:2] > key)
        known = self.knowledge.at_entry.get(step, frozenset({Known()}))
        before = self.graph.events(step)[: len(self.graph.events(step)) - len(rest)]
        states = []
        for each in known:
            for event in before:
                each = self.knowledge.passed(each, event)
            states.append((step, each | frozenset(assume), rest))
        yield from self._run(states)

    def from_entry(self) -> Iterator[Node]:
        """The nodes that can run after the function is entered, also those behind a gap."""
        yield from self._run([(n, Known(), self.graph.events(n)) for n in self.graph.starts])

    def _run(self, first: Iterable[tuple[int, Known, tuple[Event, ...]]]) -> Iterator[Node]:
        pending = deque(first)
        while pending:
            number, known, events = pending.popleft()
            if self._left <= 0:
                self.hidden = self.spent = True
                return
            self._left -= 1
            after: Known | None = known
            for event in events:
                after = self._passed(number, event, known)
                if after is None:
                    break
                known = after
                if event.node.id not in self._yielded:
                    self._yielded.add(event.node.id)
                    yield event.node
            if after is not None:
                pending.extend(self._next(number, known))

    def _passed(self, number: int, event: Event, known: Known) -> Known | None:
        """What is known after an event; None when the path ends there."""
        node = event.node
        if self._stop(node) and not (self._certain and self._optional(number, node)):
            self.stopped.append(node)
            return None
        of = self._of
        if of is not None and any(
            is_part(store.expression, of) for store in stores_in(self.graph.function, node)
        ):
            return None
        return self.knowledge.passed(known, event)

    def _next(self, number: int, known: Known) -> Iterator[tuple[int, Known, tuple[Event, ...]]]:
        step = self.graph.steps[number]
        if step.kind is Kind.HIDDEN:
            self.hidden = True
        elif step.kind is Kind.EXIT and step.node is not None and step.node not in self.exits:
            self.exits.append(step.node)
        for edge in self.graph.edges[number]:
            after = self.knowledge.along(known, edge.facts)
            if after is None or self._is_zero(edge.facts):
                continue
            seen = self._seen.setdefault(edge.to, set())
            if len(seen) >= MOST:
                after = Known()
            if after not in seen:
                seen.add(after)
                yield edge.to, after, self.graph.events(edge.to)

    def _is_zero(self, facts: tuple[Fact, ...]) -> bool:
        return self._of is not None and (self._of, False) in facts

    def _optional(self, number: int, node: Node) -> bool:
        """Whether the step may be evaluated without the node: `a && node`, `a ? node : b`."""
        top = self.graph.steps[number].node
        here, above = node, node.parent
        while above is not None and here != top:
            if above.type == "conditional_expression":
                if above.child_by_field_name("condition") != here:
                    return True
            elif above.type == "binary_expression" and above.child_by_field_name("right") == here:
                sign = above.child_by_field_name("operator")
                if sign is not None and sign.type in {"&&", "||"}:
                    return True
            here, above = above, above.parent
        return False
