"""The last that a function does to a lock is to take it.

The patch takes the lock here, and nothing behind releases it: the next one to take it waits for
ever. A loop that drops the lock in its body and takes it again at its end leaves it held when the
loop is over.

It is fine where the function hands the lock to its caller, by its name or by `__acquires()`, and
where another function of the patch gives it back.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.callees import callers_of, function_named
from reviewer.c.lockops import lock_ops
from reviewer.c.locks import IDENTIFIER
from reviewer.c.onward import follows, gotos, statement_of, target_of
from reviewer.c.unit import GAP
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.lockops import LockOp
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_HANDS_OVER = re.compile(
    r"lock|_(?:start|begin|enter|acquire|get|pin|claim|grab|hold|prepare|suspend|freeze|disable"
    r"|save|down|next|map|quiesce|stop|block)(?:_|$)|^get_|^begin|^start|^enter"
)
_CLOSES = re.compile(r"unlock|_put|put_|_end|_finish|_exit|release|(?:^|_)up(?:_|$)|complete")
_LOOPS = {"while_statement", "for_statement", "do_statement"}
_FOR_EVER = re.compile(r"\(\s*(?:1|true)?\s*\)")
_MOST = 200  # operations: each is compared with all the others
# Pages, folios and inodes are handed on locked.
_FAMILIES = frozenset(
    {
        *("mutex_unlock", "spin_unlock", "raw_spin_unlock", "read_unlock", "write_unlock"),
        *("up_read", "up_write", "iio_device_release_direct_mode", "iio_device_release_direct"),
    }
)


def check(source: Source) -> Iterator[Finding]:
    """The last acquire of a lock, where no release follows it."""
    for function in source.touched:
        if not (function.changed and function.takes_locks):
            continue
        if function.acquires or _HANDS_OVER.search(function.name or "lock"):
            continue
        for op in _last(function):
            loop = _loop(op.call.node)
            if loop is not None and not _comes_to_its_end(function, op, loop):
                continue
            if _goes_back(function, op):
                continue
            if not _given_back(source, function, op):
                yield _finding(function, op, loop)


def _last(function: Function) -> Iterator[LockOp]:
    """The acquires on changed rows that no operation on the same lock follows in the text."""
    ops = [op for op in lock_ops(function) if op.family in _FAMILIES]
    if len(ops) > _MOST:
        return
    last = {op.lock: op for op in ops}
    first = {op.lock: op for op in reversed(ops)}
    for lock, op in last.items():
        plain = not op.known.result and op.call.statement
        taken = op.acquires and (plain or _held_at_an_exit(function, op))
        if not taken or op.call.node.start_point[0] not in function.unit.changed:
            continue
        # What is given back first was the caller's, and is so again.
        mine = lock in function.flow.new if function.has_gap else first[lock].acquires
        if mine and lock[1] not in function.must_hold and _shows_the_rest(function, op, ops):
            yield op


def _held_at_an_exit(function: Function, op: LockOp) -> bool:
    """Whether a lock that may fail is held where the function, all of it in view, is left."""
    if function.has_gap or not function.flow.complete:
        return False
    held = (each.acquire for way in function.flow.exits for each in way.locks.must)
    return any(acquire is not None and acquire.node == op.call.node for acquire in held)


def _shows_the_rest(function: Function, op: LockOp, ops: list[LockOp]) -> bool:
    """Whether the rest of the function is in view, or the patch brings the releases too.

    A lone acquire may be what was missing before a release that the mail hides.
    """
    if GAP not in function.unit.masked[op.call.node.end_byte :]:
        return True
    return any(each.lock == op.lock and not each.acquires for each in ops)


def _loop(node: Node) -> Node | None:
    while (parent := node.parent) is not None:
        if parent.type in _LOOPS:
            return parent
        node = parent
    return None


def _comes_to_its_end(function: Function, op: LockOp, loop: Node) -> bool:
    """Whether the loop takes the lock last in its body, and then ends by a condition."""
    body = loop.child_by_field_name("body")
    statement = op.call.node.parent
    if body is None or statement is None or statement.parent != body:
        return False
    test = loop.child_by_field_name("condition")
    if test is None or _FOR_EVER.fullmatch(function.text(test)):
        return False
    inside = [each for each in lock_ops(function) if each.lock == op.lock and not each.acquires]
    return any(
        body.start_byte <= each.call.node.start_byte < op.call.node.start_byte for each in inside
    )


def _goes_back(function: Function, op: LockOp) -> bool:
    """Whether a goto behind the acquire, in the same block, leads to code above it."""
    statement = statement_of(op.call.node)
    for goto in gotos(function):
        if follows(statement, goto) and goto.parent == statement.parent:
            target = target_of(function, goto)
            if target is None or target.start_byte < statement.start_byte:
                return True
    return False


def _given_back(source: Source, function: Function, op: LockOp) -> bool:
    """Whether someone else may release it: a function of the patch, or the caller with the object.

    A piece of the file without a name may be more of this function.
    """
    names = IDENTIFIER.findall(op.key)
    text = function.unit.text[op.call.node.end_byte :]
    if re.search(rf"{op.family}\w*\([^;]*\b{names[-1]}\b", text):
        return True  # in a macro, or what else the grammar does not read
    if _closed_behind(function, op) or _returned(function, op, names[0]):
        return True
    if not all(_keeps(source, call, op) for call in _called_with(function, op, names[0])):
        return True
    for other in (each for file in source.patch for each in file.touched):
        if other is function or names[-1] not in other.unit.text:
            continue
        same = other.name in (None, function.name) and other.path == function.path
        if same or any(
            family == op.family and IDENTIFIER.findall(key)[-1:] == names[-1:]
            for family, key in other.flow.dropped
        ):
            return True
    return False


def _called_with(function: Function, op: LockOp, root: str) -> Iterator[Call]:
    """The calls behind the acquire that get the object of the lock."""
    for call in function.calls:
        if call.node.start_byte > op.call.node.end_byte and root in call.arguments:
            yield call


def _keeps(source: Source, call: Call, op: LockOp) -> bool:
    """Whether the callee does not release the lock: it is in view, or others release it later."""
    callee = function_named(source, call.name)
    if callee is not None and not callee.has_gap:
        return not any(family == op.family for family, _ in callee.flow.dropped)
    for caller, other in callers_of(source, call.name):
        held = {(each.family, each.key) for each in caller.flow.at(other.node).must}
        if any(
            not each.acquires
            and each.lock in held
            and each.family == op.family
            and each.call.node.start_byte > other.node.end_byte
            for each in lock_ops(caller)
        ):
            return True
    return False


def _closed_behind(function: Function, op: LockOp) -> bool:
    """Whether a call behind the acquire may release the lock by another name."""
    rows = function.unit.changed if function.has_gap else None
    return any(
        call.node.start_byte > op.call.node.end_byte
        and _CLOSES.search(call.name)
        and (rows is None or call.node.start_point[0] in rows)
        for call in function.calls
    )


def _returned(function: Function, op: LockOp, root: str) -> bool:
    """Whether the function returns the object of the lock, or stores it for another."""
    text = function.unit.text[op.call.node.end_byte :]
    return re.search(rf"\breturn\s+&?{root}\b|=\s*&?{root}\s*;", text) is not None


def _finding(function: Function, op: LockOp, loop: Node | None) -> Finding:
    evidence: tuple[Evidence, ...] = ()
    message = f"{op.key} is taken here, and nothing behind it in this function releases it"
    if loop is not None:
        message = f"{op.key} is taken again at the end of the loop, and still held behind it"
        head = function.span(loop)
        evidence = () if head is None else (Evidence(head, "the loop ends here with it held"),)
    release = op.family
    fix = Fix(f"call {release}() on every way out")
    return Finding(op.call.span, message, function.name, evidence, fix)


rule = Rule(
    title="The last that a function does to a lock is to take it",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(
        {
            "mutex_lock",
            "mutex_lock_nested",
            "mutex_lock_interruptible",
            "mutex_lock_killable",
            "iio_device_claim_direct_mode",
            "iio_device_claim_direct",
            "spin_lock",
            "spin_lock_irq",
            "spin_lock_irqsave",
            "spin_lock_bh",
            "raw_spin_lock",
            "raw_spin_lock_irq",
            "raw_spin_lock_irqsave",
            "read_lock",
            "read_lock_bh",
            "write_lock",
            "write_lock_bh",
            "write_lock_irqsave",
            "down_read",
            "down_write",
        }
    ),
    links=("https://docs.kernel.org/locking/index.html",),
)
