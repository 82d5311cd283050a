"""The clauses of a function: its simple statements, declarations, and conditions in parentheses.

They tell what a patch made of a line: of both sides of a file, equal clauses have equal code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tree_sitter import Node

    from reviewer.c.function import Function

_AROUND = frozenset(
    {
        *("compound_statement", "if_statement", "while_statement", "for_statement"),
        *("do_statement", "switch_statement", "case_statement", "labeled_statement"),
        *("else_clause", "ERROR"),
    }
)
_DEEPEST = 60
_MOST_ROWS = 400


def clause_of(node: Node) -> Node | None:
    """The clause that a node is part of; None for what belongs to none, as `else` does."""
    for _ in range(_DEEPEST):
        above = node.parent
        if above is None or node.type in {"compound_statement", "function_definition"}:
            return None
        if above.type in _AROUND:
            return node if node.is_named else above.child_by_field_name("condition")
        node = above
    return None


def code_of(function: Function, node: Node) -> str:
    """The code of a clause without white space and comments."""
    return "".join(function.unit.masked[node.start_byte : node.end_byte].split())


def clauses_on(function: Function, rows: Iterable[int]) -> Mapping[str, Node]:
    """The clauses that begin on these rows, by their code; of equal ones the first."""
    found: dict[str, Node] = {}
    lines = function.unit.masked.split("\n")
    for row in sorted(rows)[:_MOST_ROWS]:
        line = lines[row] if row < len(lines) else ""
        begin = len(line) - len(line.lstrip())
        leaf = function.node.descendant_for_point_range((row, begin), (row, begin))
        node = None if leaf is None or not line.strip() else clause_of(leaf)
        if node is not None and node.start_point[0] == row:
            found.setdefault(code_of(function, node), node)
    return found
