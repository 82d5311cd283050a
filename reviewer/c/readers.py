"""Whether a function can run inside an RCU reader section of its caller."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.facts import gfp_argument, lock_call, sleeps
from reviewer.c.flow import Kind

if TYPE_CHECKING:
    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.syntax import Call

_GFP_SLEEPS = re.compile(r"GFP_(?:KERNEL|USER|NOIO|NOFS)\w*(?: *\| *__GFP_(?:ZERO|NOWARN))*")
_READERS = frozenset({Kind.SPIN, Kind.RCU, Kind.IRQ, Kind.BH, Kind.PREEMPT})
_OPENS = re.compile(r"rcu_read_lock(?:_bh|_sched)?\Z")
_DEEPEST = 1  # calls down to what sleeps: a longer way is not taken each time
_SLEEPERS_WITH_CARE = frozenset({"cond_resched", "kvfree", "vfree", "dput", "iput", "fput"})


def outside_reader(function: Function, node: Node) -> bool:
    """Whether nothing in view makes this place an RCU reader section, and nothing is hidden.

    A spinlock, or interrupts, bottom halves or preemption disabled, make one too; what a lock that
    is known by its name only does is not known.
    """
    locks = function.flow.at(node)
    if not locks.known or not locks.reached:
        return False
    return not any(
        lock.kind in _READERS or lock.kind is Kind.OTHER or lock.atomic for lock in locks.may
    )


def never_a_reader(function: Function) -> Call | None:
    """A call that sleeps outside of any section of the function's own: no reader may call it.

    None also where the function leaves a section that its caller has opened.
    """
    sections = (known for call in function.calls if (known := lock_call(call.name)))
    first = next((known for known in sections if known.kind is Kind.RCU), None)
    if first is not None and not first.acquires:
        return None
    for call in function.calls:
        shown = not call.guard and not call.cut
        if shown and sleeps_by_itself(call) and outside_reader(function, call.node):
            return call
    return None


def own_section(function: Function) -> Call | None:
    """The call that opens a reader section in the function."""
    for call in function.calls:
        guarded = call.guard and bool(call.arguments) and call.arguments[0] == "rcu"
        if guarded or _OPENS.match(call.name):
            return call
    return None


def sleeps_by_itself(call: Call) -> bool:
    """Whether it, or what it calls, sleeps whenever it has to wait, by name or flags alone."""
    position = gfp_argument(call.name)
    if position is not None:
        flags = call.arguments[position] if position < len(call.arguments) else ""
        return _GFP_SLEEPS.fullmatch(flags) is not None
    level = sleeps(call.name)
    return level is not None and level <= _DEEPEST and call.name not in _SLEEPERS_WITH_CARE
