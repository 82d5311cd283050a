"""Where a unit stands: from nodes of its tree to text and to lines of the file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from reviewer.model import Span

if TYPE_CHECKING:
    from tree_sitter import Node

    from reviewer.c.unit import Unit
    from reviewer.model import Side


@dataclass(frozen=True)
class Place:
    """A unit, and the file and side that it is of."""

    unit: Unit
    path: str
    side: Side

    @cached_property
    def rows(self) -> list[str]:
        """The text of each row."""
        return self.unit.text.split("\n")

    def text(self, node: Node) -> str:
        """The code of a node as it was written."""
        return self.unit.text[node.start_byte : node.end_byte]

    def rows_span(self, first: int, last: int) -> Span | None:
        """The lines of the rows `first` to `last`; None when the first is synthetic."""
        lines = self.unit.lines
        line = lines[first] if first < len(lines) else None
        if line is None:
            return None
        end = lines[last] if last < len(lines) else None
        code = self.rows[first].rstrip("\r")
        return Span(self.path, line, line if end is None or end < line else end, self.side, code)

    def shows(self, node: Node) -> bool:
        """Whether the node begins on a row of the file."""
        lines, row = self.unit.lines, node.start_point[0]
        return row < len(lines) and lines[row] is not None

    def shown(self, node: Node) -> Span:
        """The lines of a node that it shows."""
        span = self.span(node)
        assert span is not None
        return span

    def span(self, node: Node) -> Span | None:
        """The lines of a node; None when it begins on a synthetic row."""
        return self.rows_span(node.start_point[0], node.end_point[0])
