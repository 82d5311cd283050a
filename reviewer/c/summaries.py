"""What a function in view does to its caller: locks, sleep, and the objects that it is given.

Of a callee in view the callees count too, `DEPTH` levels down. What is not in view does nothing as
far as a summary is concerned, apart from what the facts tables say of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from reviewer.c.after import on_every_path
from reviewer.c.callees import function_named
from reviewer.c.facts import freed_argument, required_locks
from reviewer.c.locks import IDENTIFIER, lock_key
from reviewer.c.sleep import can_sleep

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

DEPTH = 2
"""Calls that are followed."""

_ASSERTS = re.compile(
    r"lockdep_assert_held(?:_once|_write|_read)?\Z|assert_(?:raw_)?spin_locked\Z"
    r"|(?:rwsem|mmap)_assert_(?:write_)?(?:held|locked)\w*\Z"
)
_PUTS = re.compile(r"(?:\w+_)?put(?:_\w+)?\Z")
_KREF = frozenset({"kref_put", "refcount_dec_and_test", "atomic_dec_and_test"})
_NUMBER = re.compile(r"\$(\d+)")
_PLAIN = re.compile(r"[\w.>\[\]-]+")
_MOST_CALLS = 300  # of one function that are looked at
_RTNL = "rtnl"


@dataclass(frozen=True, slots=True)
class LockEffect:
    """A lock that a function takes or gives back, in the words of that function."""

    family: str  # "spin_unlock"
    key: str  # "b->lock"


@dataclass(frozen=True, slots=True)
class Sleeps:
    """The calls that lead to a sleeping one, the last is it; `always`: on every path."""

    calls: tuple[Call, ...]
    why: str
    always: bool


@dataclass(frozen=True, slots=True)
class Frees:
    """The calls that lead to the one that frees or puts an argument."""

    calls: tuple[Call, ...]
    put: bool  # only drops a reference
    always: bool  # on every path


@dataclass(frozen=True, slots=True)
class Summary:
    """What a call of the function means for the caller, in the words of the function.

    `frees` is by the position of the parameter. `needs`: keys of locks that the caller must hold,
    "rtnl" for the RTNL mutex.
    """

    function: Function
    acquires: frozenset[LockEffect]
    releases: frozenset[LockEffect]
    needs: frozenset[str]
    sleeps: Sleeps | None
    frees: Mapping[int, Frees]


def summary_named(source: Source, name: str, depth: int = DEPTH) -> Summary | None:
    """The summary of the function of that name; None when it is not in view, or twice."""
    known = source.fact(_known)
    if (name, depth) not in known:
        function = function_named(source, name) if name.isidentifier() else None
        known[name, depth] = None  # what calls itself says nothing new of itself
        if function is not None:
            known[name, depth] = summary_of(source, function, depth)
    return known[name, depth]


def summary_of(source: Source, function: Function, depth: int = DEPTH) -> Summary:
    """The summary of a function."""
    return Summary(
        function,
        _acquires(function),
        _releases(function),
        needed_locks(function),
        _sleeps(source, function, depth),
        _frees(source, function, depth),
    )


def _known(_: Source) -> dict[tuple[str, int], Summary | None]:
    return {}


def needed_locks(function: Function) -> frozenset[str]:
    """The locks that the function says its caller holds: asserts and `__must_hold()`."""
    keys = {lock_key(text) for text in function.must_hold}
    for call in function.calls:
        if call.name in {"ASSERT_RTNL", "lockdep_assert_rtnl", "ASSERT_RTNL_NET"}:
            keys.add(_RTNL)
        elif call.arguments and not call.cut and _ASSERTS.match(call.name):
            keys.add(lock_key(call.arguments[0]))
    return frozenset(keys)


def needed_by_call(source: Source, call: Call) -> frozenset[str]:
    """The locks that the call needs, in the words of the caller.

    From the text of the callee where that is in view, else from the facts tables. A lock that the
    callee names through something else than its parameters is left out unless it is global.
    """
    callee = function_named(source, call.name) if call.name.isidentifier() else None
    if callee is None:
        found = [_with_argument(text, call) for text in required_locks(call.name)]
    else:
        found = [in_caller(key, callee, call) for key in needed_locks(callee)]
    return frozenset(key for key in found if key is not None)


def in_caller(key: str, callee: Function, call: Call) -> str | None:
    """An expression of a callee in the words of its caller: "b->lock" of `f(&fc->box)` is
    "fc->box.lock".

    None when it goes through a local variable of the callee, or an argument that is no plain name.
    """
    root = IDENTIFIER.match(key)
    if root is None:
        return None
    names = [parameter.name for parameter in callee.parameters]
    if root[0] not in names:
        return None if root[0] in callee.variables else key
    return _with_argument(f"${names.index(root[0])}{key[root.end() :]}", call)


def _with_argument(key: str, call: Call) -> str | None:
    """The key with the text of an argument for its number: "$0->lock"."""
    number = _NUMBER.match(key)
    if number is None:
        return key if key.isidentifier() else None
    place, rest = int(number[1]), key[number.end() :]
    if call.cut or place >= len(call.arguments):
        return None
    text = "".join(call.arguments[place].split())
    if text.startswith("&") and rest.startswith("->"):
        text, rest = text[1:], "." + rest[2:]
    return text + rest if _PLAIN.fullmatch(text) else None


def _acquires(function: Function) -> frozenset[LockEffect]:
    """What is held at every way out and was not at the entry."""
    if not function.takes_locks or not function.flow.complete:
        return frozenset()
    exits = [way_out for way_out in function.flow.exits if way_out.locks.reached]
    if not exits or function.has_gap:
        return frozenset()
    held = [{LockEffect(lock.family, lock.key) for lock in out.leaked} for out in exits]
    return frozenset(set.intersection(*held))


def _releases(function: Function) -> frozenset[LockEffect]:
    if "unlock" not in function.unit.text and "up_" not in function.unit.text:
        return frozenset()
    return frozenset(LockEffect(family, key) for family, key in function.flow.dropped)


def _calls(function: Function) -> Iterator[Call]:
    return islice((c for c in function.calls if not (c.guard or c.cut or c.loop)), _MOST_CALLS)


def _always(function: Function, call: Call) -> bool:
    return on_every_path(function, lambda node: node == call.node)


def _sleeps(source: Source, function: Function, depth: int) -> Sleeps | None:
    """The first sleeping call on every path, else the first that some path makes."""
    perhaps: Sleeps | None = None
    for call in _calls(function):
        reason = can_sleep(call)
        inner = None
        if reason is None and depth > 0 and call.name != function.name:
            below = summary_named(source, call.name, depth - 1)
            inner = None if below is None or below.releases else below.sleeps
        if reason is None and inner is None:
            continue
        calls = (call, *(inner.calls if inner is not None else ()))
        why = reason[0] if reason is not None else (inner.why if inner is not None else "")
        certain = reason[1] == 0 if reason is not None else inner is not None and inner.always
        if certain and _always(function, call):
            return Sleeps(calls, why, True)
        perhaps = perhaps or Sleeps(calls, why, False)
    return perhaps


def _frees(source: Source, function: Function, depth: int) -> dict[int, Frees]:
    found: dict[int, Frees] = {}
    pointers = {
        parameter.name: place
        for place, parameter in enumerate(function.parameters)
        if parameter.type.pointer == 1
    }
    changed = {store.target for store in function.assignments}
    for call in _calls(function) if pointers.keys() - changed else ():
        for text, freed in _freed_by(source, function, call, depth):
            place = pointers.get(text)
            if place is None or text in changed or (place in found and found[place].always):
                continue
            always = freed.always and _always(function, call)
            put = freed.put or _counts(function, text)
            found[place] = Frees(freed.calls, put, always)
    return found


def _counts(function: Function, name: str) -> bool:
    """Whether the function drops a reference to the object: it frees with the last one only."""
    return any(
        call.name in _KREF and call.arguments and call.arguments[0].startswith(f"&{name}->")
        for call in _calls(function)
    )


def _freed_by(
    source: Source, function: Function, call: Call, depth: int
) -> Iterator[tuple[str, Frees]]:
    """The arguments that a call frees or puts."""
    place = freed_argument(call.name)
    if place is not None:
        if place < len(call.arguments):
            yield call.arguments[place], Frees((call,), False, True)
    elif call.name in _KREF or _PUTS.match(call.name):
        if len(call.arguments) == 1:
            yield call.arguments[0], Frees((call,), True, True)
    elif depth > 0 and call.name != function.name:
        below = summary_named(source, call.name, depth - 1)
        for number, freed in below.frees.items() if below is not None else ():
            if number < len(call.arguments):
                yield (
                    call.arguments[number],
                    Frees((call, *freed.calls), freed.put, freed.always),
                )
