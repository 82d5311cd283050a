"""A bit is tested, and then changed, in two steps.

`test_bit()` and `set_bit()` are atomic each, the pair is not: two CPUs can both find the bit clear
and both go on. `test_and_set_bit()` and `test_and_clear_bit()` let one of them win.

It is fine under a lock, and where the test only saves the atomic operation.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from reviewer.c.callees import callers_of
from reviewer.c.context import sets_up_or_tears_down, sets_up_the_whole
from reviewer.c.contexts import manages_power
from reviewer.c.onward import onward
from reviewer.c.tested import early_exit
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
_CONSTANT = re.compile(r"[A-Z0-9_]+\Z|.*[^\w\s>.-]")
_CALLERS = 8
_PRINTS = re.compile(
    r"(?:\A|_)(?:printk|pr|dbg|err|warn|info|log|notice|debug)(?:_|\Z)|WARN", re.IGNORECASE
)


def check(source: Source) -> Iterator[Finding]:
    """`if (!test_bit(b, w)) { ...; set_bit(b, w); }` and the reverse, with no lock held."""
    for function in source.touched_with({"test_bit"}):
        tests = [call for call in function.calls if call.name == "test_bit" and not call.cut]
        for test in tests:
            if manages_power(function) or _is_alone(source, function, test):
                continue
            change = _change(function, test)
            if change is not None and function.flow.at(change.node).surely_none:
                yield _finding(function, test, change, sure=_is_first(change))
                continue
            change = _next_change(function, test)
            if change is not None and function.flow.at(change.node).surely_none:
                yield _finding(function, test, change, sure=True)


def _is_alone(source: Source, function: Function, test: Call) -> bool:
    """Whether nobody else is there yet, or any more, by the name of the function.

    `demo_free_tag()` gives back one of many, which others take and give back at the same time; a
    caller in view shows that it holds no lock.
    """
    if not sets_up_or_tears_down(function):
        return False
    if sets_up_the_whole(function) or function.name is None or _CONSTANT.match(test.arguments[0]):
        return True
    callers = islice(callers_of(source, function.name), _CALLERS)
    return not any(caller.flow.at(call.node).surely_none for caller, call in callers)


def _change(function: Function, test: Call) -> Call | None:
    """The change of the same bit in the branch that the test leads to, beside other statements."""
    for negated in (True, False):
        branch = _branch_of(function, test, negated=negated)
        if branch is not None:
            return _change_in(function, test, branch, negated=negated)
    return None


def _branch_of(function: Function, test: Call, *, negated: bool) -> Node | None:
    """The `if` that has nothing but the test, or its negation, as its condition."""
    found, node = False, test.node
    while node.parent is not None and node.parent.type in (
        "unary_expression",
        "parenthesized_expression",
    ):
        node = node.parent
        found = found or (
            node.type == "unary_expression" and _NOT.match(function.text(node)) is not None
        )
    branch = node.parent
    fits = branch is not None and branch.type == "if_statement" and found is negated
    return branch if fits else None


def _change_in(function: Function, test: Call, branch: Node, *, negated: bool) -> Call | None:
    body = branch.child_by_field_name("consequence")
    if body is None or body.type != "compound_statement" or body.named_child_count < 2:
        return None
    return next((c for c in _calls_in(function, body) if _same_bit(test, c, negated)), None)


def _is_first(change: Call) -> bool:
    """Whether nothing is done between the test and the change: then one call can do both."""
    before = change.node.parent
    while before is not None and (before := before.prev_named_sibling) is not None:
        if before.type != "comment":
            return False
    return True


def _next_change(function: Function, test: Call) -> Call | None:
    """The change in the statement right behind a test that leaves when there is nothing to do.

    Also behind one that only complains, and then goes on.
    """
    for change, sets in _CHANGES.items():
        branch = early_exit(function, test.node, zero=not sets)
        branch = branch or _complaint(function, test, negated=not sets)
        following = next(onward(function, branch), None) if branch is not None else None
        for call in function.calls if following is not None else ():
            if call.statement and call.node.parent == following and call.name == change:
                return call if call.arguments == test.arguments else None
    return None


def _complaint(function: Function, test: Call, *, negated: bool) -> Node | None:
    """The `if` of the test alone, when all that it does is to print something."""
    branch = _branch_of(function, test, negated=negated)
    body = branch.child_by_field_name("consequence") if branch is not None else None
    if branch is None or body is None or branch.child_by_field_name("alternative") is not None:
        return None
    statements = body.named_children if body.type == "compound_statement" else [body]
    printed = [call.node.parent for call in function.calls if _PRINTS.search(call.name)]
    said = [each for each in statements if each.type != "comment"]
    return branch if said and all(each in printed for each in said) else None


def _calls_in(function: Function, body: Node) -> Iterator[Call]:
    for call in function.calls:
        statement = call.node.parent
        if call.statement and statement is not None and statement.parent == body:
            yield call


def _same_bit(test: Call, change: Call, negated: bool) -> bool:
    return _CHANGES.get(change.name) is negated and change.arguments == test.arguments


def _finding(function: Function, test: Call, change: Call, *, sure: bool) -> Finding:
    bit = test.arguments[0]
    one = f"test_and_{change.name}"
    return Finding(
        span=change.span,
        message=f"test_bit() and {change.name}() of {bit} are two steps: two CPUs can both get "
        f"here; {one}() lets one of them through",
        function=function.name,
        evidence=(Evidence(test.span, "tested here"),),
        fix=Fix(f"use {one}() as the condition"),
        confidence=Confidence.LIKELY if sure else None,
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
