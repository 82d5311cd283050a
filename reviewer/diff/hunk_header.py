"""What the `@@` line of a hunk announces, and where the rows that it announces end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Nine digits: no file has more lines, and a number of a million digits costs nothing.
_HEADER = re.compile(
    r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@ ?(.*)", re.ASCII | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class HunkHeader:
    """First line and number of lines of both sides, and the text after the second `@@`."""

    old_start: int
    old: int
    new_start: int
    new: int
    section: str

    def line(self) -> str:
        """The header as a line of a diff."""
        counts = f"@@ -{self.old_start},{self.old} +{self.new_start},{self.new} @@"
        return f"{counts} {self.section}" if self.section else counts


def hunk_header(line: str) -> HunkHeader | None:
    """The header that this line is, or None."""
    match = _HEADER.match(line)
    if match is None:
        return None
    old_start, old, new_start, new, section = match.groups()
    old_count, new_count = 1 if old is None else int(old), 1 if new is None else int(new)
    return HunkHeader(int(old_start), old_count, int(new_start), new_count, section)


def rows_end(lines: Sequence[str], at: int, header: HunkHeader) -> int | None:
    """The index after the announced rows, which begin at `at`; None when the counts do not fit.

    An empty line is a row of context whose only space was stripped.
    """
    old, new, size = header.old, header.new, len(lines)
    while old > 0 or new > 0:
        if at >= size:
            return None
        sign = lines[at][:1]
        if sign == "+":
            new -= 1
        elif sign == "-":
            old -= 1
        elif sign in (" ", ""):
            old, new = old - 1, new - 1
        elif not lines[at].startswith("\\ "):
            return None
        at += 1
    if old or new:
        return None
    return at + 1 if at < size and lines[at].startswith("\\ ") else at
