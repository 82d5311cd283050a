"""The text of an item while it is masked: edits of equal length, and the marks they leave."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from reviewer.c.unit import Mark

_PAREN = re.compile(r"[()]")
_REACH = 6000  # characters between a parenthesis and its partner


@dataclass(slots=True)
class Canvas:
    """`code` is what was read, `cells` what the grammar will read; offsets are the same in both."""

    text: str
    code: str
    cells: bytearray
    marks: list[Mark] = field(default_factory=list)
    budget: int = 200_000  # parentheses that may still be looked at

    def closing(self, opening: int) -> int:
        """Offset of the `)` that closes the `(` at `opening`; -1 when it is not near."""
        depth = 0
        if self.budget < 0:
            return -1
        for match in _PAREN.finditer(self.code, opening, opening + _REACH):
            self.budget -= 1
            depth += 1 if match.group() == "(" else -1
            if depth == 0:
                return match.start()
        return -1

    def put(self, start: int, end: int, new: str) -> None:
        """Write `new`, padded with blanks, over code that has no line break."""
        self.cells[start:end] = new.ljust(end - start).encode("ascii")

    def clear(self, start: int, end: int) -> None:
        """Blank a stretch, line breaks kept."""
        part = self.code[start:end]
        if "\n" in part:
            rows = [" " * len(row) for row in part.split("\n")]
            self.cells[start:end] = "\n".join(rows).encode("ascii")
        else:
            self.cells[start:end] = b" " * (end - start)

    def blank(self, start: int, end: int, name: str) -> None:
        """Blank a word and mark it."""
        self.clear(start, end)
        self.marks.append(Mark(start, end, name))

    def blank_call(self, start: int, opening: int, name: str) -> int:
        """Blank a word with its arguments and mark it; the offset after it, or -1."""
        end = self.closing(opening)
        if end < 0:
            return -1
        self.clear(start, end + 1)
        self.marks.append(Mark(start, end + 1, name, self.text[opening + 1 : end]))
        return end + 1
