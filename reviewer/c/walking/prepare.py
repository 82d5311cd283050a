"""All that the walk needs to know of a function before it starts."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.c.locks import effect_of, last_name, lock_key, names_in
from reviewer.c.reading.collect import Update
from reviewer.c.syntax import Assignment, Call
from reviewer.c.walking.branch import expressions, value_of
from reviewer.c.walking.effects import (
    Acquire,
    Asserted,
    Lent,
    Release,
    Stored,
    UnknownUnlock,
)
from reviewer.c.walking.entry import entry_states
from reviewer.c.walking.items import Item, Items, items_of
from reviewer.c.walking.lasting import lasting, mark_new
from reviewer.c.walking.lower import Lowering
from reviewer.c.walking.transfer import Transfer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.walking.effects import Effect
    from reviewer.c.walking.program import Statement
    from reviewer.c.walking.states import States
    from reviewer.model import Span

_KEEPS = re.compile(
    r"lockdep_\w+|\w*_is_locked|\w*_is_contended|\w*is_held\w*|wait_event\w*|cond_resched\w*"
    r"|spin_needbreak|rcu_dereference\w*|list_\w+|WARN\w*|BUG_ON|\w+_init|init_\w+|likely|unlikely"
    r"|READ_ONCE|container_of|IS_ERR\w*|prepare_to_wait\w*|finish_wait|might_lock\w*|sizeof"
)
_LOCK_NAME = re.compile(r"lock|mutex|sem\b|mtx|ptl")


@dataclass(frozen=True)
class Prepared:
    """A lowered function with its effects; positions are those of Items."""

    function: Function
    items: Items
    ids: Sequence[int]  # node id of each item
    body: Statement
    closing: Node | None  # the closing brace, when the mail shows it
    effects: Mapping[int, Effect]
    places: Sequence[int]  # the positions in `effects`, sorted
    scoped: Mapping[int, Acquire]  # effect of each scoped guard by the id of its node
    transfer: Transfer
    entry: States
    tracked: frozenset[str]  # expressions worth remembering
    labels: Mapping[str, int]
    targets: Sequence[int]  # sorted offsets of labels and cases
    hidden: Sequence[tuple[int, int]]  # statements that the walk does not read
    scopes: Mapping[int, int]  # offset of each guard -> where its block ends
    jumps: Mapping[int, Span]  # gotos and breaks by their offset
    released: frozenset[tuple[str, str]]
    lasting: Mapping[int, int]  # offset of an acquire -> up to where gaps do not end it
    new: frozenset[tuple[str, str]]  # locks that the patch brings to a function with a gap

    @property
    def readable(self) -> Iterator[int]:
        """Node ids of the items that a walk comes by if a path leads there."""
        starts = [start for start, _ in self.hidden]
        for item, node_id in zip(self.items.items, self.ids, strict=True):
            place = bisect_right(starts, -item.before_start) - 1
            if place < 0 or self.hidden[place][1] <= -item.before_start:
                yield node_id

    @property
    def guards(self) -> bool:
        """Whether any lock ends with its scope."""
        return bool(self.scopes)

    def effects_between(self, low: int, high: int) -> Sequence[int]:
        """The positions in [low, high) that have an effect."""
        first = bisect_left(self.places, low)
        return self.places[first : bisect_left(self.places, high, first)]

    def has_target(self, start: int, end: int) -> bool:
        """Whether a label or case is in that piece of the text."""
        at = bisect_left(self.targets, start)
        return at < len(self.targets) and self.targets[at] < end


def prepare(function: Function) -> Prepared:
    """Lower a function. Raises TooDeepError."""
    found = items_of(function)
    effects: dict[int, Effect] = {}
    for position, item in enumerate(found):
        if isinstance(item.what, Call):
            effect = effect_of(item.what)
            if effect is not None:
                effects[position] = effect
    headers = {call.node.id: call for call in function.calls if call.node.type == "while_statement"}
    scoped = {
        node_id: effect
        for node_id, call in headers.items()
        if call.guard and isinstance(effect := effect_of(call), Acquire)
    }
    items = Items(
        function, found, [item.end for item in found], _results(found, effects), sorted(effects)
    )
    lowering = Lowering(items, headers)
    block = function.node.child_by_field_name("body")
    body = lowering.statement(block if block is not None else function.node)
    return _finished(function, items, effects, scoped, lowering, body, block)


def _finished(
    function: Function,
    items: Items,
    effects: dict[int, Effect],
    scoped: dict[int, Acquire],
    lowering: Lowering,
    body: Statement,
    block: Node | None,
) -> Prepared:
    tests = Counter(lowering.tests)
    _under(effects, lowering)
    stored = _stores(items, effects)
    _lent(items, effects, scoped)
    new = mark_new(items, effects)
    scopes = _scopes(effects, scoped, lowering)
    tracked = _tracked(tests, stored, items)
    _keep_stores(effects, scoped, stored, tracked)
    transfer = Transfer()
    return Prepared(
        function,
        items,
        [item.what.node.id for item in items.items],
        body,
        _closing(function, block),
        effects,
        sorted(effects),
        scoped,
        transfer,
        entry_states(function, items, effects, lowering, transfer),
        tracked,
        lowering.labels,
        sorted(lowering.targets),
        sorted(lowering.gaps),
        scopes,
        _jumps(function, lowering),
        _released(effects),
        lasting(items, effects, scopes),
        new,
    )


def _keep_stores(
    effects: dict[int, Effect],
    scoped: Mapping[int, Acquire],
    stored: Mapping[int, Stored],
    tracked: frozenset[str],
) -> None:
    """Make effects of the stores that a lock or a test worth remembering depends on."""
    names = {name for text in tracked for name in names_in(text)}
    for effect in (*effects.values(), *scoped.values()):
        if isinstance(effect, Acquire | Asserted):
            names |= effect.names
    effects.update(
        (
            position,
            each
            if {each.expression, f"{each.expression}<0"} & tracked
            else each._replace(value=None, negative=None, result=None),
        )
        for position, each in stored.items()
        if each.name in names and position not in effects
    )


def _jumps(function: Function, lowering: Lowering) -> dict[int, Span]:
    """The gotos and breaks by their offset."""
    nodes = (*lowering.gotos, *lowering.breaks)
    return {node.start_byte: span for node in nodes if (span := function.span(node))}


def _tracked(tests: Counter[str], stored: Mapping[int, Stored], items: Items) -> frozenset[str]:
    """Expressions worth remembering: tested twice, or tested after a constant was stored."""
    constant = {
        each.expression for each in stored.values() if each.value is not None or each.result
    }
    constant |= {f"{name}<0" for name in constant}
    results = {text for name in items.results.values() for text in (name, f"{name}<0")}
    return frozenset(
        name for name, times in tests.items() if times > 1 or name in constant or name in results
    )


def _results(found: list[Item], effects: Mapping[int, Effect]) -> dict[int, str]:
    return {
        found[position].what.node.id: effect.result
        for position, effect in effects.items()
        if isinstance(effect, Acquire) and effect.result and effect.on_success is not None
    }


def _scopes(
    effects: Mapping[int, Effect], scoped: Mapping[int, Acquire], lowering: Lowering
) -> dict[int, int]:
    """Where the block of each guard ends."""
    offsets = [e.offset for e in effects.values() if isinstance(e, Acquire) and e.held.guard]
    scopes = {
        offset: min((end for start, end in lowering.blocks if start <= offset < end), default=0)
        for offset in offsets
    }
    for effect in scoped.values():
        if effect.held.acquire is not None:
            scopes[effect.offset] = effect.held.acquire.node.end_byte
    return scopes


def _released(effects: Mapping[int, Effect]) -> frozenset[tuple[str, str]]:
    found = set()
    for effect in effects.values():
        if isinstance(effect, Release):
            found.add((effect.family, effect.key))
        elif isinstance(effect, UnknownUnlock):
            found.add((effect.name, effect.key))
    return frozenset(found)


def _closing(function: Function, block: Node | None) -> Node | None:
    if block is None or not block.children or block.children[-1].is_missing:
        return None
    last = block.children[-1]
    return last if function.span(last) is not None else None


def _under(effects: dict[int, Effect], lowering: Lowering) -> None:
    """Tell each acquire which expressions the `if`s around it test."""
    for position, effect in effects.items():
        if isinstance(effect, Acquire):
            names = frozenset(
                name
                for start, end, test in lowering.guarding
                if start <= effect.offset < end
                for name in expressions(test)
            )
            if names:
                effects[position] = effect._replace(under=names)


def _stores(items: Items, effects: Mapping[int, Effect]) -> dict[int, Stored]:
    """Each assignment, and each variable whose address is passed, as a store."""
    stored: dict[int, Stored] = {}
    for position, item in enumerate(items.items):
        what = item.what
        if isinstance(what, Assignment):
            stored[position] = _store(items, what)
        elif isinstance(what, Update):
            stored[position] = Stored(last_name(what.target), what.target)
        elif isinstance(what, Call) and position not in effects:
            lent = [text for text in what.arguments if text[:1] == "&" and text[1:].isidentifier()]
            if lent:
                stored[position] = Stored(lent[0][1:], lent[0][1:])
    return stored


def _store(items: Items, what: Assignment) -> Stored:
    target = "".join(what.target.split())
    if what.operator != "=":
        return Stored(last_name(target), target)
    node, negated = what.value_node, False
    while node.type in {"parenthesized_expression", "unary_expression"} and node.named_children:
        if node.type == "unary_expression":
            if not items.masked(node).startswith("!"):
                break
            negated = not negated
        node = node.named_children[0]
    result = items.fallible(node) if node.type == "call_expression" else None
    text = "".join(what.value.split())
    value = value_of(text)
    negative = None if value is None else value and text.startswith("-")
    return Stored(last_name(target), target, value, negative, result, negated)


def _lent(items: Items, effects: dict[int, Effect], scoped: Mapping[int, Acquire]) -> None:
    """Add the calls that get the address of a lock which the function takes."""
    keys = {
        effect.held.key
        for effect in (*effects.values(), *scoped.values())
        if isinstance(effect, Acquire | Asserted) and effect.held.key
    }
    if not keys:
        return
    for position, item in enumerate(items.items):
        what = item.what
        if isinstance(what, Call) and position not in effects and not _KEEPS.fullmatch(what.name):
            lent = frozenset(key for text in what.arguments if (key := _lent_key(text)) in keys)
            if lent:
                effects[position] = Lent(lent)


def _lent_key(text: str) -> str:
    """The key of a lock that an argument passes; "" when it is no pointer to one."""
    if text[:1] == "&" or (text.isidentifier() and _LOCK_NAME.search(text)):
        return lock_key(text)
    return ""
