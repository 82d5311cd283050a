"""Which locks a function is entered with, as far as its own text tells."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from reviewer.c.comment import Said, said_held
from reviewer.c.flow import Held, Kind
from reviewer.c.locks import claimed, names_in
from reviewer.c.walking.effects import Acquire, Asserted, Downgrade, Release, UnknownUnlock
from reviewer.c.walking.states import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reviewer.c.function import Function
    from reviewer.c.walking.effects import Effect
    from reviewer.c.walking.items import Items
    from reviewer.c.walking.lower import Lowering
    from reviewer.c.walking.states import States
    from reviewer.c.walking.transfer import Transfer

_DOUBTFUL = 3  # locks that may or may not be held on entry: each doubles the states


def entry_states(
    function: Function,
    items: Items,
    effects: dict[int, Effect],
    lowering: Lowering,
    transfer: Transfer,
) -> States:
    """The states before the first statement.

    Held for sure: what annotations and asserts claim, and what the function releases before
    anything else on its way down. Perhaps held: what it first releases in some branch.
    """
    kinds = _kinds(effects)
    for position, effect in effects.items():
        if isinstance(effect, Asserted):
            effects[position] = _as_released(effect, kinds)
    state = State()
    for text in (*function.must_hold, *function.releases):
        state = transfer.claim(_as_released(claimed(text), kinds), state)
    sure, doubtful = _released_first(items, effects, lowering)
    for held in sure:
        state = transfer.claim(Asserted(held, names_in(held.key)), state)
    states = {state}
    for held in islice(doubtful, _DOUBTFUL):
        claim = Asserted(held, names_in(held.key))
        states |= {transfer.claim(claim, each) for each in states}
    return frozenset(states)


def told_by_comment(function: Function, entry: States) -> frozenset[Held]:
    """What the comment above says is held, where the code does not: a lock without name, or RCU.

    It may be held everywhere, so that nobody says "no lock is held here", and is held for sure
    nowhere: a comment is no reason to speak.
    """
    said = Said.NOTHING if any(state.held for state in entry) else said_held(function.comment)
    if said is Said.NOTHING:
        return frozenset()
    rcu = said is Said.RCU
    return frozenset({_held(Kind.RCU, "rcu_read_unlock", "") if rcu else _held(Kind.OTHER, "", "")})


def _kinds(effects: Mapping[int, Effect]) -> dict[str, Held]:
    """What each key is a lock of, by the acquires and releases in view."""
    kinds: dict[str, Held] = {}
    for effect in effects.values():
        if isinstance(effect, Acquire):
            kinds.setdefault(effect.held.key, effect.held)
        elif isinstance(effect, Release):
            kinds.setdefault(effect.key, _held(effect.kind, effect.family, effect.key))
    kinds.pop("", None)
    return kinds


def _held(kind: Kind, family: str, key: str) -> Held:
    return Held(kind, family, key, False, False, False, None, False, True)


def _as_released(claim: Asserted, kinds: Mapping[str, Held]) -> Asserted:
    """An assert does not say what sort of lock it is; the calls beside it do."""
    known = kinds.get(claim.held.key)
    if claim.held.family or known is None:
        return claim
    held = replace(claim.held, kind=known.kind, family=known.family)
    return claim._replace(held=held)


def _released_first(
    items: Items, effects: Mapping[int, Effect], lowering: Lowering
) -> tuple[list[Held], list[Held]]:
    """Locks whose first operation in the text is a release: sure ones, doubtful ones."""
    sure: list[Held] = []
    doubtful: list[Held] = []
    seen: set[tuple[str, str]] = set()
    acquired: set[str] = set()  # families; "" stands for any
    gap = min(lowering.gaps, default=(len(items.function.unit.masked), 0))[0]
    top = set(_top_level(items))
    first_jump = min(lowering.jumps, default=gap)
    for position in sorted(effects):
        offset = -items.items[position].before_start
        if offset > gap:
            break
        for name, held in _operation(effects[position]):
            if name in seen:
                continue
            seen.add(name)
            # Of a family that was acquired before, it may be that lock under another name.
            known = "" if isinstance(effects[position], UnknownUnlock) else name[0]
            if held is None:
                acquired |= {name[0], ""}
            elif known not in acquired:
                certain = offset in top and offset < first_jump
                (sure if certain else doubtful).append(held)
    return sure, doubtful


def _operation(effect: Effect) -> Iterator[tuple[tuple[str, str], Held | None]]:
    """(family, key) of an acquire or release; of a release also the lock it gives back."""
    if isinstance(effect, Acquire | Asserted):
        yield (effect.held.family, effect.held.key), None
        if effect.held.irq:
            yield ("local_irq_enable", ""), None
        if effect.held.bh:
            yield ("local_bh_enable", ""), None
    elif isinstance(effect, Downgrade):
        yield ("up_write", effect.key), _held(Kind.RWSEM, "up_write", effect.key)
        yield ("up_read", effect.key), None
    elif isinstance(effect, Release):
        yield (effect.family, effect.key), _held(effect.kind, effect.family, effect.key)
    elif isinstance(effect, UnknownUnlock):
        yield (effect.name, effect.key), _held(Kind.OTHER, effect.name, effect.key)


def _top_level(items: Items) -> Iterator[int]:
    """Offsets of the statements that stand directly in the body."""
    body = items.function.node.child_by_field_name("body")
    if body is not None:
        for child in body.named_children:
            if child.type == "expression_statement":
                yield child.start_byte
