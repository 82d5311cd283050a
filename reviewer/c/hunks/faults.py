"""Where the grammar could not read a unit: rows that lie in ERROR or MISSING nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

    from reviewer.c.unit import Unit

_MOST = 2000  # nodes looked at


@dataclass(frozen=True, slots=True)
class Faults:
    """Number of ERROR and MISSING nodes, and the rows that they cover."""

    nodes: int
    rows: frozenset[int]

    @property
    def score(self) -> tuple[int, int]:
        """Orders two readings of one text: the smaller is the better one."""
        return self.nodes, len(self.rows)


NO_FAULTS = Faults(0, frozenset())


def faults(unit: Unit) -> Faults:
    """The faults of a unit; at once when it has none."""
    root = unit.tree.root_node
    if not root.has_error:
        return NO_FAULTS
    found: list[Node] = []
    pending = [root]
    seen = 0
    while pending and seen < _MOST:
        node = pending.pop()
        seen += 1
        if node.is_error or node.is_missing:
            found.append(node)
        else:
            pending.extend(child for child in node.children if child.has_error)
    rows = {row for node in found for row in range(node.start_point[0], node.end_point[0] + 1)}
    return Faults(max(1, len(found)), frozenset(rows))


def unit_errors(unit: Unit) -> frozenset[int]:
    """Rows of the unit that the grammar could not read; empty when it read everything."""
    return faults(unit).rows
