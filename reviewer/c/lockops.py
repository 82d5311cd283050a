"""The lock operations of a function in the order of its text, each with the lock that it names."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.c.callees import function_named
from reviewer.c.facts import lock_call, lock_calls
from reviewer.c.flow import Kind
from reviewer.c.locks import IDENTIFIER, lock_key, variables_in
from reviewer.c.onward import BRANCHES, JUMPS, never_passed, onward

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tree_sitter import Node

    from reviewer.c.facts import LockCall
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

KINDS = frozenset({Kind.SPIN, Kind.MUTEX, Kind.RWSEM})
"""The locks that a task can wait for."""

_UNORDERED = ("nest", "try")
_LONGEST = 80
_POWER = ("pm_runtime_",)  # "resume", "get": of the device, which no lock of a driver is part of
_MAY_LOCK = re.compile(
    r"lock|sem(?:_|$)|acquire|(?:^|_)(?:down|begin|start|enter|resume|get)(?:_|$)"
)


@dataclass(frozen=True, slots=True)
class LockOp:
    """A call that acquires or releases a lock that its argument names."""

    call: Call
    acquires: bool
    family: str  # the release function without its variant: "spin_unlock"
    key: str  # "x->lock" of `&x->lock`
    known: LockCall

    @property
    def lock(self) -> tuple[str, str]:
        """What is taken or given back."""
        return self.family, self.key

    @property
    def waits(self) -> bool:
        """Whether it takes the lock for itself alone, and waits for ever for its own holder."""
        unordered = any(word in self.call.name for word in _UNORDERED)
        return (
            self.acquires and not self.known.shared and self.known.kind in KINDS and not unordered
        )


def object_of(function: Function, op: LockOp) -> tuple[str, str] | None:
    """What the lock is in the whole file: (struct, member), or ("", name) at file scope.

    A lock that the core keeps inside its object is (struct, family), where a driver has one such
    object: of devices and sockets there are many. None when the struct is not in view.
    """
    names = IDENTIFIER.findall(op.key)
    if op.key.isidentifier():
        variable = function.variables.get(op.key)
        if variable is None:
            return "", op.key
        return ("iio_dev", op.family) if variable.type.struct == "iio_dev" else None
    declared = function.variables.get(names[0]) if len(names) == 2 else None
    struct = declared.type.struct if declared else None
    return (struct, names[1]) if struct else None


def lock_ops(function: Function) -> tuple[LockOp, ...]:
    """The operations on locks with a name, without guards and what the mail cuts."""
    return function.fact(_lock_ops)


def _lock_ops(function: Function) -> tuple[LockOp, ...]:
    if lock_calls().keys().isdisjoint(function.words):
        return ()
    return tuple(op for call in function.calls if (op := lock_op(call)) is not None)


def lock_op(call: Call) -> LockOp | None:
    """What the call does; None when it is no lock function or its lock is not in view."""
    known = lock_call(call.name)
    if known is None or call.guard or call.cut or known.argument is None:
        return None
    if known.argument >= len(call.arguments):
        return None
    key = lock_key(call.arguments[known.argument])
    return LockOp(call, known.acquires, known.family, key, known) if len(key) <= _LONGEST else None


def calls_within(function: Function, start: int, end: int) -> tuple[Call, ...]:
    """The calls that begin in this part of the text."""
    first = bisect_left(function.calls, start, key=_begins)
    return function.calls[first : bisect_left(function.calls, end, key=_begins)]


def _begins(call: Call) -> int:
    return call.node.start_byte


def next_releases(function: Function, start: Node, named: Mapping[str, Node]) -> Iterator[LockOp]:
    """The releases that surely run after the statement `start`, before anything is acquired."""
    for statement in onward(function, start, named):
        for call in calls_within(function, statement.start_byte, statement.end_byte):
            if (op := lock_op(call)) is not None:
                if op.acquires or statement.type in BRANCHES:
                    return
                yield op


def release_ahead(
    source: Source,
    function: Function,
    start: Node,
    lock: tuple[str, str],
    named: Mapping[str, Node] | None = None,
) -> Call | None:
    """The release of the lock that surely runs next, with nothing that may take it before.

    A branch that may release it, or that may end the path for the same reason that led to `start`,
    ends the search. `named` are the labels of the function if they are known.
    """
    for statement in onward(function, start, named):
        if may_change(source, function, lock, statement):
            return None
        releases = [
            call
            for call in calls_within(function, statement.start_byte, statement.end_byte)
            if (op := lock_op(call)) is not None and op.lock == lock
        ]
        if statement.type in BRANCHES:
            beyond = statement.parent != start.parent
            if releases or (beyond and _jumps(statement)) or never_passed(statement):
                return None
        elif releases:
            return releases[0]
    return None


def _jumps(branch: Node) -> bool:
    pending = [branch]
    while pending:
        node = pending.pop()
        if node.type in JUMPS:
            return True
        pending.extend(node.named_children)
    return False


def may_change(source: Source, function: Function, lock: tuple[str, str], node: Node) -> bool:
    """Whether something in `node` may take the lock, or let its name stand for another one."""
    return may_change_between(source, function, lock, node.start_byte, node.end_byte)


def may_change_between(
    source: Source, function: Function, lock: tuple[str, str], start: int, end: int
) -> bool:
    """The same of a part of the text."""
    roots = variables_in(lock[1])
    if any(
        start <= each.node.start_byte < end and each.target in roots
        for each in function.assignments
    ):
        return True
    return may_take_between(source, function, lock, start, end)


def may_take_between(
    source: Source, function: Function, lock: tuple[str, str], start: int, end: int
) -> bool:
    """Whether a call in that part of the text may take the lock."""
    roots = variables_in(lock[1])
    return any(_may_take(source, call, lock, roots) for call in calls_within(function, start, end))


def _may_take(source: Source, call: Call, lock: tuple[str, str], roots: frozenset[str]) -> bool:
    operation = lock_op(call)
    if operation is not None:
        return operation.acquires and operation.family == lock[0]
    if call.guard:
        return False
    callee = function_named(source, call.name)
    if callee is not None:
        return any(op.acquires and op.family == lock[0] for op in lock_ops(callee))
    passed = variables_in(" ".join(call.arguments))
    if not roots & passed or call.name.startswith(_POWER):
        return False
    return _MAY_LOCK.search(call.name) is not None
