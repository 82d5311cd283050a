"""The old value for cmpxchg() is read plainly.

Other CPUs change the variable at the same time: that is why there is a `cmpxchg()`. A plain read
may be split or repeated by the compiler, so that the value that was looked at is not the one that
is compared. Read it with `READ_ONCE()`, and keep it in a local variable.

It is fine under the lock that all writers hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.flow import Kind
from reviewer.c.locks import lock_key
from reviewer.c.marked import exchanges
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Assignment, Call

_LOCKS = frozenset({Kind.SPIN, Kind.MUTEX, Kind.RWSEM, Kind.OTHER})


def check(source: Source) -> Iterator[Finding]:
    """Assignments of the shared variable to the local one that is compared."""
    for function in source.touched:
        for call in function.calls:
            if exchanges(call):
                yield from _reads(function, call)


def _reads(function: Function, call: Call) -> Iterator[Finding]:
    shared, old = lock_key(call.arguments[0]), lock_key(call.arguments[1])
    if not call.arguments[0].startswith("&") or not old.isidentifier():
        return
    for store in function.assignments:
        if store.target != old or lock_key(store.value) != shared or store.operator != "=":
            continue
        if not any(lock.kind in _LOCKS for lock in function.flow.at(store.node).may):
            yield _finding(function, store, call)


def _finding(function: Function, store: Assignment, call: Call) -> Finding:
    return Finding(
        span=store.span,
        message=f"{store.value} is read plainly although {call.name}() changes it concurrently; "
        "the compiler may load it again",
        function=function.name,
        evidence=(Evidence(call.span, f"{call.name}() compares and exchanges it here"),),
        fix=Fix(f"write {store.target} = READ_ONCE({store.value})"),
    )


rule = Rule(
    title="The old value for cmpxchg() is read plainly",
    severity=Severity.NOTE,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(
        f"{name}{form}"
        for name in ("cmpxchg", "try_cmpxchg", "cmpxchg64", "try_cmpxchg64")
        for form in ("", "_acquire", "_release", "_relaxed")
    ),
    links=("https://docs.kernel.org/core-api/wrappers/memory-barriers.html",),
)
