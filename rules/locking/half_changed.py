"""The patch changes one end of a critical section, and the diff does not show the other.

What a diff does not show stays as it was. When the release at the end of a function is taken away,
and the lock was taken further up, it is still taken there, and never given back. When the lock is
no longer taken, the release further down is one too many; and when it is taken with interrupts off,
it is still released in the way that went with the old function. Change both ends, or turn the
acquire into a `guard()`.

It is fine where the old code was out of balance, and this is what mends it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.callees import function_named
from reviewer.c.facts import acquirers, releasers
from reviewer.c.lockops import KINDS, lock_ops
from reviewer.c.locks import IDENTIFIER
from reviewer.c.unit import GAP
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.lockops import LockOp
    from reviewer.c.source import Source
    from reviewer.model import Span

_TOUCHES = re.compile(
    r"lock|mutex|guard\s*\(|__free|CLASS\s*\(|\bgoto\b|\b(?:down|up)(?:_\w+)?\s*\(|_(?:acquire|release|put"
    r"|end|finish|done|complete|leave|exit|begin|enter|start|stop|claim|get)\b"
)
_HANDS_OVER = re.compile(r"lock|_(?:start|begin|enter|end|finish|stop|next|acquire|release|claim)")
_VARIANT = re.compile(r"_irqsave|_irqrestore|_irq|_bh")
_IS_EXIT = re.compile(r"[\s{}]*(?:goto\b|\w+:\s*$)")  # where a path went that is gone
_RETURNS = re.compile(r"\s*return\b")
_STATEMENTS = frozenset({"compound_statement", "labeled_statement"})
_MOST = 60  # operations on locks in one function that are compared


def check(source: Source) -> Iterator[Finding]:
    """Functions that lose, or get, one operation on a lock of which they show no other."""
    before = source.before
    for function in source.touched if before is not None else ():
        if rule.triggers.isdisjoint(IDENTIFIER.findall(function.unit.gone)):
            continue
        old = function_named(before, function.name) if before and function.name else None
        if old is not None and function.has_gap and _is_its_own(function):
            yield from _compare(source, function, old)


def _is_its_own(function: Function) -> bool:
    """Whether the locks that it takes are for itself to release, and it reads well."""
    told = function.must_hold or function.releases or function.acquires
    return not (told or function.has_error or _HANDS_OVER.search(function.name or "lock"))


def _compare(source: Source, function: Function, old: Function) -> Iterator[Finding]:
    were, are = _by_key(old), _by_key(function)
    for key, ops in were.items():
        if len(ops) != 1 or not _changed(old, ops[0]) or not ops[0].call.statement:
            continue
        now = are.get(key, [])
        if len(now) == 1 and _changed(function, now[0]):
            yield from _other_variant(source, function, ops[0], now[0])
        elif not now and not _makes_up(source, function, old, ops[0]):
            yield from _taken_away(function, old, ops[0])


def _by_key(function: Function) -> dict[str, list[LockOp]]:
    found: dict[str, list[LockOp]] = {}
    for op in lock_ops(function)[:_MOST]:
        if op.known.kind in KINDS:
            found.setdefault(op.key, []).append(op)
    return found


def _changed(function: Function, op: LockOp) -> bool:
    return op.call.node.start_point[0] in function.unit.changed


def _taken_away(function: Function, old: Function, op: LockOp) -> Iterator[Finding]:
    """A release with the end of the function behind it, or an acquire with a gap behind it."""
    if not _is_unconditional(old, op.call.node):
        return
    hidden_before, hidden_after = _gaps(old, op.call.node)
    gone = f"the patch takes {op.call.name}({op.call.arguments[0]}) away"
    if not op.acquires and hidden_before and not hidden_after:
        span = _first_exit(function)
        message = f"{gone}, and not what takes the lock further up: it stays held here"
        fix = Fix("keep the release, or take the lock with a guard()")
    elif op.acquires and hidden_after and not hidden_before:
        span = _same_place(function, old, op)
        message = f"{gone}, and not its release further down"
        fix = Fix("take the release away too")
    else:
        return
    if span is not None:
        evidence = (Evidence(op.call.span, "it was here"),)
        yield Finding(span, message, function.name, evidence, fix)


def _other_variant(
    source: Source, function: Function, was: LockOp, now: LockOp
) -> Iterator[Finding]:
    """An acquire that goes with another release now, which the mail does not show."""
    if not (was.acquires and now.acquires and now.call.statement) or _kind(was) == _kind(now):
        return
    row = now.call.node.start_point[0]
    others = any(_TOUCHES.search(text) or "irq" in text for text in _rows(function, row))
    if others or not _gaps(function, now.call.node)[1] or _lone_release(source, function, now):
        return
    yield Finding(
        now.call.span,
        f"{was.call.name}() becomes {now.call.name}() here, but the release of {now.key} further "
        "down stays as it was",
        function.name,
        (),
        Fix(f"change the release of {now.key} too"),
    )


def _kind(op: LockOp) -> tuple[str, str]:
    """What its counterpart depends on."""
    variant = _VARIANT.search(op.call.name)
    return op.family, variant[0].replace("restore", "save") if variant else ""


def _is_unconditional(function: Function, call: Node) -> bool:
    """Whether the statement stands in no branch and no loop, nor right behind a hidden `if`."""
    row, above = call.start_point[0], call.parent
    if row > 0 and GAP in function.unit.masked.split("\n", row)[row - 1]:
        return False
    while above is not None and above.type != "function_definition":
        if above.type not in _STATEMENTS and above.type != "expression_statement":
            return False
        above = above.parent
    return above is not None


def _gaps(function: Function, node: Node) -> tuple[bool, bool]:
    """Whether the mail hides something of the function before, and behind, the node."""
    body = function.node.child_by_field_name("body")
    if body is None:
        return False, False
    masked = function.unit.masked
    ahead = GAP in masked[body.start_byte : node.start_byte]
    return ahead, GAP in masked[node.end_byte : function.node.end_byte]


def _makes_up(source: Source, function: Function, old: Function, op: LockOp) -> bool:
    """Whether the patch may bring the section into balance in another way."""
    if not IDENTIFIER.search(op.key):
        return True
    row = op.call.node.start_point[0]
    if any(_TOUCHES.search(text) for text in _rows(function, -1)):
        return True
    if any(_TOUCHES.search(text) and not _IS_EXIT.match(text) for text in _rows(old, row)):
        return True
    return _hands_on(function, old, op) or _is_elsewhere(source, function, op)


def _hands_on(function: Function, old: Function, op: LockOp) -> bool:
    """Whether a function that was not called before gets the object of the lock."""
    root = IDENTIFIER.findall(op.key)[0]
    were = {call.name for call in old.calls}
    return any(
        call.node.start_point[0] in function.unit.changed
        and call.name not in were
        and any(root in IDENTIFIER.findall(each) for each in call.arguments)
        for call in function.calls
    )


def _rows(function: Function, without: int) -> Iterator[str]:
    """The rows that only this side has, but for one."""
    rows = function.place.rows
    return (rows[row] for row in function.unit.changed if row != without)


def _is_elsewhere(source: Source, function: Function, op: LockOp) -> bool:
    """Whether another function of the patch gets such an operation, or may be more of this one."""
    name = IDENTIFIER.findall(op.key)[-1]
    for file in source.patch:
        for other in file.touched:
            if other is function or name not in other.unit.text + other.unit.gone:
                continue
            if other.name in (None, function.name) and other.path == function.path:
                return True
            if any(
                each.acquires is op.acquires and _changed(other, each) and _last(each) == name
                for each in lock_ops(other)
            ):
                return True
    return False


def _lone_release(source: Source, function: Function, op: LockOp) -> bool:
    """Whether another function of the patch releases such a lock and does not take it.

    A hunk behind a label has no name: it may be more of this function.
    """
    for other in source.touched:
        ops = [each for each in lock_ops(other) if _last(each) == _last(op)]
        lone = any(_changed(other, each) for each in ops) and not any(o.acquires for o in ops)
        if other is not function and lone:
            return True
    return False


def _last(op: LockOp) -> str:
    names = IDENTIFIER.findall(op.key)
    return str(names[-1]) if names else ""


def _first_exit(function: Function) -> Span | None:
    """The first return that the patch adds behind the last gap, or the end of the function."""
    body = function.node.child_by_field_name("body")
    if body is None:
        return None
    rows = function.place.rows
    first = function.unit.masked.count("\n", 0, function.unit.masked.rfind(GAP)) + 1
    for row in range(first, body.end_point[0] + 1):
        if row in function.unit.changed and _RETURNS.match(rows[row]):
            return function.place.rows_span(row, row)
    return _end_of(function, body)


def _end_of(function: Function, body: Node) -> Span | None:
    """The last statement, without its label."""
    inner = [each for each in body.named_children if each.type != "comment"]
    while inner and inner[-1].type == "labeled_statement" and len(inner[-1].named_children) > 1:
        inner = inner[-1].named_children
    return function.span(inner[-1]) if inner else None


def _same_place(function: Function, old: Function, op: LockOp) -> Span | None:
    """The row that stands where the old operation stood."""
    row = op.call.node.start_point[0]
    kept = _kept(old, row)
    for at, line in enumerate(function.unit.lines):
        if line is not None and at not in function.unit.changed and _kept(function, at) == kept:
            return function.place.rows_span(at, at)
    return None


def _kept(function: Function, row: int) -> int:
    lines = enumerate(function.unit.lines[:row])
    return sum(line is not None and at not in function.unit.changed for at, line in lines)


rule = Rule(
    title="Only one end of a critical section is changed",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=acquirers() | releasers(KINDS),
    compares=True,
    links=("https://docs.kernel.org/locking/index.html",),
)
