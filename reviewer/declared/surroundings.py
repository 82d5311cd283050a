"""The text and the tree right around a match: comments beside it, and what its value is for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.declared.conditions import fits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tree_sitter import Node

    from reviewer.c.function import Function

_COMMENT = re.compile(r"/\*|\*/|//|^\s*\*")
_ABOVE = 3  # rows above a place where a comment on it may be
_LOGIC = frozenset({"&&", "||"})
_EQUALITY = frozenset({"==", "!="})
_CONDITIONS = frozenset({"if_statement", "while_statement", "conditional_expression"})
_WRAPPERS = frozenset({"likely", "unlikely", "WARN_ON", "WARN_ON_ONCE"})


def has_comment(function: Function, node: Node, globs: Sequence[str]) -> bool:
    """Whether a comment beside the node, close above or in the row below fits one of the globs."""
    row = node.start_point[0]
    near = function.place.rows[max(0, row - _ABOVE) : row + 2]
    return any(_COMMENT.search(text) and fits(text, globs) for text in near)


def is_tested(function: Function, node: Node) -> bool:
    """Whether the value is used as a truth value only: a condition, `!x`, `x && y`, `x == NULL`."""
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
        return _is_logic(function, above)
    if above.type == "argument_list" and above.parent is not None:
        name = above.parent.child_by_field_name("function")
        return name is not None and function.text(name) in _WRAPPERS
    return False


def _is_logic(function: Function, node: Node) -> bool:
    sign = node.child_by_field_name("operator")
    operands = (node.child_by_field_name("left"), node.child_by_field_name("right"))
    null = any(each is not None and function.text(each) == "NULL" for each in operands)
    return sign is not None and (sign.type in _LOGIC or (null and sign.type in _EQUALITY))
