"""Control flow of a function and, over it, which locks are held at each point.

The answer distinguishes what holds on every path (must), on some path (may), and what cannot be
known because the mail does not show the code before (unknown).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tree_sitter import Node

    from reviewer.c.syntax import Call
    from reviewer.model import Span


STALE = "?"
"""Key of a lock whose argument names a variable that was assigned since."""


class Kind(StrEnum):
    """What a held lock is."""

    SPIN = "spin"  # also raw spinlocks, rwlocks, bit spinlocks, seqlock writers
    MUTEX = "mutex"
    RWSEM = "rwsem"
    RCU = "rcu"  # all flavours whose readers may not sleep
    SRCU = "srcu"  # SRCU and tasks-trace: readers may sleep
    IRQ = "irq"
    BH = "bh"
    PREEMPT = "preempt"
    OTHER = "other"  # a lock by name (`foo_lock`/`foo_unlock`): class not known


@dataclass(frozen=True, slots=True)
class Held:
    """A lock that is held, and since when."""

    kind: Kind
    family: str  # the release function without _irq/_irqrestore/_bh: "spin_unlock"
    key: str  # normalised argument, "fc->lock"; "" for rcu, irq, bh, preempt; STALE
    shared: bool  # read side
    irq: bool  # also disables interrupts
    bh: bool  # also disables bottom halves
    acquire: Call | None  # None: held on entry
    guard: bool = False  # released at the end of its scope
    entry: bool = False  # the caller holds it too: held on entry, also after a drop and retake
    handed: bool = False  # its saved flags are not a local variable: the caller restores them
    new: bool = False  # of a lock that this function, with a gap, did not know before the patch

    @property
    def unnamed(self) -> bool:
        """Whether only a comment speaks of it: a lock, or a section, of any sort."""
        return not self.family and not self.key

    @property
    def atomic(self) -> bool:
        """Whether code that holds it must not sleep."""
        return self.kind in {Kind.SPIN, Kind.RCU, Kind.IRQ, Kind.BH, Kind.PREEMPT} or (
            self.irq or self.bh
        )


@dataclass(frozen=True, slots=True)
class Locks:
    """Locks at one point. `known` is False after a gap, or when the analysis gave up."""

    must: frozenset[Held]  # held on every path that reaches the point
    may: frozenset[Held]  # held on some path; includes `must`
    known: bool
    reached: bool = True  # False: no path reaches the point

    @property
    def surely_none(self) -> bool:
        """Nothing is held here on any path, and nothing was hidden."""
        return self.known and self.reached and not self.may


class ExitKind(StrEnum):
    """How control leaves a function."""

    RETURN = "return"
    END = "end"  # the closing brace
    JUMP = "jump"  # a goto to a label that the mail does not show


@dataclass(frozen=True, slots=True)
class Exit:
    """A way out of the function, with the locks held there (guards already released)."""

    kind: ExitKind
    value: str  # the returned expression, "" for none; the label of a JUMP
    node: Node
    span: Span
    locks: Locks
    via: Span | None = None  # the goto or break that leads here on those paths

    @property
    def leaked(self) -> frozenset[Held]:
        """Locks that every path to here took and none gave back, held neither by the caller."""
        return frozenset(
            held for held in self.locks.must if not (held.entry or held.guard or held.handed)
        )


@dataclass(frozen=True, slots=True)
class Flow:
    """The result for one function."""

    before: Mapping[int, Locks]  # by id of the node of each call, access, assignment and jump
    exits: tuple[Exit, ...]
    complete: bool  # False: gave up at a bound
    released: frozenset[tuple[str, str]] = frozenset()  # (family, key) of each release in view
    dropped: frozenset[tuple[str, str]] = frozenset()  # the caller's locks: released, not retaken
    jumps: tuple[Exit, ...] = ()  # of kind JUMP: nothing is known of what follows
    new: frozenset[tuple[str, str]] = frozenset()  # locks that the patch brings: see `Held.new`

    def unbalanced(self) -> tuple[Exit, ...]:
        """Exits where every path holds a lock whose release is in view elsewhere.

        Not a proof: a function may hold a lock at an exit by contract (`Function.acquires`, its
        name, or one exit value that stands for "locked").
        """
        return tuple(
            out
            for out in self.exits
            if any((held.family, held.key) in self.released for held in out.leaked)
        )

    def at(self, node: Node) -> Locks:
        """The locks held just before `node` is evaluated; unknown for a node it did not see."""
        return self.before.get(node.id, UNKNOWN)


UNKNOWN = Locks(frozenset(), frozenset(), known=False)
