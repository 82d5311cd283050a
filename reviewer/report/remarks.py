"""What people said, for the terminal: under the line that it is about, or above the diff."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reviewer.mail.comment import Outcome, Scope
from reviewer.report.printer import GUTTER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.discussion.talk import Discussion
    from reviewer.mail.comment import ReviewComment
    from reviewer.report.printer import Printer

MOST_CHARACTERS = 500
"""Of a comment that are shown; nobody reads a page under a line of code."""

_BLANK = re.compile(r"\n\s*\n")
_OPENERS = ("(", '"', "'", "`", "&")

OUTCOME = {Outcome.ADDRESSED: "green", Outcome.OPEN: "bold red", Outcome.UNKNOWN: "dim"}
SCOPE = {
    Scope.MESSAGE: " on the commit message",
    Scope.STAT: " on the diffstat",
    Scope.COVER: " on the cover letter",
    Scope.FILE: " on the file",
    Scope.HUNK: " on the hunk",
}


class Which(StrEnum):
    """Which comments are shown."""

    ALL = "all"
    OPEN = "open"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Remarks:
    """The comments that are to be shown."""

    discussion: Discussion
    which: Which = Which.ALL

    def of(self, patch: str) -> list[ReviewComment]:
        """The comments on a patch, or on a cover letter, by its message-id."""
        comments = self.discussion.by_patch.get(patch, ())
        return [each for each in comments if self._shows(each)]

    def _shows(self, comment: ReviewComment) -> bool:
        if self.which is Which.NONE or comment.bot:
            return False
        is_open = comment.wants and self.discussion.verdict(comment).outcome is Outcome.OPEN
        return self.which is Which.ALL or is_open

    def print(self, printer: Printer, comment: ReviewComment, indent: int = GUTTER) -> None:
        """Who said it, when, what became of it, and the words."""
        date = f", {comment.date:%Y-%m-%d}" if comment.date else ""
        where = "" if comment.anchor.line else SCOPE.get(comment.anchor.scope, "")
        outcome = self._outcome(comment)
        printer.barred((comment.author, "bold blue"), f"{date}{where}", *outcome, indent=indent)
        for line in shortened(comment.text):
            printer.barred(line, indent=indent, hanging=2)

    def _outcome(self, comment: ReviewComment) -> list[str | tuple[str, str]]:
        if comment.by_author:
            return [" (the author)"]
        if not comment.wants:
            return [f" ({comment.kind.value})"]
        verdict = self.discussion.verdict(comment)
        where = f" in {verdict.revision}" if verdict.revision else ""
        why = f": {', '.join(verdict.evidence)}" if verdict.evidence else ""
        words = f"{verdict.outcome.value}{where}" if verdict.outcome is not Outcome.UNKNOWN else ""
        if not words:
            return [f" ({comment.kind.value})"]
        return [f" ({comment.kind.value}, ", (words, OUTCOME[verdict.outcome]), f"{why})"]


def shortened(text: str) -> list[str]:
    """The first paragraphs of a comment, prose in one line each; `[...]` stands for the rest."""
    shown: list[str] = []
    room = MOST_CHARACTERS
    for paragraph in _paragraphs(text):
        if room <= 0:
            return [*shown, "[...]"]
        for line in paragraph:
            shown.append(line if len(line) <= room else line[:room].rstrip() + " [...]")
            room -= len(line)
            if room <= 0:
                break
    return shown


def _paragraphs(text: str) -> Iterator[list[str]]:
    """Code, lists and quotes line by line; prose as one line, to be wrapped anew."""
    for block in _BLANK.split(text.strip()):
        lines = [line.rstrip() for line in block.split("\n")]
        prose = all((line and line[0].isalnum()) or line.startswith(_OPENERS) for line in lines)
        yield [" ".join(lines)] if prose else lines
