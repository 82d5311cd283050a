"""States along straight code and through conditions; what was seen where is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.walking.branch import All, Leaf, Not, Pick
from reviewer.c.walking.states import NOTHING, State, States, assuming, hidden, joined

if TYPE_CHECKING:
    from reviewer.c.walking.branch import Condition
    from reviewer.c.walking.prepare import Prepared


class Paths:
    """The part of a walk that does not jump. `records`: states before the items [low, high)."""

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared
        self.transfer = prepared.transfer
        self.records: dict[tuple[int, int], States] = {}
        self.nodes: dict[int, States] = {}

    def items(self, low: int, high: int, states: States) -> States:
        """The states after the items [low, high)."""
        if low >= high or not states:
            return states
        for place in self.prepared.effects_between(low, high):
            self._record(low, place + 1, states)
            states = self.transfer.apply(self.prepared.effects[place], states)
            low = place + 1
            if not states:
                return states
        if low < high:
            self._record(low, high, states)
        return states

    def _record(self, low: int, high: int, states: States) -> None:
        before = self.records.get((low, high))
        self.records[low, high] = states if before is None else before | states

    def note(self, node_id: int, states: States) -> None:
        """Record the states at a node that is no item: a header or a return."""
        if states:
            self.nodes[node_id] = self.nodes.get(node_id, NOTHING) | states

    def behind(self, gap: int, states: States) -> States:
        """The states behind a gap at that offset."""
        if not self.prepared.lasting:
            return hidden(states)
        locks = self.transfer.locks
        until = self.prepared.lasting
        last = {n for n, lock in enumerate(locks) if until.get(lock.offset, 0) > gap}
        return hidden(states, last)

    def without_guards(self, states: States, start: int, end: int) -> States:
        """The states after a scope: the guards that were taken in it are gone."""
        if not self.prepared.guards:
            return states
        return frozenset(self._kept(state, start, end) for state in states)

    def _kept(self, state: State, start: int, end: int) -> State:
        locks = self.transfer.locks
        kept = tuple(
            number
            for number in state.held
            if not (locks[number].held.guard and start <= locks[number].offset < end)
        )
        return state if len(kept) == len(state.held) else state._replace(held=kept)

    def after_jump(self, held: tuple[int, ...], target: int) -> tuple[int, ...]:
        """Without the guards whose scope the label is not in."""
        if not self.prepared.guards:
            return held
        locks = self.transfer.locks
        return tuple(
            number
            for number in held
            if not locks[number].held.guard
            or locks[number].offset < target < self.prepared.scopes.get(locks[number].offset, 0)
        )

    def test(self, test: Condition, states: States) -> tuple[States, States]:
        """The states for which the condition is true, and those for which it is false."""
        if isinstance(test, Leaf):
            return self._leaf(test, states)
        if isinstance(test, Not):
            true, false = self.test(test.operand, states)
            return false, true
        if isinstance(test, All):
            return self._all(test, states)
        if isinstance(test, Pick):
            yes, no = self.test(test.test, states)
            (first, second), (third, fourth) = self.test(test.yes, yes), self.test(test.no, no)
            return joined(first, third), joined(second, fourth)
        true, false = self.test(test.operand, states)
        return (
            self.items(test.low, test.high, true),
            self.items(test.low, test.high, false),
        )

    def _all(self, test: All, states: States) -> tuple[States, States]:
        decided = []
        for operand in test.operands:
            true, false = self.test(operand, states)
            states, out = (false, true) if test.any_ else (true, false)
            decided.append(out)
        return (joined(*decided), states) if test.any_ else (states, joined(*decided))

    def _leaf(self, leaf: Leaf, states: States) -> tuple[States, States]:
        states = self.items(leaf.low, leaf.high, states)
        if leaf.gap is not None:
            states = self.behind(leaf.gap, states)
        if leaf.constant is not None:
            return (states, NOTHING) if leaf.constant else (NOTHING, states)
        if leaf.expression is None or leaf.expression not in self.prepared.tracked:
            return states, states
        sides = []
        for value in (leaf.on_true, leaf.on_false):
            kept = states if value is None else assuming(states, leaf.expression, value)
            sides.append(kept)
        if leaf.nonzero is not None:
            sides[0] = assuming(sides[0], leaf.nonzero, True)
        return sides[0], sides[1]
