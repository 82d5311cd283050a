"""The saved interrupt state can be overwritten before it is restored.

`spin_lock_irqsave()` stores the interrupt state in its second argument. When a nested section saves
to the same variable, the outer state is lost: interrupts stay off, or come on too early. A field
of a shared object is at the mercy of everyone who uses it under another lock, or reads it after
the unlock; a local variable is not.

It is fine where the first section is over.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reviewer.c.lockops import lock_ops
from reviewer.c.reach import Objects, Reach
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

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
