"""States of the walk: what is held on one path, and what that path has shown of expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

MOST = 40
"""States at one point; over it, what tells them apart is forgotten step by step."""

NOWHERE = -1


class State(NamedTuple):
    """One path, or several that need not be told apart.

    `held`: positions in the walk's list of locks, innermost last. `released`: locks that were
    released without having been acquired in view, so the caller held them. `assume`: expressions
    known to be nonzero (True) or zero. `via`: offset of the first forward goto while something was
    held.
    """

    held: tuple[int, ...] = ()
    released: frozenset[tuple[str, str]] = frozenset()
    assume: frozenset[tuple[str, bool]] = frozenset()
    unknown: bool = False
    via: int = NOWHERE


States = frozenset[State]
NOTHING: States = frozenset()


class TooManyError(Exception):
    """More states than MOST, whatever is forgotten."""


def joined(*groups: Iterable[State]) -> States:
    """Where paths meet. Those that hold the same keep only the assumptions they share."""
    states = frozenset().union(*groups)
    if len(states) < 2:
        return states
    shared: dict[tuple[object, ...], State] = {}
    for state in states:
        key = (state.held, state.released, state.unknown, state.via)
        before = shared.get(key)
        if before is None:
            shared[key] = state
        elif before.assume != state.assume:
            shared[key] = before._replace(assume=before.assume & state.assume)
    return bounded(frozenset(shared.values()))


def bounded(states: States) -> States:
    """At most MOST states: over it the assumptions are forgotten. Raises TooManyError."""
    if len(states) <= MOST:
        return states
    fewer = frozenset(state._replace(assume=frozenset()) for state in states)
    if len(fewer) > MOST:
        raise TooManyError
    return fewer


def hidden(states: States, lasting: Container[int] = ()) -> States:
    """After something the mail does not show: nothing is held for sure, nothing is known.

    Of the locks that last, those stay that are held in every state.
    """
    shared = frozenset[int]()
    if lasting and states:
        first, *others = [frozenset(state.held) for state in states]
        shared = frozenset(number for number in first.intersection(*others) if number in lasting)
    held = tuple(sorted(shared))
    return frozenset(State(held, state.released, frozenset(), True, state.via) for state in states)


def blurred(states: States) -> States:
    """The same locks, but no longer known to be all."""
    return frozenset(state if state.unknown else state._replace(unknown=True) for state in states)


def assuming(states: States, expression: str, nonzero: bool) -> States:
    """The states in which the expression can have that value, now knowing it."""
    kept = []
    for state in states:
        if (expression, not nonzero) in state.assume:
            continue
        if (expression, nonzero) not in state.assume:
            state = state._replace(assume=state.assume | {(expression, nonzero)})
        kept.append(state)
    return frozenset(kept)
