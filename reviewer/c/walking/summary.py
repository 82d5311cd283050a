"""From sets of states to the answer for a point: what holds, what may hold, what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.flow import Exit, Held, Locks

if TYPE_CHECKING:
    from tree_sitter import Node

    from reviewer.c.flow import ExitKind
    from reviewer.c.function import Function
    from reviewer.c.walking.states import States
    from reviewer.c.walking.transfer import Lock
    from reviewer.model import Span

UNREACHED = Locks(frozenset(), frozenset(), known=True, reached=False)


class Summary:
    """Remembers the answer of each set of states, for many points share one."""

    def __init__(
        self, function: Function, locks: list[Lock], perhaps: frozenset[Held] = frozenset()
    ) -> None:
        self._function = function
        self._locks = locks
        self._perhaps = perhaps  # may be held everywhere
        self._known: dict[tuple[States, bool], Locks] = {}

    def locks(self, states: States, guards: bool = True) -> Locks:
        """The answer for a point with these states; without guards: as it is after their end."""
        key = (states, guards)
        if key not in self._known:
            self._known[key] = self._summed(states, guards)
        return self._known[key]

    def _summed(self, states: States, guards: bool) -> Locks:
        if not states:
            return UNREACHED
        every: list[dict[tuple[str, str], list[int]]] = []
        for state in states:
            held: dict[tuple[str, str], list[int]] = {}
            for number in state.held:
                lock = self._locks[number].held
                if guards or not lock.guard:
                    held.setdefault((lock.family, lock.key), []).append(number)
            every.append(held)
        shared = set(every[0]).intersection(*every[1:])
        must = frozenset(self._named([n for held in every for n in held[name]]) for name in shared)
        numbers = {n for held in every for group in held.values() for n in group}
        may = {self._locks[number].held for number in numbers}
        known = not any(state.unknown for state in states)
        return Locks(must, frozenset(may) | must | self._perhaps, known)

    def _named(self, numbers: list[int]) -> Held:
        """One of several acquisitions of a lock: the caller's if there is one, else the first."""
        first = min(
            numbers, key=lambda n: (not self._locks[n].held.entry, self._locks[n].offset, n)
        )
        return self._locks[first].held

    def exit(self, kind: ExitKind, node: Node, states: States, via: Span | None) -> Exit | None:
        """The exit at a node; None on a synthetic row."""
        span = self._function.span(node)
        if span is None or not states:
            return None
        value = ""
        if node.type == "return_statement" and node.named_children:
            value = " ".join(self._function.text(node.named_children[0]).split())
        elif node.type == "goto_statement" and node.named_children:
            value = self._function.text(node.named_children[0])
        return Exit(kind, value, node, span, self.locks(states, guards=False), via)
