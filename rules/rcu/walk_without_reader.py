"""A list walker for RCU readers is used under a lock that makes no reader of the task.

`list_for_each_entry_rcu()` and its kin ask lockdep for a reader section (CONFIG_PROVE_RCU_LIST). A
mutex, RTNL or an SRCU section is none, so that the walk warns "RCU-list traversed in non-reader
section". Whoever holds the lock of the writers walks with the plain form, or names the lock in the
last argument; SRCU readers use `list_for_each_entry_srcu()`. Where another lock is held the warning
is right: the section is missing.

It is fine with a spinlock held, or with interrupts or bottom halves off: these are readers too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.facts import lock_call
from reviewer.c.flow import Kind
from reviewer.c.readers import never_a_reader
from reviewer.c.unit import GAP
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.flow import Held
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_ARGUMENTS = {
    **dict.fromkeys(("list_for_each_entry_rcu", "hlist_for_each_entry_rcu"), 3),
    **dict.fromkeys(("hash_for_each_rcu", "hash_for_each_possible_rcu"), 4),
    **dict.fromkeys(("for_each_netdev_rcu", "in_dev_for_each_ifa_rcu", "sk_for_each_rcu"), 2),
    "for_each_net_rcu": 1,
}
"""include/linux: how many arguments each has when it names no condition."""
_SLEEPING = frozenset({Kind.MUTEX, Kind.RWSEM, Kind.SRCU})
_ASSERTS = re.compile(r"ASSERT_RTNL\Z|lockdep_assert_held(?:_write|_read)?\Z")


def check(source: Source) -> Iterator[Finding]:
    """Walks with a lock held, all of which let the task sleep."""
    for function in source.touched_with(_ARGUMENTS.keys()):
        for call in function.calls:
            if call.loop and not call.cut and len(call.arguments) == _ARGUMENTS.get(call.name):
                held = _held(function, call)
                taken = None if held is None else _taken(function, held, call)
                if held is not None and taken is not None:
                    yield _finding(function, call, held, taken)


def _held(function: Function, call: Call) -> Held | None:
    """The lock around the walk; None when one of them makes a reader, or none is held."""
    locks = function.flow.at(call.node)
    if not locks.reached or any(each.kind not in _SLEEPING or each.atomic for each in locks.may):
        return None
    return min(locks.must, key=lambda each: (each.kind is Kind.SRCU, each.key), default=None)


def _taken(function: Function, held: Held, call: Call) -> Call | None:
    """Where it is taken, or said to be; None where a reader section may be hidden around it.

    What is hidden before a lock that had to be waited for was no reader section.
    """
    if function.flow.at(call.node).known:
        asserts = (each for each in function.calls if _ASSERTS.match(each.name))
        return held.acquire or next(asserts, None)
    if held.acquire is None or held.kind is Kind.SRCU or not _waits(held.acquire):
        return None
    between = function.unit.masked[held.acquire.node.start_byte : call.node.start_byte]
    return None if GAP in between else held.acquire


def _waits(acquire: Call) -> bool:
    known = lock_call(acquire.name)
    return acquire.guard or (known is not None and known.acquires and "try" not in acquire.name)


def _finding(function: Function, call: Call, held: Held, taken: Call) -> Finding:
    srcu = held.kind is Kind.SRCU
    plain = call.name.replace("_rcu", "_srcu" if srcu else "")
    # Entering SRCU does not sleep: the caller may be an RCU reader all the same.
    sure = not srcu or never_a_reader(function) is not None
    what = "an SRCU section" if srcu else held.key or "RTNL"
    return Finding(
        span=call.span,
        message=f"{call.name}() asks for an RCU reader section, and only {what} is held: "
        "lockdep warns of that",
        function=function.name,
        evidence=(Evidence(taken.span, f"{what} is held from here"),),
        fix=Fix(f"use {plain}(), or name the lock in the condition of the walk"),
        confidence=None if sure else Confidence.HUNCH,
    )


rule = Rule(
    title="A walk for RCU readers, in no reader section",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(_ARGUMENTS),
    links=("https://docs.kernel.org/RCU/lockdep.html", "https://docs.kernel.org/RCU/listRCU.html"),
)
