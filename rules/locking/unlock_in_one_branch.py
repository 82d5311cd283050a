"""An error return releases the lock only under a condition.

An `if` without braces takes one statement. When an unlock is put in front of the `return` that was
it, the unlock alone is left under the condition: the function returns in any case, and with the
lock held where the condition is false.

It is fine where the lock was taken under the same condition.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.facts import releasers
from reviewer.c.lockops import KINDS, lock_ops
from reviewer.c.onward import follows, statement_of
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.flow import Held
    from reviewer.c.function import Function
    from reviewer.c.lockops import LockOp
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_ERROR = re.compile(r"return\s*\(?\s*-\s*E[A-Z0-9]+\s*\)?\s*;")
_AROUND = frozenset({"expression_statement", "compound_statement"})


def check(source: Source) -> Iterator[Finding]:
    """An `if` with nothing but the unlock in it, and an error return behind it."""
    for function in source.touched_with(rule.triggers):
        if not (function.takes_locks and function.changed) or function.acquires:
            continue
        for op in lock_ops(function):
            if op.acquires or op.known.kind not in KINDS or not op.call.statement:
                continue
            branch = _only_one_in(op.call.node)
            left = _next(branch) if branch is not None else None
            if branch is None or left is None or not _ERROR.fullmatch(function.text(left)):
                continue
            held = _held(function, op, branch)
            if held is not None and held.acquire is not None:
                yield from _finding(function, op, left, held.acquire)


def _only_one_in(node: Node) -> Node | None:
    """The `if` without `else` of which the call is the only statement."""
    above = node.parent
    while above is not None and above.type in _AROUND:
        inner = [each for each in above.named_children if each.type != "comment"]
        if len(inner) != 1:
            return None
        node, above = above, above.parent
    if above is None or above.type != "if_statement":
        return None
    alone = above.child_by_field_name("alternative") is None
    body = above.child_by_field_name("consequence")
    return above if alone and body is not None and body.id == node.id else None


def _next(node: Node) -> Node | None:
    following = node.next_named_sibling
    while following is not None and following.type == "comment":
        following = following.next_named_sibling
    return following


def _held(function: Function, op: LockOp, branch: Node) -> Held | None:
    """The lock, when it is taken on the way to the branch whatever else is true."""
    for held in function.flow.at(op.call.node).must:
        taken = held.acquire
        if taken is None or held.entry or held.guard or (held.family, held.key) != op.lock:
            continue
        if taken.statement and follows(statement_of(taken.node), branch):
            return held
    return None


def _finding(function: Function, op: LockOp, left: Node, taken: Call) -> Iterator[Finding]:
    span = function.span(left)
    if span is not None:
        yield Finding(
            span=span,
            message=f"this return is under no condition, but {op.call.name}() in front of it is: "
            f"{op.key} stays held where that is false",
            function=function.name,
            evidence=(
                Evidence(taken.span, "it is taken here"),
                Evidence(op.call.span, "and released under the condition only"),
            ),
            fix=Fix("put braces around both"),
        )


rule = Rule(
    title="An error return with a conditional unlock",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=releasers(KINDS),
    links=("https://docs.kernel.org/process/coding-style.html",),
)
