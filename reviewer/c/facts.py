"""Facts about the kernel's API: what locks, what sleeps, what an `__rcu` field is.

The tables are in `data/`, each with a comment that says what it was made from. A table is read when
it is first asked, and only then. Those that a user has built from a kernel tree come first: `use`.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from reviewer.c.flow import Kind
from reviewer.errors import FactsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DATA = Path(__file__).parent / "data"
_OWN: ContextVar[Path | None] = ContextVar("_OWN", default=None)

_SCOPES = frozenset({"CLASS", "CLASS_INIT", "ACQUIRE", "scoped_class"})

MARK, FORMAT = "version", "reviewer-facts-1"
"""The file that makes a directory one of tables, and its first word; the second is the kernel's."""


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


def use(directory: Path | None) -> str | None:
    """Prefer the tables of that directory, which `reviewer.kernel.build` has written; None: none.

    Returns the version of the kernel that they are of. Raises FactsError when the directory holds
    no tables, or such as another release of the reviewer has written.
    """
    version = None if directory is None else _version(directory)
    _OWN.set(directory)
    for table in (_sleepers, _gfp_arguments, _rcu_fields, _freed_arguments, _required_locks):
        table.cache_clear()
    rcu_structs.cache_clear()
    lock_requirers.cache_clear()
    return version


def _version(directory: Path) -> str:
    try:
        words = (directory / MARK).read_text(encoding="ascii", errors="replace")[:100].split()
    except OSError as error:
        raise FactsError(f"{directory}: no tables of facts: {error.strerror}") from None
    if len(words) != 2 or words[0] != FORMAT:
        what = f"{MARK} begins with {' '.join(words[:1])!r}; wanted {FORMAT!r}: build them again"
        raise FactsError(f"{directory}: {what}")
    return words[1]


def _rows(name: str) -> Iterator[list[str]]:
    """The columns of each row of a table; the lines that begin with # are about the table."""
    own = _OWN.get()
    path = _DATA / name if own is None or not (own / name).is_file() else own / name
    return _table(path)


def _table(path: Path) -> Iterator[list[str]]:
    text = path.read_text(encoding="ascii")
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


@cache
def releasers(kinds: frozenset[Kind]) -> frozenset[str]:
    """The functions of the table that release a lock of these kinds."""
    known = lock_calls().items()
    return frozenset(name for name, call in known if not call.acquires and call.kind in kinds)


@cache
def acquirers_of(kinds: frozenset[Kind]) -> frozenset[str]:
    """Those of the table that acquire a lock of these kinds, and all guards."""
    known = lock_calls().items()
    others = (name for name, call in known if call.acquires and call.kind not in kinds)
    return (acquirers() | _SCOPES) - frozenset(others)


@cache
def _guards() -> Mapping[str, str]:
    return {row[0]: row[1] for row in _rows("guards.tsv")}


def guard_class(name: str) -> LockCall | None:
    """The acquire that `guard(name)` stands for."""
    acquire = _guards().get(name)
    return None if acquire is None else lock_call(acquire)


@cache
def _sleepers() -> tuple[tuple[int, frozenset[str]], ...]:
    return tuple(
        (int(level), frozenset(names.split(" "))) for level, names in _rows("may_sleep.tsv")
    )


PERHAPS = 4
"""The level of a function that only its documentation says to sleep, or that does on some paths."""


def sleeps(name: str) -> int | None:
    """How directly a function sleeps: 0 itself, n through n calls, `PERHAPS`; None: not known to.

    Allocators sleep by their gfp_t and are not here: see `gfp_argument`.
    """
    return next((level for level, names in _sleepers() if name in names), None)


def shipped_sleepers(level: int) -> frozenset[str]:
    """The functions of one level in the shipped table, whatever `use` was told."""
    rows = _table(_DATA / "may_sleep.tsv")
    return next((frozenset(row[1].split(" ")) for row in rows if row[0] == str(level)), frozenset())


def shipped_gfp_arguments() -> Mapping[str, int]:
    """The shipped table of gfp_t arguments, whatever `use` was told."""
    return {row[0]: int(row[1]) for row in _table(_DATA / "gfp_arguments.tsv")}


@cache
def _gfp_arguments() -> Mapping[str, int]:
    return {row[0]: int(row[1]) for row in _rows("gfp_arguments.tsv")}


def gfp_argument(name: str) -> int | None:
    """Which argument of the function is the gfp_t, from 0."""
    return _gfp_arguments().get(name)


@cache
def _rcu_fields() -> Mapping[tuple[str, str], list[str]]:
    return {(row[0], row[1]): row for row in _rows("rcu_fields.tsv")}


def rcu_field(struct: str, field: str) -> RcuField | None:
    """The field of that struct, when a kernel header declares it `__rcu`."""
    row = _rcu_fields().get((struct, field))
    return None if row is None else RcuField(*row)


@cache
def rcu_structs() -> Mapping[str, frozenset[str]]:
    """The fields that a kernel header declares `__rcu`, by struct."""
    found: dict[str, set[str]] = {}
    for struct, field in _rcu_fields():
        found.setdefault(struct, set()).add(field)
    return {struct: frozenset(fields) for struct, fields in found.items()}


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


@cache
def _freed_arguments() -> Mapping[str, int]:
    return {
        name: int(place)
        for place, names in _rows("freed_arguments.tsv")
        for name in names.split(" ")
    }


def freed_argument(name: str) -> int | None:
    """Which argument, from 0, the function frees on every path; None: not known to free one."""
    return _freed_arguments().get(name)


@cache
def _required_locks() -> Mapping[str, tuple[str, ...]]:
    return {name: tuple(locks.split(" ")) for name, locks in _rows("required_locks.tsv")}


def required_locks(name: str) -> tuple[str, ...]:
    """The locks that the caller of the function must hold: "$0->lock" of its first argument,
    "css_set_lock" for a lock at file scope, "rtnl" for the RTNL mutex.
    """
    return _required_locks().get(name, ())


@cache
def spinlocked_functions() -> Mapping[str, str]:
    """The spinlock that the caller of each function holds, for those that keep it to their end."""
    return {row[0]: row[1] for row in _rows("spinlocked.tsv")}


def spinlocked(name: str) -> str | None:
    """That of one function; None: not known to be called with one."""
    return spinlocked_functions().get(name)


@cache
def _bit_words() -> Mapping[str, str]:
    return {row[0]: row[1] for row in _rows("bit_words.tsv")}


def bit_word(field: str) -> str | None:
    """The struct of a field whose bits all users change atomically; None: not known to be one."""
    return _bit_words().get(field)


@cache
def lock_requirers() -> frozenset[str]:
    """The functions that `required_locks` knows."""
    return frozenset(_required_locks())


@cache
def _rcu_readers() -> Mapping[str, str]:
    return {name: how for how, names in _rows("rcu_readers.tsv") for name in names.split(" ")}


def readers() -> frozenset[str]:
    """The functions that `needs_reader` knows."""
    return frozenset(_rcu_readers())


def needs_reader(name: str) -> str | None:
    """How it is known that callers must be in an RCU reader section: "checked" by the function
    itself, "documented", or "lent", where what it returns is good in that section only; None: not
    known to need one.
    """
    return _rcu_readers().get(name)
