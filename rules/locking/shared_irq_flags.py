"""The saved interrupt state can be overwritten before it is restored.

`spin_lock_irqsave()` stores the interrupt state in its second argument. When a nested section saves
to the same variable, the outer state is lost: interrupts stay off, or come on too early. A field
of a shared object is at the mercy of everyone who uses it under another lock, or reads it after
the unlock; a local variable is not.

It is fine where the first section is over.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from reviewer.c.lockops import lock_ops
from reviewer.c.onward import BRANCHES, onward, statement_of
from reviewer.c.reach import Objects, Reach
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.lockops import LockOp
    from reviewer.c.source import Source


def check(source: Source) -> Iterator[Finding]:
    """Flags of a shared object, and flags that a nested section saves again."""
    said = False
    for function in source.touched:
        for op in lock_ops(function):
            if not op.acquires or "irqsave" not in op.call.name or not (flags := _flags(op)):
                continue
            if not said and _is_shared(source, function, op):
                said = True  # a driver that does so does it everywhere
                message = f"{flags} is shared with other CPUs: the interrupt state of this task "
                message += "belongs in a local variable"
                yield replace(_finding(function, op, message, ()), confidence=Confidence.HUNCH)
            elif outer := _outer(function, op, flags):
                message = f"{flags} still holds the state from before {outer.key} was taken, and "
                message += "is lost here"
                evidence = (Evidence(outer.call.span, "it is saved here"),)
                yield _finding(function, op, message, evidence)
            elif hidden := _hidden_outer(function, op, flags):
                message = f"{flags} holds the state from before a lock that is held here was taken"
                yield _finding(function, op, f"{message}, and is lost here", (hidden,))


def _flags(op: LockOp) -> str:
    """The argument that the state is saved to: it stands behind the lock."""
    place = (op.known.argument or 0) + 1
    return op.call.arguments[place] if place < len(op.call.arguments) else ""


def _is_shared(source: Source, function: Function, op: LockOp) -> bool:
    """Whether the flags are a field of an object that others reach, or at file scope."""
    flags = _flags(op)
    if flags.startswith("*") or "(" in flags:
        return False
    if flags.isidentifier():
        variable = function.variables.get(flags)
        return variable is not None and variable.static
    if "->" not in flags:
        return False
    node = op.call.argument_nodes[(op.known.argument or 0) + 1]
    return Objects(function, source).reach(node) is Reach.SHARED


def _outer(function: Function, op: LockOp, flags: str) -> LockOp | None:
    """The section around this one that saved to the same variable and still needs it."""
    around = {
        held.acquire.node.id
        for held in function.flow.at(op.call.node).must
        if held.acquire is not None and not held.guard
    }
    for other in lock_ops(function):
        same = other.call.node.id in around and _flags(other) == flags
        if same and "irqsave" in other.call.name and other.key != op.key:
            return other
    return None


def _hidden_outer(function: Function, op: LockOp, flags: str) -> Evidence | None:
    """What shows that a section around this one, of which the mail hides the start, needs it.

    Another lock that is given back with the variable behind this section and is not taken between,
    or a label for those who have to unlock, where the patch brings the variable in.
    """
    row = op.call.node.start_point[0]
    if not (flags.isidentifier() and function.has_gap and row in function.unit.changed):
        return None
    statement = statement_of(op.call.node)
    for later in _restored_behind(function, op):
        if _flags(later) == flags and "irqrestore" in later.call.name:
            return Evidence(later.call.span, "it is restored here for the lock around this one")
    return _at_unlock_label(function, statement, flags)


def _at_unlock_label(function: Function, statement: Node, flags: str) -> Evidence | None:
    """The label that the statement is the first of, when those who jump there have to unlock.

    The patch must not declare the variable: it is the one that the function has already.
    """
    label = statement.parent
    if label is None or label.type != "labeled_statement":
        return None
    inner = [each for each in label.named_children if each.type != "comment"]
    at_once = len(inner) > 1 and inner[1].id == statement.id
    span = function.span(inner[0])
    if span is None or not at_once or "unlock" not in function.text(inner[0]):
        return None
    rows = (function.place.rows[each] for each in function.unit.changed)
    if any(re.search(rf"\blong\b.*\b{flags}\b", each) for each in rows):
        return None
    return Evidence(span, "a lock is held by those who come here")


def _restored_behind(function: Function, op: LockOp) -> Iterator[LockOp]:
    """The releases of other locks that surely run behind the section, and belong to none in it."""
    node = op.call.node
    taken: set[tuple[str, str]] = {op.lock}
    done = False
    for statement in onward(function, statement_of(node)):
        for other in lock_ops(function):
            start = other.call.node.start_byte
            if not statement.start_byte <= start < statement.end_byte:
                continue
            if statement.type in BRANCHES:
                return
            if other.acquires:
                taken.add(other.lock)
            elif other.lock == op.lock:
                done = True
            elif done and other.lock not in taken:
                yield other


def _finding(
    function: Function, op: LockOp, message: str, evidence: tuple[Evidence, ...]
) -> Finding:
    fix = Fix("keep the flags in a local variable of their own")
    return Finding(op.call.span, message, function.name, evidence, fix)


rule = Rule(
    title="Interrupt flags that can be overwritten",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(
        {
            "spin_lock_irqsave",
            "raw_spin_lock_irqsave",
            "read_lock_irqsave",
            "write_lock_irqsave",
        }
    ),
    links=("https://docs.kernel.org/locking/spinlocks.html",),
)
