"""A break or continue ends only the scoped_guard() that it stands in, not the loop around it.

`scoped_guard()` is a `for` loop that runs once. A `break` or `continue` directly in it leaves the
guarded block and goes on with the statement behind: the loop or switch around it is not left.

It is fine where nothing stands behind the block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_LOOPS = frozenset({"for_statement", "while_statement", "do_statement"})
_CATCH = {
    "break_statement": _LOOPS | {"switch_statement"},
    "continue_statement": _LOOPS,
}


def check(source: Source) -> Iterator[Finding]:
    """Jumps in a scoped guard that stands in a loop, with code behind it."""
    for function in source.touched:
        for guard in function.calls:
            if not guard.guard or guard.node.type != "while_statement":
                continue
            loop = _around(guard.node)
            if loop is None or not _goes_on(guard.node, loop):
                continue
            for jump in _jumps(guard.node):
                if jump.type == "continue_statement" and loop.type == "switch_statement":
                    continue
                yield from _finding(function, guard, loop, jump)
                break


def _around(node: Node) -> Node | None:
    """The loop or switch around a statement."""
    above = node.parent
    while above is not None and above.type not in (*_LOOPS, "switch_statement"):
        above = above.parent
    return above


def _goes_on(node: Node, loop: Node) -> bool:
    """Whether a statement follows in the body of the loop, other than the same jump."""
    step: Node | None = node
    while step is not None and step != loop:
        after = step.next_named_sibling
        while after is not None and after.type in ("comment", "else_clause"):
            after = after.next_named_sibling
        if after is not None and step.parent is not None and step.parent.type != "if_statement":
            return after.type not in (*_CATCH, "case_statement", "labeled_statement")
        step = step.parent
    return False


def _jumps(guard: Node) -> Iterator[Node]:
    """The breaks and continues that leave the guard and nothing inside it."""
    body = guard.child_by_field_name("body")
    pending = [body] if body is not None else []
    while pending:
        node = pending.pop(0)
        if node.type in _CATCH and not _caught(node, guard):
            yield node
        pending.extend(node.named_children)


def _caught(jump: Node, guard: Node) -> bool:
    above = jump.parent
    while above is not None and above != guard:
        if above.type in _CATCH[jump.type]:
            return True
        above = above.parent
    return False


def _finding(function: Function, guard: Call, loop: Node, jump: Node) -> Iterator[Finding]:
    span = function.span(jump)
    if span is None:
        return
    word = jump.type.split("_")[0]
    what = "switch" if loop.type == "switch_statement" else "loop"
    yield Finding(
        span=span,
        message=f"this {word} only leaves the {guard.name}(), which is a loop itself: the {what} "
        "goes on with the statement behind the block",
        function=function.name,
        evidence=(Evidence(guard.span, "the guarded block begins here"),),
        fix=Fix("use guard() in a block of its own, or test a flag behind the scoped_guard()"),
    )


rule = Rule(
    title="A break that leaves only the scoped_guard",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"scoped_guard", "scoped_cond_guard"}),
    links=("https://docs.kernel.org/core-api/cleanup.html",),
)
