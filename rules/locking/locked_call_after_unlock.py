"""A function that expects a lock to be held is called after the lock was released.

`foo_locked(x)`, and a function that says `lockdep_assert_held()` or `__must_hold()`, works on what
the lock protects and takes it for granted. On this path the caller has already given it back.

It is fine where the lock is taken again in between, or the callee means another lock.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.after import reachable
from reviewer.c.callees import function_named
from reviewer.c.flow import Kind
from reviewer.c.lockops import lock_op, lock_ops
from reviewer.c.needs import named_locked, needing, needs
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.lockops import LockOp
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_TAKES = re.compile(r"(?<!un)lock(?!ed|dep)|acquire|down_")
_KINDS = frozenset({Kind.SPIN, Kind.MUTEX, Kind.RWSEM, Kind.OTHER})


def check(source: Source) -> Iterator[Finding]:
    """Calls that need a lock, on a path on which it has just been released."""
    for function in source.touched:
        releases = [op for op in lock_ops(function) if not op.acquires and op.call.statement]
        if not releases:
            continue
        calls = {c.node.id: c for c in function.calls if not (c.cut or c.loop or c.guard)}
        needy = {i: k for i, c in calls.items() if (k := needs(source, c))}
        said: set[int] = set()
        for release in releases if needy else ():
            call = _after(function, release, calls, needing(release, calls, needy))
            if call is None or call.node.id in said:
                continue
            said.add(call.node.id)
            in_view = function_named(source, call.name) is not None
            if in_view or not named_locked(call) or _shown(function, release, call):
                # What only the tables say, the same series may have changed.
                yield _finding(function, release, call, in_view or named_locked(call))


def _after(
    function: Function, release: LockOp, calls: dict[int, Call], meant: dict[int, Call]
) -> Call | None:
    """The needy call that runs after the release, with nothing that takes a lock in between."""

    def takes(node: Node) -> bool:
        call = calls.get(node.id)
        if call is None:
            return False
        op = lock_op(call)
        return op.acquires if op else _TAKES.search(call.name) is not None

    for node in reachable(function, release.call.node, takes) if meant else ():
        if node.id in meant and not any(lock.kind in _KINDS for lock in function.flow.at(node).may):
            return meant[node.id]
    return None


def _shown(function: Function, release: LockOp, call: Call) -> bool:
    """Whether the function calls another `_locked()` of the object before it gives this lock back.

    The name alone may mean a lock that the caller of the function holds.
    """
    return named_locked(call) and any(
        named_locked(each)
        and each.arguments[:1] == call.arguments[:1]
        and each.node.start_byte < release.call.node.start_byte
        for each in function.calls
    )


def _finding(function: Function, release: LockOp, call: Call, sure: bool) -> Finding:
    return Finding(
        span=call.span,
        message=f"{call.name}() expects {release.key} to be held, but this path has already "
        "released it",
        function=function.name,
        evidence=(Evidence(release.call.span, f"{release.key} is released here"),),
        confidence=None if sure else Confidence.HUNCH,
        fix=Fix(f"call it before {release.call.name}(), or take {release.key} again"),
    )


rule = Rule(
    title="A call that needs the lock comes after the unlock",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(
        {
            "mutex_unlock",
            "spin_unlock",
            "spin_unlock_irq",
            "spin_unlock_irqrestore",
            "spin_unlock_bh",
            "up_read",
            "up_write",
            "write_unlock",
            "read_unlock",
            "write_unlock_bh",
        }
    ),
    links=("https://docs.kernel.org/locking/lockdep-design.html",),
)
