"""Which line of one text is which line of another, by content alone.

Used for the quoted lines of a reply against the patch that it answers, and for the code of one
revision against the code of the next. Nothing is counted: mailers wrap lines, people cut them out.

Lines are compared by their keys. Lines that stand at few places of the document make pairs; the
heaviest chain of pairs that runs downwards in both texts is taken for true. Neighbours that agree
make a pair heavier: this is what tells the fifth `return -EINVAL;` from the fourth. What is left
over is then placed between the lines that are certain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.mail.quoting.chain import place
from reviewer.mail.quoting.fill import fill
from reviewer.mail.quoting.lines import How, Index, Place, Quoted, index, is_weak, key, unsigned

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "How",
    "Index",
    "Place",
    "Quoted",
    "align",
    "follow",
    "index",
    "is_weak",
    "key",
    "unsigned",
]


def align(quoted: Sequence[Quoted], document: Index) -> tuple[Place | None, ...]:
    """For each line its place in the document; None when it has none, as blank lines.

    Lines of a reply are given all, in their order, also the unquoted ones (`opens` False): the
    rest of a wrapped line is often among them.
    """
    return _align(quoted, document, loose=True)


def follow(old: Sequence[str], new: Index) -> tuple[Place | None, ...]:
    """For each line of an older text its place in the newer one; None when it is gone or changed.

    Takes keys. Lines are neither joined nor guessed: a place is EXACT, FILLED or MOVED.
    """
    return _align([Quoted(each) for each in old], new, loose=False)


def _align(quoted: Sequence[Quoted], document: Index, *, loose: bool) -> tuple[Place | None, ...]:
    lines = [each for each in quoted if each.key]
    found = place(lines, document, loose=loose)
    fill(lines, document, found, loose=loose)
    placed = iter(found)
    return tuple(next(placed) if each.key else None for each in quoted)
