"""What one effect makes of the states before it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reviewer.c.flow import STALE, Held, Kind
from reviewer.c.locks import names_in
from reviewer.c.walking.effects import (
    Acquire,
    Asserted,
    Downgrade,
    Hidden,
    Lent,
    NoReturn,
    Release,
    Stored,
    UnknownUnlock,
)
from reviewer.c.walking.states import NOTHING, State, States, bounded, hidden

if TYPE_CHECKING:
    from reviewer.c.walking.effects import Effect

_NESTED = 2  # times that one call holds its lock at once; RCU sections nest
_INTERRUPTS = Held(Kind.IRQ, "local_irq_enable", "", False, True, False, None)
_BOTTOM_HALVES = Held(Kind.BH, "local_bh_enable", "", False, False, True, None)


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that some path may hold. States name it by its position in `Transfer.locks`."""

    held: Held
    names: frozenset[str]
    offset: int


class Transfer:
    """The locks of one function, each with a number, and the functions over states of them."""

    def __init__(self) -> None:
        self.locks: list[Lock] = []
        self._numbers: dict[tuple[Held, int], int] = {}
        self._stale: dict[int, int] = {}
        self._names: dict[str, frozenset[str]] = {}

    def number(self, held: Held, names: frozenset[str], offset: int) -> int:
        """The number of a lock acquired at an offset."""
        key = (held, offset)
        if key not in self._numbers:
            self._numbers[key] = len(self.locks)
            self.locks.append(Lock(held, names, offset))
        return self._numbers[key]

    def apply(self, effect: Effect, states: States) -> States:
        """The states after an effect."""
        if isinstance(effect, Stored):
            return self._store(effect, states)
        if isinstance(effect, Acquire):
            return bounded(self._acquire(effect, states))
        if isinstance(effect, Release):
            return frozenset(self._release(effect, state) for state in states)
        if isinstance(effect, Lent):
            return bounded(states.union(self._lend(effect, state) for state in states))
        if isinstance(effect, UnknownUnlock):
            return frozenset(self._unlock(effect, state) for state in states)
        if isinstance(effect, Asserted):
            return frozenset(self.claim(effect, state) for state in states)
        if isinstance(effect, Downgrade):
            return frozenset(self._downgrade(effect, state) for state in states)
        if isinstance(effect, NoReturn):
            return NOTHING
        if isinstance(effect, Hidden):
            return hidden(states)
        return states

    def _acquire(self, effect: Acquire, states: States) -> States:
        after = []
        for state in states:
            taken = self._taken(effect, state)
            if not effect.result:
                after.append(taken)
            elif effect.on_success is None:
                after += [taken, state]
            else:
                result, success = effect.result, effect.on_success
                below = None if success else True
                after.append(_valued(taken, result, success, None if success else False))
                after.append(_valued(state, result, not success, below))
        return frozenset(after)

    def _taken(self, effect: Acquire, state: State) -> State:
        held = effect.held
        again = (held.family, held.key) in state.released and not held.guard
        number = self.number(
            replace(held, entry=True, acquire=None) if again else held, effect.names, effect.offset
        )
        # What memory held before the lock was taken may have changed while waiting for it.
        assume = frozenset(
            (expression, value)
            for expression, value in state.assume
            if expression.isidentifier() or expression[0] == "@" or expression in effect.under
        )
        if state.held.count(number) >= _NESTED:  # a loop that takes more and more
            return state._replace(unknown=True, assume=assume)
        return state._replace(held=_with(state.held, number), assume=assume)

    def _find(self, state: State, family: str, key: str) -> int | None:
        """Where in `held` the lock stands: by name, else one whose name became stale."""
        stale = None
        for place in range(len(state.held) - 1, -1, -1):
            held = self.locks[state.held[place]].held
            if held.key == key and held.family in {family, ""}:
                return place
            if stale is None and held.key == STALE and held.family == family:
                stale = place
        return stale

    def _release(self, effect: Release, state: State) -> State:
        place = self._find(state, effect.family, effect.key)
        alias = place is None and self._alias(state, effect)
        if place is None and not alias:
            known = (effect.family, effect.key) in state.released
            state = state if known else _gave_back(state, effect.family, effect.key)
            return self._enable(state, effect.irq, effect.bh)
        if place is None:
            place = next(
                index
                for index in range(len(state.held) - 1, -1, -1)
                if self.locks[state.held[index]].held.family == effect.family
            )
            state = state._replace(unknown=True)
        held = self.locks[state.held[place]].held
        state = state._replace(held=state.held[:place] + state.held[place + 1 :])
        if held.entry or held.guard:
            state = _gave_back(state, effect.family, effect.key)
        if held.irq and not effect.irq and held.kind is not Kind.IRQ:
            state = self._keep(state, _INTERRUPTS, held)
        if held.bh and not effect.bh and held.kind not in {Kind.BH, Kind.RCU}:
            state = self._keep(state, _BOTTOM_HALVES, held)
        return self._enable(state, effect.irq and not held.irq, effect.bh and not held.bh)

    def _alias(self, state: State, effect: Release) -> bool:
        """Whether a held lock may be the one that is released under another name."""
        last = effect.key.rsplit(">", 1)[-1].rsplit(".", 1)[-1]
        for number in state.held:
            held = self.locks[number].held
            if held.family == effect.family and not held.entry and effect.key:
                own = held.key.rsplit(">", 1)[-1].rsplit(".", 1)[-1]
                if own == last or effect.key.isidentifier() or held.key.isidentifier():
                    return True
        return False

    def _keep(self, state: State, what: Held, since: Held) -> State:
        """Interrupts stay off when a lock is released without enabling them."""
        number = self.number(replace(what, acquire=since.acquire), frozenset(), 0)
        return state._replace(held=_with(state.held, number))

    def _enable(self, state: State, irq: bool, bh: bool) -> State:
        """Interrupts or bottom halves come on with the release of a lock that had not them off."""
        for wanted, family in ((irq, "local_irq_enable"), (bh, "local_bh_enable")):
            if not wanted:
                continue
            place = self._find(state, family, "")
            if place is not None:
                state = state._replace(held=state.held[:place] + state.held[place + 1 :])
        return state

    def _lend(self, effect: Lent, state: State) -> State:
        kept = tuple(
            number for number in state.held if self.locks[number].held.key not in effect.keys
        )
        return state if len(kept) == len(state.held) else state._replace(held=kept, unknown=True)

    def _unlock(self, effect: UnknownUnlock, state: State) -> State:
        for place in range(len(state.held) - 1, -1, -1):
            held = self.locks[state.held[place]].held
            if held.family == effect.name and held.key in {effect.key, STALE}:
                left = state.held[:place] + state.held[place + 1 :]
                state = state._replace(held=left)
                return _gave_back(state, effect.name, effect.key) if held.entry else state
        state = self._enable(state, effect.irq, effect.bh)
        kept = tuple(
            number
            for number in state.held
            if effect.names and not effect.names & self.locks[number].names
        )
        if len(kept) != len(state.held):
            state = state._replace(held=kept, unknown=True)
        return _gave_back(state, effect.name, effect.key)

    def claim(self, effect: Asserted, state: State) -> State:
        """The lock is held here, by the caller if nobody is seen to take it."""
        key, family = effect.held.key, effect.held.family
        if not key and self._find(state, family, "") is not None:
            return state
        if key and any(self.locks[number].held.key == key for number in state.held):
            return state
        number = self.number(effect.held, effect.names, 0)
        return state._replace(held=_with(state.held, number))

    def _downgrade(self, effect: Downgrade, state: State) -> State:
        place = self._find(state, "up_write", effect.key)
        if place is None:
            return _gave_back(state, "up_read", effect.key)
        lock = self.locks[state.held[place]]
        shared = replace(lock.held, family="up_read", shared=True)
        number = self.number(shared, lock.names, lock.offset)
        left = state.held[:place] + state.held[place + 1 :]
        return state._replace(held=_with(left, number))

    def _store(self, effect: Stored, states: States) -> States:
        return frozenset(self._stored(effect, state) for state in states)

    def _stored(self, effect: Stored, state: State) -> State:
        value, negative = effect.value, effect.negative
        if effect.result is not None:
            known = dict(state.assume)
            value, negative = known.get(effect.result), known.get(f"{effect.result}<0")
            if effect.negated:
                value, negative = None if value is None else not value, None
        state = self.forget(state, frozenset((effect.name,)))
        return _valued(state, effect.expression, value, negative)

    def forget(self, state: State, names: frozenset[str]) -> State:
        """The state after these variables or fields were assigned."""
        assume = frozenset(
            (expression, value)
            for expression, value in state.assume
            if not names & self._names_of(expression)
        )
        held = state.held
        if held and any(names & self.locks[number].names for number in held):
            held = self._with_stale(held, names)
        elif len(assume) == len(state.assume):
            return state
        unknown = state.unknown or len(held) < len(state.held)
        return state._replace(assume=assume, held=held, unknown=unknown)

    def _with_stale(self, held: tuple[int, ...], names: frozenset[str]) -> tuple[int, ...]:
        """One stale lock of each acquire is enough: a loop would add to them without end."""
        numbers = {n: self._stale_of(n) for n in held if names & self.locks[n].names}
        left = [number for number in held if number not in numbers]
        return tuple(sorted((*left, *(set(numbers.values()) - set(left)))))

    def _names_of(self, expression: str) -> frozenset[str]:
        if expression not in self._names:
            self._names[expression] = names_in(expression)
        return self._names[expression]

    def _stale_of(self, number: int) -> int:
        if number not in self._stale:
            lock = self.locks[number]
            stale = replace(lock.held, key=STALE)
            self._stale[number] = self.number(stale, frozenset(), lock.offset)
        return self._stale[number]


def _with(held: tuple[int, ...], number: int) -> tuple[int, ...]:
    """In the order of the source, so that the order of acquiring does not tell states apart."""
    return tuple(sorted((*held, number)))


def _knowing(state: State, expression: str, value: bool) -> State:
    assume = (state.assume - {(expression, not value)}) | {(expression, value)}
    return state._replace(assume=assume)


def _valued(state: State, expression: str, value: bool | None, negative: bool | None) -> State:
    """Knowing whether an expression is nonzero, and whether it is below zero."""
    if value is not None:
        state = _knowing(state, expression, value)
    return state if negative is None else _knowing(state, f"{expression}<0", negative)


def _gave_back(state: State, family: str, key: str) -> State:
    return state._replace(released=state.released | {(family, key)})
