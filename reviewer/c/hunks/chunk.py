"""Chunks: the pieces of code that one hunk shows of one item each, with their line numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.c.hunks.cut import cut
from reviewer.c.hunks.lexical import Code, read
from reviewer.model import Side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reviewer.diff.patch import Hunk, Row

_COLUMN_0 = re.compile(r"[A-Za-z_$]")
_LABEL = re.compile(r"\w+[ \t]*:(?!:)")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines of one hunk that belong to one item."""

    text: str
    code: str
    numbers: tuple[int | None, ...]  # line number in the file, for each row
    changed: frozenset[int]  # rows, as are the next two
    unread: frozenset[int]
    alternatives: frozenset[int]
    head: bool  # the item began above the hunk
    closed: bool  # the item ends in the hunk
    section: str = ""  # section header of the hunk
    gone: str = ""  # the rows of the hunk that only the other side has

    @property
    def first_line(self) -> int | None:
        """Number of the first line."""
        return self.numbers[0] if self.numbers else None


def chunks_of_hunk(hunk: Hunk, side: Side) -> list[Chunk]:
    """The chunks of one side of a hunk, in order; none when it holds no code."""
    absent, sign = ("-", "+") if side is Side.NEW else ("+", "-")
    rows = [row for row in hunk.rows if row.sign != absent]
    if not rows:
        return []
    changed = {at for at, row in enumerate(rows) if row.sign == sign}
    code = read([row.text for row in rows], changed)
    gone = "\n".join(row.text for row in hunk.rows if row.sign == absent)
    numbers = tuple((row.new for row in rows) if side is Side.NEW else (row.old for row in rows))
    around = (hunk.section, gone)
    top = numbers[0] is not None and numbers[0] <= 1
    return [
        chunk(code, item.start, item.end, numbers, changed, (item.head, item.closed), around)
        for item in cut(code.code, top, code.text)
    ]


def chunk(
    code: Code,
    start: int,
    end: int,
    numbers: Sequence[int | None],
    changed: set[int],
    state: tuple[bool, bool],
    around: tuple[str, str] = ("", ""),
) -> Chunk:
    """The chunk from offset `start` to `end`, which are line starts; `state` is head, closed;
    `around` is section, gone.
    """
    first, last = code.row(start), code.row(end - 1) + 1
    return Chunk(
        code.text[start:end],
        code.code[start:end],
        tuple(numbers[first:last]),
        rows_between(changed, first, last),
        rows_between(code.unread, first, last),
        rows_between(code.alternatives, first, last),
        *state,
        *around,
    )


def rows_between(rows: set[int] | frozenset[int], first: int, last: int) -> frozenset[int]:
    """Those of the rows that lie in a range, counted from its beginning."""
    if not rows:
        return frozenset()
    return frozenset(row - first for row in range(first, last) if row in rows)


def last_heading(rows: Sequence[Row], section: str) -> str:
    """The line that git would show as the section of a hunk that follows directly."""
    for row in reversed(rows):
        if row.sign != "+" and _COLUMN_0.match(row.text) and not _LABEL.match(row.text):
            return row.text
    return section


def same_heading(one: str, other: str) -> bool:
    """Whether two section headers are one line, of which either may be cut short."""
    one, other = one.rstrip(), other.rstrip()
    if not one or not other:
        return False
    return one.startswith(other) or other.startswith(one)
