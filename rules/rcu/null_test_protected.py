"""An RCU pointer is only tested for NULL, with an accessor that claims more.

`rcu_dereference_protected(p, 1)` says that no reader or writer can be there, which a test does not
need and which is often not so. `rcu_access_pointer()` says that the value alone is looked at: no
lock, no reader section, and no claim that lockdep cannot check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.model import Confidence, Finding, Fix, Safety, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_ALWAYS = frozenset({"1", "true"})
_LOGIC = frozenset({"&&", "||"})
_EQUALITY = frozenset({"==", "!="})
_CONDITIONS = frozenset({"if_statement", "while_statement", "conditional_expression"})
_WRAPPERS = frozenset({"likely", "unlikely", "WARN_ON", "WARN_ON_ONCE"})


def check(source: Source) -> Iterator[Finding]:
    """Calls with a condition that is always true, whose value is used as a truth value."""
    for function in source.touched:
        for call in function.calls:
            named = call.name == "rcu_dereference_protected" and len(call.arguments) == 2
            if named and call.arguments[1] in _ALWAYS and _is_test(function, call.node):
                yield _finding(function, call)


def _is_test(function: Function, node: Node) -> bool:
    here, above = node, node.parent
    while above is not None and above.type == "parenthesized_expression":
        here, above = above, above.parent
    if above is None:
        return False
    if above.type in _CONDITIONS:
        return above.child_by_field_name("condition") == here
    if above.type == "unary_expression":
        return function.text(above).startswith("!")
    if above.type == "binary_expression":
        sign = above.child_by_field_name("operator")
        operands = (above.child_by_field_name("left"), above.child_by_field_name("right"))
        null = any(each is not None and function.text(each) == "NULL" for each in operands)
        return sign is not None and (sign.type in _LOGIC or (null and sign.type in _EQUALITY))
    if above.type == "argument_list" and above.parent is not None:
        name = above.parent.child_by_field_name("function")
        return name is not None and function.text(name) in _WRAPPERS
    return False


def _finding(function: Function, call: Call) -> Finding:
    pointer = call.arguments[0]
    return Finding(
        span=call.span,
        message=f"{pointer} is only tested for NULL here: rcu_access_pointer() is enough, and "
        "does not claim that nobody else can change it",
        function=function.name,
        fix=Fix(f"use rcu_access_pointer({pointer})", Safety.SUGGEST),
    )


rule = Rule(
    title="rcu_dereference_protected(.., 1) for a NULL test",
    severity=Severity.NOTE,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"rcu_dereference_protected"}),
    links=("https://docs.kernel.org/RCU/rcu_dereference.html",),
)
