"""The values that travel through the whole tool: findings and how sure they are. No behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Severity(IntEnum):
    """How bad it is if true. Ordered, so that a threshold compares."""

    NOTE = 0
    WARNING = 1
    ERROR = 2


class Confidence(IntEnum):
    """How sure the rule is. Hunches are not shown unless asked for."""

    HUNCH = 0
    LIKELY = 1
    CERTAIN = 2


class Safety(StrEnum):
    """What may be done with a fix: apply, apply if asked, or only read."""

    SAFE = "safe"
    SUGGEST = "suggest"
    SKETCH = "sketch"


class Side(StrEnum):
    """The text before the patch (old) or after it (new)."""

    OLD = "old"
    NEW = "new"


class Status(StrEnum):
    """What the patch did with a finding."""

    INTRODUCED = "introduced"
    PREEXISTING = "preexisting"
    FIXED = "fixed"


class Context(StrEnum):
    """How much of a file was visible."""

    BLOB = "blob"  # the whole file, before and after
    HUNKS = "hunks"  # only what the mail shows
    NONE = "none"  # not C, or not readable


@dataclass(frozen=True, slots=True)
class Span:
    """A place in one side of a file; lines count from 1 as the hunk header counts them."""

    path: str
    line: int
    last: int
    side: Side
    code: str  # the text of `line`, without the diff sign


@dataclass(frozen=True, slots=True)
class Evidence:
    """Other code that makes a finding true, and why it does."""

    span: Span
    note: str


@dataclass(frozen=True, slots=True)
class Fix:
    """What to do instead; `title` is a verb phrase."""

    title: str
    safety: Safety = Safety.SKETCH
    diff: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule says about one place. The engine adds the rest."""

    span: Span
    message: str
    function: str | None = None
    evidence: tuple[Evidence, ...] = ()
    fix: Fix | None = None
    severity: Severity | None = None  # None: as the rule says
    confidence: Confidence | None = None  # None: as the rule says


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be done, and where. Never a finding about the code."""

    where: str
    what: str
