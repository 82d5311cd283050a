"""Paragraphs and code lines on a console, with everything that comes from a mail made safe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from reviewer.report.plain import plain
from reviewer.report.syntax import highlighted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

Part = str | tuple[str, str]
"""Text, or text and the style it is printed in."""

GUTTER = 8
"""Columns before the code of a line: its number, a blank, and the sign."""

_NARROWEST = 20

SIGN = {"+": "green", "-": "red", " ": ""}


@dataclass(frozen=True, slots=True)
class Printer:
    """Where the report goes."""

    console: Console

    def blank(self) -> None:
        """An empty line."""
        self.console.print()

    def line(self, *parts: Part, indent: int = 0) -> None:
        """One paragraph, wrapped at the width and indented as a whole."""
        self._wrapped(parts, Text(" " * indent))

    def barred(self, *parts: Part, indent: int = 0, hanging: int = 0) -> None:
        """One paragraph behind a bar: what a person said, not the tool."""
        self._wrapped(parts, Text.assemble(" " * indent, ("| ", "blue"), " " * hanging))

    def code(self, code: str, number: int | None, sign: str, tab: int = 8) -> None:
        """One line of a hunk. Too long for the terminal, it goes on in the next row."""
        shown = plain(code).expandtabs(tab).rstrip()
        text = highlighted(shown) if self.console.color_system else Text(shown)
        label = "" if number is None else str(number)
        gutter = Text.assemble((f"{label:>{GUTTER - 2}} ", "dim"), (sign, SIGN.get(sign, "")))
        rest = self.console.width - GUTTER
        fold = self.console.is_terminal and len(text) > rest > 0
        for number_of_row, row in enumerate(
            text.divide(range(rest, len(text), rest)) if fold else [text]
        ):
            start = gutter if number_of_row == 0 else Text(" " * GUTTER)
            self._out(start + row)

    def _wrapped(self, parts: Iterable[Part], start: Text) -> None:
        """A paragraph, each row of which begins with `start`."""
        text = Text()
        for part in parts:
            words, style = (part, "") if isinstance(part, str) else part
            text.append(plain(words), style)
        width = max(_NARROWEST, self.console.width - len(start))
        for row in text.wrap(self.console, width) or [Text()]:
            whole = start + row
            whole.rstrip()
            self._out(whole)

    def _out(self, text: Text) -> None:
        """One row as it is: rich must neither wrap it nor colour what looks like a number."""
        self.console.print(text, highlight=False, soft_wrap=True)


def count(number: int, singular: str, plural: str | None = None) -> str:
    """`1 patch`, `2 patches`."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"
