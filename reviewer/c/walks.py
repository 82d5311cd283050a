"""Walks of a list: which list, who can reach it, and where the lock around the walk is dropped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.c.after import reachable
from reviewer.c.facts import iterator, lock_call
from reviewer.c.locks import IDENTIFIER, lock_key
from reviewer.c.onward import JUMPS, gotos, labels, onward, statement_of
from reviewer.c.reach import Objects, Reach
from reviewer.c.unit import GAP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.flow import Held
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

RESCHEDULES = re.compile(r"(?:__)?cond_resched_(?:lock|rwlock_read|rwlock_write)\Z")
"""Functions that drop the lock they get for a moment."""

_MEMBER = re.compile(r"&\s*(\w+)\s*->\s*([\w.]+)\Z")
RCU_WALK = re.compile(r"h?list_for_each_entry(?:_continue|_from)?_rcu\Z")
"""Walks that readers make, and that want a reader section or the lock of the writers."""


@dataclass(frozen=True, slots=True)
class Link:
    """The list that goes through this member of this struct."""

    struct: str
    member: str


def link_of(function: Function, call: Call) -> Link | None:
    """Which list a walk follows, or a call such as `list_del(&p->node)` changes.

    None when the declaration of the variable is not in view.
    """
    if call.loop:
        known = iterator(call.name)
        if known is None or known.cursor is None or "member" not in known.parameters:
            return None
        place = known.parameters.index("member")
        if max(place, known.cursor) >= len(call.arguments):
            return None
        name, member = call.arguments[known.cursor], call.arguments[place]
    else:
        match = _MEMBER.match(call.arguments[0]) if call.arguments else None
        if match is None:
            return None
        name, member = match[1], match[2]
    variable = function.variables.get(name)
    struct = None if variable is None or variable.type.pointer != 1 else variable.type.struct
    return None if struct is None else Link(struct, member)


def list_of(walk: Call) -> int | None:
    """Which argument of the macro is the list."""
    known = iterator(walk.name)
    if known is None or known.container is None or known.container >= len(walk.arguments):
        return None
    return known.container


def others_reach(source: Source, function: Function, walk: Call, head: int) -> bool:
    """Whether others may reach the list: not so a local head to which it was moved."""
    return Objects(function, source).reach(walk.argument_nodes[head]) is not Reach.LOCAL


def of_one_object(held: Held, head: str) -> bool:
    """Whether lock and list are of one object, as far as their names tell."""
    first, second = IDENTIFIER.search(held.key), IDENTIFIER.search(head)
    if first is None or second is None:
        return False
    return first[0] == second[0] or ("->" not in held.key and "->" not in head)


def locks_around(function: Function, walk: Call) -> frozenset[Held]:
    """The locks held when the walk begins, on every path.

    Where the mail hides the end of the body, what that does to the locks is left out.
    """
    locks = function.flow.at(walk.node)
    if not _hides_end(function, walk):
        return locks.must
    return frozenset(
        lock
        for lock in locks.may
        if lock.acquire is not None and lock.acquire.node.end_byte < walk.node.start_byte
    )


def _hides_end(function: Function, walk: Call) -> bool:
    return GAP in function.unit.masked[walk.node.start_byte : walk.node.end_byte]


def drops_in(function: Function, walk: Call, held: Held) -> Iterator[Call]:
    """The calls in the body that drop the lock on every path, after which the walk goes on."""
    for call in function.calls:
        inside = walk.node.start_byte < call.node.start_byte < walk.node.end_byte
        if not inside or not _drops(call, held) or not _held_at(function, walk, call, held):
            continue
        if not _leaves(function, walk, call) and _goes_on(function, walk, call, held):
            yield call


def _drops(call: Call, held: Held) -> bool:
    if RESCHEDULES.match(call.name):
        return bool(call.arguments) and lock_key(call.arguments[0]) == held.key
    return _is_on(call, held, acquires=False)


def _is_on(call: Call, held: Held, *, acquires: bool) -> bool:
    known = lock_call(call.name)
    if known is None or known.acquires is not acquires or known.family != held.family:
        return False
    place = known.argument
    if place is None or place >= len(call.arguments):
        return False
    return lock_key(call.arguments[place]) == held.key


def _held_at(function: Function, walk: Call, call: Call, held: Held) -> bool:
    locks = function.flow.at(call.node)
    here = locks.may if _hides_end(function, walk) else locks.must
    return any((each.family, each.key) == (held.family, held.key) for each in here)


def _leaves(function: Function, walk: Call, drop: Call) -> bool:
    """Whether a goto behind the drop leaves the loop, most often to begin it anew."""
    named = labels(function)
    for goto in gotos(function):
        if drop.node.end_byte <= goto.start_byte < walk.node.end_byte:
            label = goto.child_by_field_name("label")
            target = None if label is None else named.get(function.text(label))
            if target is None or not walk.node.start_byte < target.start_byte < walk.node.end_byte:
                return True
    return False


def _goes_on(function: Function, walk: Call, drop: Call, held: Held) -> bool:
    """Whether a next round can follow; where its end is hidden, whether the lock is retaken."""
    after = list(reachable(function, drop.node))
    if walk.node in after:
        return True
    if not _hides_end(function, walk):
        return False
    return any(
        _is_on(call, held, acquires=True)
        and call.node in after
        and call.node.end_byte < walk.node.end_byte
        and not any(each.type in JUMPS for each in onward(function, statement_of(call.node)))
        for call in function.calls
    )
