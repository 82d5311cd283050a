"""What a call or an assignment does to the locks that are held. Values only."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from reviewer.c.flow import Held, Kind


class Acquire(NamedTuple):
    """Takes a lock. `result`: "" always, else the name of the call's result, which tells."""

    held: Held
    names: frozenset[str]  # identifiers in the key
    offset: int
    result: str = ""
    on_success: bool | None = True  # whether the result is nonzero when it is locked; None: unknown
    under: frozenset[str] = frozenset()  # expressions tested by the `if`s around it


class Release(NamedTuple):
    """Gives a lock back."""

    kind: Kind
    family: str
    key: str
    irq: bool
    bh: bool


class Downgrade(NamedTuple):
    """downgrade_write(): from now on shared, and released by up_read()."""

    key: str


class Asserted(NamedTuple):
    """The text claims that the lock is held: lockdep_assert_held()."""

    held: Held
    names: frozenset[str]


class UnknownUnlock(NamedTuple):
    """A function that by its name unlocks something of its arguments."""

    name: str
    key: str
    names: frozenset[str]  # variables in the arguments
    irq: bool = False
    bh: bool = False


class Lent(NamedTuple):
    """The lock is handed to a function that may release it."""

    keys: frozenset[str]


class Stored(NamedTuple):
    """A variable or field gets a value: a constant, the result of a lock call, or unknown."""

    name: str  # the variable, or the last field with a dot
    expression: str
    value: bool | None = None  # nonzero, zero, unknown
    negative: bool | None = None
    result: str | None = None
    negated: bool = False  # stored as `!result`


class Hidden(NamedTuple):
    """Something the analysis cannot read: afterwards nothing is known."""


class NoReturn(NamedTuple):
    """Control does not come back: BUG(), panic()."""


Effect = (
    Acquire | Release | Downgrade | Asserted | UnknownUnlock | Lent | Stored | Hidden | NoReturn
)
