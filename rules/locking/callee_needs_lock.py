"""A function that asserts a lock is called where nobody holds it.

`lockdep_assert_held()`, `ASSERT_RTNL()` and `__must_hold()` in a function say that its callers hold
the lock. Here the caller cannot hold it: it takes that lock itself further on, which would
deadlock otherwise, or it is a work, timer or interrupt handler, which the core calls with no lock.

It is fine where the lock is taken by a function that is not in view.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.c.after import on_every_path, reachable
from reviewer.c.callees import callers_of, function_named
from reviewer.c.contexts import Context, registered
from reviewer.c.facts import lock_requirers, required_locks
from reviewer.c.flow import Kind
from reviewer.c.lockops import lock_op
from reviewer.c.locks import IDENTIFIER, lock_key
from reviewer.c.summaries import needed_by_call, needed_locks
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_ASSERTS = re.compile(r"lockdep_assert_|_spin_locked|_assert_held|mmap_assert_|ASSERT_RTNL|__must_")
_LOCKS = frozenset({Kind.SPIN, Kind.MUTEX, Kind.RWSEM, Kind.OTHER})
_MAY_TAKE = re.compile(
    r"(?<!un)lock(?!ed|dep|s?_assert)|acquire|down_|begin|start|enter|freeze|get"
)
_RTNL = "rtnl"
_TAKES_RTNL = frozenset({"rtnl_lock", "rtnl_lock_killable", "rtnl_net_lock"})


@dataclass(frozen=True, slots=True)
class _Bare:
    """Why a function holds no lock when it is entered."""

    evidence: tuple[Evidence, ...]
    words: str


def check(source: Source) -> Iterator[Finding]:
    """Calls that need a lock, where the text shows that it is not held."""
    needy = source.fact(_asserting).keys() | lock_requirers()
    for function in source.touched_with(needy):
        for call in function.calls:
            if call.guard or call.cut or call.loop or not _needy(source, call):
                continue
            for key in sorted(needed_by_call(source, call)):
                found = _unheld(source, function, call, key)
                if found is not None:
                    yield found
                    break


def _needy(source: Source, call: Call) -> bool:
    return call.name in source.fact(_asserting) or (
        bool(required_locks(call.name)) and function_named(source, call.name) is None
    )


def _asserting(source: Source) -> Mapping[str, Function]:
    """The functions in view that assert a lock on every path and do not take it themselves."""
    return {
        function.name: function
        for function in source.functions_where(lambda text: _ASSERTS.search(text) is not None)
        if function.name and not function.has_gap and _surely_needs(function)
    }


def _surely_needs(function: Function) -> bool:
    keys = needed_locks(function)
    asserts = {call.node.id for call in function.calls if _ASSERTS.search(call.name)}
    taken = {key for call in function.calls if (key := _taken(call)) is not None}
    if not keys or keys & taken:
        return False
    return bool(function.must_hold) or on_every_path(function, lambda node: node.id in asserts)


def _taken(call: Call) -> str | None:
    """The key of the lock that the call takes, in whatever way."""
    if call.name in _TAKES_RTNL:
        return _RTNL
    if call.guard:
        return lock_key(call.arguments[-1]) if call.arguments else None
    op = lock_op(call)
    return op.key if op is not None and op.acquires else None


def _unheld(source: Source, function: Function, call: Call, key: str) -> Finding | None:
    if not _lockless(function, call.node):
        return None
    later = _taken_later(function, call, key)
    if later is not None:
        why = f"this function takes it only later, with {later.name}()"
        return _finding(function, call, key, why, (Evidence(later.span, "it is taken here"),))
    bare = _bare(source, function)
    if bare is None or _may_have_taken(function, call):
        return None
    return _finding(function, call, key, bare.words, bare.evidence)


def _lockless(function: Function, node: Node) -> bool:
    """Whether no lock is held at that place that could be the one, and nothing is hidden."""
    locks = function.flow.at(node)
    return locks.known and locks.reached and not any(each.kind in _LOCKS for each in locks.may)


def _taken_later(function: Function, call: Call, key: str) -> Call | None:
    """A call that waits for the very lock, with no release of it on the path from the call."""
    calls = {
        each.node.id: each for each in function.calls if not each.cut and "try" not in each.name
    }

    def releases(node: Node) -> bool:
        op = lock_op(calls[node.id]) if node.id in calls else None
        return node.id in calls and (
            (op is not None and not op.acquires) or "unlock" in calls[node.id].name
        )

    takes = {number for number, each in calls.items() if _taken(each) == key}
    root = IDENTIFIER.match(key)
    if not takes or root is None:
        return None
    for node in reachable(function, call.node, releases, of=root[0]):
        if node.id in takes:
            return calls[node.id]
    return None


def _may_have_taken(function: Function, call: Call) -> bool:
    return any(
        each.node.start_byte < call.node.start_byte and _MAY_TAKE.search(each.name)
        for each in function.calls
    )


def _bare(source: Source, function: Function, depth: int = 1) -> _Bare | None:
    """Why the function is entered with no lock: a callback, or static and called by one."""
    if function.name is None or function.has_gap:
        return None
    known = source.fact(registered).get(function.name, ())
    direct = [(each, call) for each, call in callers_of(source, function.name)]
    if known and not direct and not function.name.endswith("_locked"):
        by = known[0]
        if "(" not in by.by or by.context is Context.ATOMIC:
            return None
        return _Bare(by.evidence, f"{function.name}() runs {by.words}, with no lock held")
    if depth <= 0 or not function.static:
        return None
    for caller, call in direct:
        above = _bare(source, caller, depth - 1) if _lockless(caller, call.node) else None
        if above is not None and not _may_have_taken(caller, call):
            step = Evidence(call.span, f"{caller.name}() calls it here")
            return _Bare((*above.evidence, step), above.words)
    return None


def _finding(
    function: Function, call: Call, key: str, why: str, evidence: tuple[Evidence, ...]
) -> Finding:
    lock = "the RTNL mutex" if key == _RTNL else key
    return Finding(
        span=call.span,
        message=f"{call.name}() expects {lock} to be held, but {why}",
        function=function.name,
        evidence=evidence,
        fix=Fix(f"take {lock} before the call"),
    )


rule = Rule(
    title="A call that needs a lock, with no lock held",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(
        {
            *("mutex_lock", "spin_lock", "spin_lock_irqsave", "spin_lock_irq", "spin_lock_bh"),
            *("down_read", "down_write", "rtnl_lock", "guard", "scoped_guard"),
            *("lockdep_assert_held", "ASSERT_RTNL", "__must_hold", "lockdep_assert_held_write"),
        }
    ),
    links=("https://docs.kernel.org/locking/lockdep-design.html",),
)
