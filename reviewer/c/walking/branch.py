"""Conditions: trees of and/or/not over tests, as far as lock state can depend on them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from reviewer.c.unit import GAP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.walking.items import Items

_WRAPPERS = {
    "likely",
    "unlikely",
    "WARN_ON",
    "WARN_ON_ONCE",
    "WARN",
    "WARN_ONCE",
    "__builtin_expect",
    "BUG_ON",
    "VM_WARN_ON_ONCE",
    "VM_BUG_ON",
    "RCU_LOCKDEP_WARN",
    "bool",
}
_ZERO = {"0", "NULL", "false", "0UL", "0L"}
_NUMBER = re.compile(r"-?(?:0[xX][0-9a-fA-F]+|\d+)[uUlL]*\Z")
_NONZERO = re.compile(r"-E[A-Z0-9]+\Z|true\Z|(?:ERR_PTR|PTR_ERR|ERR_CAST)\(")
_LONGEST = 80
_DEPTH = 60


class Leaf(NamedTuple):
    """One test, over the items [low, high). `on_true`, `on_false`: what the branch says of
    `expression`: nonzero (True), zero (False) or nothing (None); "x<0" is an expression of its own.
    `constant`: only one branch runs.
    """

    low: int
    high: int
    expression: str | None = None
    on_true: bool | None = None
    on_false: bool | None = None
    nonzero: str | None = None  # an expression that is nonzero where this is true
    constant: bool | None = None
    gap: int | None = None  # offset of what the mail hides of it


class Not(NamedTuple):
    """`!operand`"""

    operand: Condition


class All(NamedTuple):
    """`a && b && ..`, or with `any_` `a || b || ..`: left to right, stops when decided."""

    operands: tuple[Condition, ...]
    any_: bool


class Pick(NamedTuple):
    """`test ? yes : no`"""

    test: Condition
    yes: Condition
    no: Condition


class Wrap(NamedTuple):
    """`likely(operand)`: the value of the operand, then the items of the wrapper."""

    operand: Condition
    low: int
    high: int


Condition = Leaf | Not | All | Pick | Wrap


def expressions(test: Condition) -> Iterator[str]:
    """The expressions that a condition tests."""
    pending = [test]
    while pending:
        node = pending.pop()
        if isinstance(node, Leaf):
            if node.expression is not None:
                yield node.expression
            if node.nonzero is not None:
                yield node.nonzero
        elif isinstance(node, Not | Wrap):
            pending.append(node.operand)
        elif isinstance(node, All):
            pending.extend(node.operands)
        elif isinstance(node, Pick):
            pending.extend((node.test, node.yes, node.no))


def value_of(text: str) -> bool | None:
    """Whether a constant is nonzero; None: not a constant, or not one that is known."""
    if text in _ZERO:
        return False
    if _NUMBER.match(text):
        return any(digit not in "0-xXuUlL" for digit in text)
    return True if _NONZERO.match(text) else None


def condition(items: Items, node: Node, depth: int = 0) -> Condition:
    """The condition under a node of the tree."""
    while node.type == "parenthesized_expression" and node.named_child_count == 1:
        node = node.named_children[0]
    low, high = items.within(node)
    if depth > _DEPTH or GAP in items.masked(node):
        gap = node.start_byte if GAP in items.masked(node) else None
        return Leaf(low, high, gap=gap)
    kind = node.type
    if kind == "unary_expression":
        operand = node.child_by_field_name("argument")
        if operand is not None and items.masked(node).startswith("!"):
            return Not(condition(items, operand, depth + 1))
    elif kind == "binary_expression":
        return _binary(items, node, depth)
    elif kind == "call_expression":
        wrapped = _wrapped(items, node, depth)
        if wrapped is not None:
            return wrapped
    elif kind == "conditional_expression" and items.locks_within(low, high):
        return _pick(items, node, depth)
    return _truth(items, node)


def _binary(items: Items, node: Node, depth: int) -> Condition:
    sign = items.operator(node)
    if sign in {"&&", "||"}:
        operands, left = [], node
        while left.type == "binary_expression" and items.operator(left) == sign:
            right = left.child_by_field_name("right")
            if right is not None:
                operands.append(right)
            inner = left.child_by_field_name("left")
            if inner is None:
                break
            left = inner
        operands.append(left)
        lowered = tuple(condition(items, each, depth + 1) for each in reversed(operands))
        return All(lowered, sign == "||")
    if sign in {"==", "!=", "<", ">", "<=", ">="}:
        return _comparison(items, node, sign)
    return Leaf(*items.within(node))


def _comparison(items: Items, node: Node, sign: str) -> Leaf:
    low, high = items.within(node)
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None:
        return Leaf(low, high)
    subject, other = expression(items, left), items.code(right)
    if value_of(items.code(left)) is not None:
        subject, other = expression(items, right), items.code(left)
        sign = sign.translate(str.maketrans("<>", "><"))
    if subject is None or len(other) > _LONGEST:
        return Leaf(low, high)
    value = value_of(other)
    if sign in {"==", "!="}:
        if value is None:
            return _equality(f"{subject}=={other}", low, high, sign)
        equal: bool | None = value
        differs = None if value else True
        first, second = (equal, differs) if sign == "==" else (differs, equal)
        return Leaf(low, high, subject, first, second)
    if value is not False:
        return Leaf(low, high)
    if sign == "<":
        return Leaf(low, high, f"{subject}<0", True, False, subject)
    if sign == ">=":
        return Leaf(low, high, f"{subject}<0", False, True)
    return Leaf(low, high, subject, *((True, None) if sign == ">" else (None, True)))


def _equality(subject: str, low: int, high: int, sign: str) -> Leaf:
    equal = sign == "=="
    return Leaf(low, high, subject, equal, not equal)


def _truth(items: Items, node: Node) -> Leaf:
    low, high = items.within(node)
    text = items.code(node)
    if node.type in {"number_literal", "true", "false", "null"}:
        return Leaf(low, high, constant=value_of(text))
    subject = expression(items, node)
    return Leaf(low, high) if subject is None else Leaf(low, high, subject, True, False)


def expression(items: Items, node: Node) -> str | None:
    """The name under which the value of a node is remembered; None: not remembered."""
    while node.type == "parenthesized_expression" and node.named_child_count == 1:
        node = node.named_children[0]
    if node.type == "assignment_expression":
        target = node.child_by_field_name("left")
        return None if target is None else items.code(target)
    if node.type == "call_expression":
        result = items.fallible(node)
        if result is not None:
            return result
    if node.end_byte - node.start_byte > _LONGEST or node.type == "comma_expression":
        return None
    return items.code(node)


def _wrapped(items: Items, node: Node, depth: int) -> Wrap | None:
    function, listed = (node.child_by_field_name(name) for name in ("function", "arguments"))
    if function is None or listed is None or not listed.named_children:
        return None
    if items.masked(function) not in _WRAPPERS:
        return None
    operand = listed.named_children[0]
    low, high = items.within(node)
    return Wrap(condition(items, operand, depth + 1), max(low, items.within(operand)[1]), high)


def _pick(items: Items, node: Node, depth: int) -> Condition:
    parts = [node.child_by_field_name(name) for name in ("condition", "consequence", "alternative")]
    test, yes, no = (
        Leaf(0, 0) if part is None else condition(items, part, depth + 1) for part in parts
    )
    return Pick(test, yes, no)
