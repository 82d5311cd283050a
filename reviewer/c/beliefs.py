"""What a file does consistently with a field: under which lock, through which accessor.

A belief is what most uses of a field in view share. The use that breaks it is suspect, and the
others are the evidence.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

from reviewer.c.callees import callers_of
from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.flow import Kind
from reviewer.c.locks import IDENTIFIER
from reviewer.c.rcu import ACCESSOR
from reviewer.c.reach import Objects, Reach
from reviewer.c.syntax import Use
from reviewer.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reviewer.c.flow import Held, Locks
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Access, Call

MOST_FUNCTIONS = 60
"""Functions with the name of the field that are read; a field of more is no secret of one file."""

RATIO, LEAST = 0.8, 4
"""What share of the uses must agree, and how many of them there must be, to be a belief."""

_CALLERS = 12
_SHOWN = 4  # uses that evidence names
_ATOMIC = re.compile(
    r"(?:raw_)?atomic(?:64|_long)?_\w+|refcount_\w+|kref_\w+|percpu_ref_\w+"
    r"|(?:__)?(?:test_and_)?(?:set|clear|change|test)_bit\w*|(?:try_)?cmpxchg\w*|xchg\w*"
)
_ONCE = re.compile(r"(?:READ|WRITE)_ONCE|smp_(?:load_acquire|store_release|store_mb)|data_race")
_HELD_BY_NAME = re.compile(r"_(?:nolock|unlocked)\Z|_locked(?:_|\Z)|\A__")


class Accessor(StrEnum):
    """How a field is read or written."""

    PLAIN = "plain"
    READ_ONCE = "READ_ONCE"  # also smp_load_acquire(), data_race()
    WRITE_ONCE = "WRITE_ONCE"  # also smp_store_release()
    RCU = "rcu"
    ATOMIC = "atomic"  # of an atomic type, or by bit operations
    ADDRESS = "address"  # only its address is taken, or its size


@dataclass(frozen=True, slots=True)
class FieldUse:
    """One use of a field.

    `locks` are those at the use; `callers` are the names of locks that every caller in view holds.
    """

    function: Function
    access: Access
    accessor: Accessor
    locks: Locks
    callers: frozenset[LockName]
    setup: bool  # nobody else can reach the object yet, or any more, as far as the text tells
    entered_locked: bool  # the function's name or asserts say that its callers hold a lock

    @property
    def held(self) -> frozenset[LockName]:
        """The locks that are held for sure."""
        own = (lock_name(lock, self.access.base) for lock in self.locks.must)
        return frozenset(name for name in own if name is not None) | self.callers

    @property
    def surely_unlocked(self) -> bool:
        """Whether no lock is held on any path, and no caller in view or by name holds one."""
        return self.locks.surely_none and not self.callers and not self.entered_locked


LockName = tuple[str, str]
"""Relation to the object ("own", "global", "other") and rest: of `fc->lock` beside `fc->map`
("own", ".lock"). Equal names in two functions are of one lock.
"""


@dataclass(frozen=True, slots=True)
class Belief:
    """Most uses of a field hold the same lock."""

    lock: LockName
    holders: tuple[FieldUse, ...]
    others: tuple[FieldUse, ...]  # the uses that do not hold it for sure

    @property
    def text(self) -> str:
        """The lock as one of the holders writes it."""
        for use in self.holders:
            for held in use.locks.must:
                if lock_name(held, use.access.base) == self.lock and held.key:
                    return held.key
        return self.lock[1].lstrip(".")

    def evidence(self) -> tuple[Evidence, ...]:
        """Some of the holders, each with what it holds."""
        notes = [
            Evidence(use.access.span, f"{use.access.text} is used under {self.text} here")
            for use in self.holders
        ]
        return tuple(notes[:_SHOWN])


def lock_name(held: Held, base: str) -> LockName | None:
    """The name of a held lock seen from the object `base`; None of RCU, irq and unnamed ones."""
    if held.kind not in {Kind.SPIN, Kind.MUTEX, Kind.RWSEM, Kind.OTHER}:
        return None
    if not held.key:
        return ("global", held.family) if held.family else None
    base = "".join(base.split()).strip("()")
    rest = held.key[len(base) :] if held.key.startswith(base) else ""
    if rest.startswith(("->", ".")):
        return "own", rest.replace("->", ".")
    if held.key.isidentifier():
        return "global", held.key
    fields = IDENTIFIER.findall(held.key)
    return ("other", fields[-1]) if fields else None


def accesses_of(source: Source, struct: str, field: str) -> tuple[FieldUse, ...]:
    """The uses of a field in the functions in view, in the order of the file.

    Only those whose object is of that struct by its declaration. Nothing when more than
    `MOST_FUNCTIONS` functions name the field.
    """
    known = source.fact(_known)
    if (struct, field) not in known:
        known[struct, field] = tuple(_uses(source, struct, field))
    return known[struct, field]


def _known(_: Source) -> dict[tuple[str, str], tuple[FieldUse, ...]]:
    return {}


def _uses(source: Source, struct: str, field: str) -> Iterator[FieldUse]:
    functions = list(islice(source.functions_with(field), MOST_FUNCTIONS + 1))
    if len(functions) > MOST_FUNCTIONS:
        return
    for function in functions:
        found = [a for a in function.accesses if a.field == field and a.struct == struct]
        if not found:
            continue
        objects = Objects(function, source)
        setup = sets_up_or_tears_down(function)
        entered = _entered_locked(function)
        for access in found:
            local = objects.reach(access.node) is Reach.LOCAL
            yield FieldUse(
                function,
                access,
                accessor_of(function, access),
                function.flow.at(access.node),
                _held_by_callers(source, function, access.base),
                setup or local,
                entered,
            )


def accessor_of(function: Function, access: Access) -> Accessor:
    """Through what the field is read or written."""
    name = access.argument_of or _call_around(function, access)
    if name and ACCESSOR.fullmatch(name):
        return Accessor.RCU
    if name and _ONCE.fullmatch(name):
        stores = name.startswith(("WRITE", "smp_store"))
        return Accessor.WRITE_ONCE if stores else Accessor.READ_ONCE
    if name and _ATOMIC.fullmatch(name):
        return Accessor.ATOMIC
    return Accessor.ADDRESS if access.use is Use.ADDRESS else Accessor.PLAIN


def _call_around(function: Function, access: Access) -> str:
    """The call that gets `&x->f[i]` or `(x->f)`."""
    above = access.node.parent
    for _ in range(4):
        if above is None or above.type.endswith("statement"):
            break
        name = above.child_by_field_name("function")
        if name is not None:
            return function.text(name)
        above = above.parent
    return ""


def _entered_locked(function: Function) -> bool:
    name = function.name or ""
    if _HELD_BY_NAME.search(name) or function.must_hold or function.releases:
        return True
    return any(call.name.startswith(("lockdep_assert", "ASSERT_RTNL")) for call in function.calls)


def _held_by_callers(source: Source, function: Function, base: str) -> frozenset[LockName]:
    """The locks that all callers hold, of a static function in a file that is whole in view."""
    if not (function.static and source.whole) or function.name is None:
        return frozenset()
    calls = list(islice(callers_of(source, function.name), _CALLERS + 1))
    if not calls or len(calls) > _CALLERS or _is_taken(source, function.name, len(calls)):
        return frozenset()
    held = [_held_at(caller, call, function, base) for caller, call in calls]
    return frozenset.intersection(*held)


def _is_taken(source: Source, name: str, calls: int) -> bool:
    """Whether the file names the function more often than to define and to call it."""
    word = re.compile(rf"\b{re.escape(name)}\b")
    named = sum(len(word.findall(u.masked)) for u in source.units if name in u.text)
    return named > calls + 1


def _held_at(caller: Function, call: Call, callee: Function, base: str) -> frozenset[LockName]:
    """What the caller holds at the call, seen from the object that the callee uses."""
    places = {parameter.name: n for n, parameter in enumerate(callee.parameters)}
    place = places.get(base)
    seen = call.arguments[place] if place is not None and place < len(call.arguments) else "?"
    names = (lock_name(lock, seen) for lock in caller.flow.at(call.node).must)
    return frozenset(name for name in names if name is not None)


def consensus(uses: Iterable[FieldUse], ratio: float = RATIO, least: int = LEAST) -> Belief | None:
    """The lock that most uses hold; None when too few agree.

    Uses at setup and teardown, of the address alone, and those of which the locks are not known do
    not count, nor do they appear. `others` lets a rule find its use.
    """
    counted = [
        use
        for use in uses
        if not use.setup and use.accessor is not Accessor.ADDRESS and _is_known(use)
    ]
    votes = Counter(name for use in counted for name in use.held)
    for lock, number in votes.most_common(1):
        if number >= least and number >= ratio * len(counted):
            holders = tuple(use for use in counted if lock in use.held)
            return Belief(lock, holders, tuple(use for use in counted if lock not in use.held))
    return None


def _is_known(use: FieldUse) -> bool:
    return (use.locks.known and use.locks.reached) or bool(use.held)


def by_accessor(uses: Iterable[FieldUse]) -> Mapping[Accessor, tuple[FieldUse, ...]]:
    """The uses by accessor, without those at setup and teardown."""
    found: dict[Accessor, list[FieldUse]] = {}
    for use in uses:
        if not use.setup:
            found.setdefault(use.accessor, []).append(use)
    return {accessor: tuple(each) for accessor, each in found.items()}
