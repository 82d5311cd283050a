"""Facts about the kernel's API: what locks, what sleeps, what an `__rcu` field is.

The tables are in `data/`, each with a comment that says what it was made from. A table is read when
it is first asked, and only then.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from reviewer.c.flow import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WORD = re.compile(r"[A-Za-z_]\w*")
_DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class LockCall:
    """What an acquire or release function does.

    `argument` is the position of the argument that names the lock, None when there is one lock of
    the sort (RCU, interrupts). `result` says when an acquire has locked: "" always, "true" when its
    result is not zero, "zero" when it is 0.
    """

    name: str
    acquires: bool
    kind: Kind
    family: str
    argument: int | None
    shared: bool
    irq: bool
    bh: bool
    result: str = ""


@dataclass(frozen=True, slots=True)
class IteratorMacro:
    """A macro that loops. Positions of arguments count from 0.

    `cursor` is the element of each round, `container` what is walked, `assigned` every argument
    that the macro stores to. None or empty: the table does not say.
    """

    name: str
    cursor: int | None
    container: int | None
    assigned: tuple[int, ...]
    rcu: bool  # may be walked by RCU readers
    safe: bool  # the current element may be removed in the body
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RcuField:
    """A field that is declared `__rcu`: the type it points to ("struct file") and the header."""

    struct: str
    field: str
    pointee: str
    header: str


def _rows(name: str) -> Iterator[list[str]]:
    """The columns of each row of a table; the lines that begin with # are about the table."""
    text = (_DATA / name).read_text(encoding="ascii")
    return (line.split("\t") for line in text.splitlines() if not line.startswith("#"))


def _position(column: str) -> int | None:
    return int(column) if column.isdigit() else None


@cache
def lock_calls() -> Mapping[str, LockCall]:
    """Every acquire and release function of the table, by name."""
    calls: dict[str, LockCall] = {}
    for acquire, release, kind, family, lock, unlock, flags, result in _rows("locks.tsv"):
        how = (Kind(kind), family)
        effects = ("shared" in flags, "irq" in flags, "bh" in flags)
        calls.setdefault(acquire, LockCall(acquire, True, *how, _position(lock), *effects, result))
        calls.setdefault(release, LockCall(release, False, *how, _position(unlock), *effects))
    return calls


def lock_call(name: str) -> LockCall | None:
    """What the function does to a lock; None when it is in no table."""
    return lock_calls().get(name)


@cache
def acquirers() -> frozenset[str]:
    """The words that acquire a lock or open a section: functions of the table, and guards."""
    acquires = (name for name, call in lock_calls().items() if call.acquires)
    return frozenset((*acquires, "guard", "scoped_guard", "scoped_cond_guard"))


def takes_locks(text: str) -> bool:
    """Whether the code has a word that acquires a lock or opens a section, as far as is known."""
    return not acquirers().isdisjoint(_WORD.findall(text))


@cache
def _guards() -> Mapping[str, str]:
    return {row[0]: row[1] for row in _rows("guards.tsv")}


def guard_class(name: str) -> LockCall | None:
    """The acquire that `guard(name)` stands for."""
    acquire = _guards().get(name)
    return None if acquire is None else lock_call(acquire)


@cache
def _sleepers() -> Mapping[str, int]:
    return {
        name: int(level) for level, names in _rows("may_sleep.tsv") for name in names.split(" ")
    }


def sleeps(name: str) -> int | None:
    """How directly a function sleeps: 0 itself, n through n calls; None: not known to.

    Allocators sleep by their gfp_t and are not here: see `gfp_argument`.
    """
    return _sleepers().get(name)


@cache
def _gfp_arguments() -> Mapping[str, int]:
    return {row[0]: int(row[1]) for row in _rows("gfp_arguments.tsv")}


def gfp_argument(name: str) -> int | None:
    """Which argument of the function is the gfp_t, from 0."""
    return _gfp_arguments().get(name)


@cache
def _rcu_fields() -> Mapping[tuple[str, str], RcuField]:
    return {(row[0], row[1]): RcuField(*row) for row in _rows("rcu_fields.tsv")}


def rcu_field(struct: str, field: str) -> RcuField | None:
    """The field of that struct, when a kernel header declares it `__rcu`."""
    return _rcu_fields().get((struct, field))


@cache
def _iterators() -> Mapping[str, list[str]]:
    return {row[0]: row for row in _rows("iterators.tsv")}


@cache
def iterator(name: str) -> IteratorMacro | None:
    """The iterator macro of that name."""
    row = _iterators().get(name)
    if row is None:
        return None
    assigned = tuple(int(column) for column in row[3].split(",") if column)
    properties = row[4].split(",")
    return IteratorMacro(
        name,
        _position(row[1]),
        _position(row[2]),
        assigned,
        "rcu" in properties,
        "safe" in properties,
        tuple(row[5].split(",")),
    )


@cache
def callback_contexts() -> Mapping[tuple[str, str], tuple[tuple[str, str], ...]]:
    """Where callbacks run: (how, name) -> (place, context) for each; see the table."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for how, name, place, context in _rows("callback_contexts.tsv"):
        found.setdefault((how, name), []).append((place, context))
    return {key: tuple(each) for key, each in found.items()}
