"""The values that a thread is read into: a patch as it was posted, and a revision of a series."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reviewer.mail.message import Message


class Origin(StrEnum):
    """Where the text of a patch was found."""

    MAIL = "mail"
    INLINE = "inline"  # a diff inside a reply
    ATTACHMENT = "attachment"
    COMMIT = "commit"  # what git format-patch or git show wrote


@dataclass(frozen=True, slots=True)
class Patch:
    """One patch as it was posted."""

    message_id: str
    subject: str  # whole, with its [PATCH ...] prefix
    author: str
    date: datetime | None
    position: int  # n of "n/m"; 1 when the subject has none
    of: int
    origin: Origin
    description: str  # the commit message: what stands above the diff
    diff: str  # what unidiff is given: from the first diff line to the signature
    diff_line: int  # the line of the mail body (or attachment) where `diff` begins, from 1
    flowed: bool = False  # the mailer says that it may have stuffed and wrapped lines
    message: Message | None = None  # the mail that it came in, which a reply answers


@dataclass(frozen=True, slots=True)
class Revision:
    """Patches posted together, in their order in the series."""

    label: str  # v2, v2.1, ...
    version: int
    message_id: str  # of the cover letter, else of the first patch
    subject: str  # of the cover letter, else of the first patch
    author: str
    date: datetime | None
    complete: bool  # every n of n/m is here
    patches: tuple[Patch, ...]
    cover: Message | None = None
    attestation: str | None = None
    answers: str | None = None  # of an inline or attached diff: label of the revision it answers
    reply: Message | None = None  # the mail around an inline or attached diff: it also says things


def is_complete(patches: Sequence[Patch]) -> bool:
    """Whether every n of n/m is among the patches; a patch 0/m more does no harm."""
    present = {patch.position for patch in patches}
    return present.issuperset(range(1, max(patch.of for patch in patches) + 1))
