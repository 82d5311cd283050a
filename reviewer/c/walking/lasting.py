"""Locks that stay held where the mail hides something.

What a diff does not show, the patch does not change. It cannot give back a lock that the function
did not take before the patch, and none that ends with the scope of the whole function.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reviewer.c.facts import lock_call
from reviewer.c.locks import IDENTIFIER, names_in
from reviewer.c.walking.effects import Acquire, Asserted, Lent, Release, UnknownUnlock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reviewer.c.function import Function
    from reviewer.c.unit import Unit
    from reviewer.c.walking.effects import Effect
    from reviewer.c.walking.items import Items

    Named = tuple[str, str]  # family and key of a lock


def mark_new(items: Items, effects: dict[int, Effect]) -> frozenset[Named]:
    """The locks that the function did not know before the patch; their acquires get marked."""
    if not items.function.has_gap:
        return frozenset()
    found = frozenset(_new(items, effects))
    for name in found:
        for position, effect in effects.items():
            if isinstance(effect, Acquire) and _name(effect) == name:
                effects[position] = effect._replace(held=replace(effect.held, new=True))
    return found


def lasting(
    items: Items, effects: Mapping[int, Effect], scopes: Mapping[int, int]
) -> Mapping[int, int]:
    """Where the lock of an acquire is surely held across gaps: up to that offset.

    A new lock is up to the last release that stands as deep in blocks as its acquire: in between
    may be another branch.
    """
    function = items.function
    if not function.has_gap:
        return {}
    until: dict[int, int] = {}
    body = function.node.child_by_field_name("body")
    for effect in effects.values():
        if not isinstance(effect, Acquire):
            continue
        if effect.held.guard:
            end = scopes.get(effect.offset, 0)
            if body is not None and end == body.end_byte:
                until[effect.offset] = end
        elif effect.held.new:
            until[effect.offset] = _last_release(items, effects, effect)
    return until


def _last_release(items: Items, effects: Mapping[int, Effect], taken: Acquire) -> int:
    depth = _column(items.function, taken.offset)
    return max(
        (
            offset
            for position, effect in effects.items()
            if isinstance(effect, Release)
            and (effect.family, effect.key) == _name(taken)
            and (offset := -items.items[position].before_start) > taken.offset
            and _column(items.function, offset) == depth
        ),
        default=0,
    )


def _column(function: Function, offset: int) -> int:
    """The indentation of the row."""
    text = function.unit.text
    start = text.rfind("\n", 0, offset) + 1
    row = text[start:offset].expandtabs(8)
    return len(row) - len(row.lstrip())


def _new(items: Items, effects: Mapping[int, Effect]) -> Iterator[Named]:
    """Locks that changed rows alone take and give back, and take first."""
    unit = items.function.unit
    first: dict[Named, bool] = {}
    spoilt: set[Named] = set()
    for position in sorted(effects):
        effect = effects[position]
        row = items.items[position].what.node.start_point[0]
        if isinstance(effect, Acquire) and not effect.held.guard:
            first.setdefault(_name(effect), row in unit.changed)
            if row not in unit.changed:
                spoilt.add(_name(effect))
        elif isinstance(effect, Release):
            first.setdefault((effect.family, effect.key), False)
        elif row in unit.changed:
            spoilt |= _spoilt(effect, first)
    names = [name for name, taken in first.items() if taken and name not in spoilt]
    old = _old_words(unit) if names else frozenset()
    yield from (name for name in names if not _known_before(name, old))


def _spoilt(effect: Effect, known: Mapping[Named, bool]) -> set[Named]:
    """The locks that an effect may give back under another name."""
    if isinstance(effect, UnknownUnlock):
        return {name for name in known if effect.names & names_in(name[1])}
    if isinstance(effect, Asserted):
        return {name for name in known if name[1] == effect.held.key}
    if isinstance(effect, Lent):
        return {name for name in known if name[1] in effect.keys}
    return set()


def _old_words(unit: Unit) -> frozenset[str]:
    """The words of the rows that the patch leaves or takes away."""
    rows = unit.text.split("\n")
    kept = (text for row, text in enumerate(rows) if row not in unit.changed)
    return frozenset(IDENTIFIER.findall("\n".join((*kept, unit.gone))))


def _known_before(name: Named, old: frozenset[str]) -> bool:
    own = IDENTIFIER.findall(name[1])
    if own:
        return own[-1] in old
    return any((known := lock_call(word)) and known.family == name[0] for word in old)


def _name(effect: Acquire) -> Named:
    return effect.held.family, effect.held.key
