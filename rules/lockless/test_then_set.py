"""A bit is tested, and then changed, in two steps.

`test_bit()` and `set_bit()` are atomic each, the pair is not: two CPUs can both find the bit clear
and both go on. `test_and_set_bit()` and `test_and_clear_bit()` let one of them win.

It is fine under a lock, and where the test only saves the atomic operation.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.context import sets_up_or_tears_down
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_CHANGES = {"set_bit": True, "clear_bit": False}
_NOT = re.compile(r"\(*\s*!")


def check(source: Source) -> Iterator[Finding]:
    """`if (!test_bit(b, w)) { ...; set_bit(b, w); }` and the reverse, with no lock held."""
    for function in source.touched:
        tests = [call for call in function.calls if call.name == "test_bit" and not call.cut]
        for test in tests if not sets_up_or_tears_down(function) else ():
            change = _change(function, test)
            if change is not None and function.flow.at(change.node).surely_none:
                yield _finding(function, test, change)


def _change(function: Function, test: Call) -> Call | None:
    """The change of the same bit in the branch that the test leads to, beside other statements."""
    negated, node = False, test.node
    while node.parent is not None and node.parent.type in (
        "unary_expression",
        "parenthesized_expression",
    ):
        node = node.parent
        negated = negated or (
            node.type == "unary_expression" and _NOT.match(function.text(node)) is not None
        )
    branch = node.parent
    if branch is None or branch.type != "if_statement":
        return None
    body = branch.child_by_field_name("consequence")
    if body is None or body.type != "compound_statement" or body.named_child_count < 2:
        return None
    return next((c for c in _calls_in(function, body) if _same_bit(test, c, negated)), None)


def _calls_in(function: Function, body: Node) -> Iterator[Call]:
    for call in function.calls:
        statement = call.node.parent
        if call.statement and statement is not None and statement.parent == body:
            yield call


def _same_bit(test: Call, change: Call, negated: bool) -> bool:
    return _CHANGES.get(change.name) is negated and change.arguments == test.arguments


def _finding(function: Function, test: Call, change: Call) -> Finding:
    bit = test.arguments[0]
    one = f"test_and_{change.name}"
    return Finding(
        span=change.span,
        message=f"test_bit() and {change.name}() of {bit} are two steps: two CPUs can both get "
        f"here; {one}() lets one of them through",
        function=function.name,
        evidence=(Evidence(test.span, "tested here"),),
        fix=Fix(f"use {one}() as the condition"),
    )


rule = Rule(
    title="A bit is tested and changed in two steps",
    severity=Severity.WARNING,
    confidence=Confidence.HUNCH,
    since="0.1",
    check=check,
    triggers=frozenset({"test_bit"}),
    links=("https://docs.kernel.org/core-api/wrappers/atomic_bitops.html",),
)
