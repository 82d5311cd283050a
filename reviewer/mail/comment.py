"""What a person said about a place of a patch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reviewer.model import Side

if TYPE_CHECKING:
    from datetime import datetime


class Kind(StrEnum):
    """What a comment does."""

    OBJECTION = "objection"
    QUESTION = "question"
    SUGGESTION = "suggestion"
    NIT = "nit"
    AGREEMENT = "agreement"
    PROCESS = "process"  # Fixes: tags, splitting, rebasing, "applied"
    REMARK = "remark"
    THANKS = "thanks"


class Scope(StrEnum):
    """What a comment is about."""

    LINE = "line"
    HUNK = "hunk"
    FILE = "file"
    MESSAGE = "message"  # the commit message
    STAT = "stat"  # the diffstat
    COVER = "cover"  # the cover letter
    PATCH = "patch"  # the patch as a whole; also what could not be anchored


class Outcome(StrEnum):
    """What the next revisions did with a comment."""

    ADDRESSED = "addressed"
    OPEN = "open"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Anchor:
    """The place of a comment in the patch that it answers.

    `line` on `side` is the line that it is about; `new` and `old` are the first and last line
    number, on each side, of all that was quoted for it: match by these, show by `line`.
    """

    scope: Scope
    path: str | None = None
    line: int | None = None
    side: Side = Side.NEW
    code: str | None = None  # the text of `line`, without the diff sign
    last: int | None = None  # the last quoted line, on `last_side`: the comment stood under it
    last_side: Side = Side.NEW
    new: tuple[int, int] | None = None
    old: tuple[int, int] | None = None
    guess: bool = False  # other places of the patch would fit as well
    function: str | None = None  # it stood below the end of this one: it may be about all of it

    def holds(self, path: str, line: int, side: Side) -> bool:
        """Whether that line is among what was quoted for the comment."""
        lines = self.new if side is Side.NEW else self.old
        return path == self.path and lines is not None and lines[0] <= line <= lines[1]


WHOLE_PATCH = Anchor(Scope.PATCH)


@dataclass(frozen=True, slots=True)
class ReviewComment:
    """One remark of a reply: the unquoted text under a run of quoted lines."""

    id: str  # "<message-id>#1", counted from 1 in the mail
    message_id: str
    author: str
    address: str
    date: datetime | None
    patch: str  # message-id of the patch, or of the cover letter, that it answers
    text: str  # as written, without trailers, greeting and signature
    anchor: Anchor
    kind: Kind = Kind.REMARK
    topics: tuple[str, ...] = ()  # families of the rules, the first one counts most
    answers: str | None = None  # id of the comment that it answers, in a dialogue
    by_author: bool = False  # the author of the patch says it
    bot: bool = False

    @property
    def wants(self) -> bool:
        """Whether it asks for something to change or to be explained."""
        return self.kind not in (Kind.AGREEMENT, Kind.THANKS) and not self.by_author
