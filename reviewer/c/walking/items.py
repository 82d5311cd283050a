"""The calls, accesses and assignments of a function in the order in which they are evaluated."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from reviewer.c.unit import GAP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.reading.collect import Update
    from reviewer.c.syntax import Access, Assignment, Call


class Item(NamedTuple):
    """One of them, by its place. Sorted, an operand comes before what it is an operand of."""

    end: int
    before_start: int  # minus the offset of its start
    what: Call | Access | Assignment | Update


@dataclass(frozen=True)
class Items:
    """Items sorted by `Item`; parallel lists, for the walk is made of look-ups in them."""

    function: Function
    items: list[Item]
    ends: list[int]
    results: Mapping[int, str]  # id of a call that may fail to lock -> name of its result
    locks: list[int]  # positions of the items that change locks

    def within(self, node: Node) -> tuple[int, int]:
        """The positions [low, high) of the items in a node."""
        return self.between(node.start_byte, node.end_byte)

    def between(self, start: int, end: int) -> tuple[int, int]:
        """The positions [low, high) of the items in a piece of the text."""
        low = bisect_right(self.ends, start)
        high = bisect_right(self.ends, end, low)
        while high > low and -self.items[high - 1].before_start < start:
            high -= 1
        return low, high

    def locks_within(self, low: int, high: int) -> bool:
        """Whether one of the items [low, high) changes locks."""
        return bisect_right(self.locks, high - 1) > bisect_right(self.locks, low - 1)

    def fallible(self, node: Node) -> str | None:
        """The name of the result of a lock call that may fail."""
        return self.results.get(node.id)

    def masked(self, node: Node) -> str:
        """The code of a node as the grammar sees it."""
        return self.function.unit.masked[node.start_byte : node.end_byte]

    def code(self, node: Node) -> str:
        """The code of a node as written, without white space."""
        return "".join(self.function.unit.text[node.start_byte : node.end_byte].split())

    def operator(self, node: Node) -> str:
        """The operator of a binary expression."""
        sign = node.child_by_field_name("operator")
        return "" if sign is None else self.masked(sign)

    def shows_gap(self, node: Node) -> bool:
        """Whether a part of the node is not in the mail."""
        return GAP in self.masked(node)


def items_of(function: Function) -> list[Item]:
    """All items but the headers of iterators and scoped guards, which are statements."""
    collected = function.collected
    found = [
        Item(each.node.end_byte, -each.node.start_byte, each)
        for group in (
            [call for call in collected.calls if call.node.type != "while_statement"],
            collected.accesses,
            collected.assignments,
            collected.updates,
        )
        for each in group
    ]
    found.sort(key=lambda item: item[:2])
    return found
