"""Early exits on the value of an expression: `if (x->busy) return -EBUSY;`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.contexts import manages_power
from reviewer.c.syntax import Use

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tree_sitter import Node

    from reviewer.c.function import Function

_ALONE = re.compile(r"probe|(?:^|_)(?:init|exit)(?:_|\Z)")
_LEAVES = frozenset({"return_statement", "goto_statement"})
_PASSED = frozenset({"parenthesized_expression", "unary_expression", "binary_expression"})
_TRANSPARENT = frozenset(
    {
        *("READ_ONCE", "WARN_ON", "WARN_ON_ONCE", "likely", "unlikely"),
        *("rcu_access_pointer", "smp_load_acquire", "data_race"),
    }
)


def reads_of(function: Function, target: str) -> list[Node]:
    """Where the variable or field is read, in the order of the text."""
    nodes = list(function.fact(_fields).get(target, ()))
    if target.isidentifier():
        nodes += function.fact(_identifiers).get(target, ())
    return sorted(nodes, key=lambda node: node.start_byte)


def _fields(function: Function) -> Mapping[str, list[Node]]:
    """The field accesses that read, by their text."""
    found: dict[str, list[Node]] = {}
    for access in function.accesses:
        if access.use is not Use.WRITE:
            found.setdefault(access.text, []).append(access.node)
    return found


def _identifiers(function: Function) -> Mapping[str, list[Node]]:
    """The identifiers of a function by name; from the last to the first."""
    found: dict[str, list[Node]] = {}
    pending = [function.node]
    while pending:
        node = pending.pop()
        if node.type == "identifier":
            found.setdefault(function.text(node), []).append(node)
        pending.extend(node.named_children)
    return found


def early_exit(function: Function, node: Node, zero: bool) -> Node | None:
    """The `if` that leaves when the expression at `node` is zero, or is not when `zero` is False.

    The test is the expression or its negation, alone or beside others in an `||`.
    """
    negated, above = False, node.parent
    while above is not None and (above.type in _PASSED or _is_transparent(function, above)):
        operator = above.child_by_field_name("operator")
        if operator is not None and operator.type not in ("!", "||"):
            return None
        negated = negated != (operator is not None and operator.type == "!")
        above = above.parent
    if above is None or above.type != "if_statement" or negated is not zero:
        return None
    return above if _leaves(above) else None


def _is_transparent(function: Function, node: Node) -> bool:
    """Whether it is a call that gives back the truth of its argument, or its argument list."""
    call = node.parent if node.type == "argument_list" else node
    name = call.child_by_field_name("function") if call is not None else None
    return name is not None and function.text(name) in _TRANSPARENT


def _leaves(branch: Node) -> bool:
    body = branch.child_by_field_name("consequence")
    if body is None or branch.child_by_field_name("alternative") is not None:
        return False
    while body.type == "compound_statement" and body.named_children:
        body = body.named_children[-1]
    return body.type in _LEAVES


def is_serialised(function: Function, target: str) -> bool:
    """Whether only this task changes it, or the core lets one caller in at a time."""
    if manages_power(function) or _ALONE.search(function.name or ""):
        return True
    root = target.split("->")[0].split(".")[0]
    return root == "current" or any(
        each.target == root and each.value == "current" for each in function.assignments
    )
