"""One mail: headers and text, decoded once and for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Attachment:
    """A text part of a mail that is not its body."""

    name: str | None  # the file name that the mail gives
    content_type: str
    text: str


@dataclass(frozen=True, slots=True)
class Message:
    """A mail with its MIME structure decoded; all text has LF line ends.

    Message-IDs are without angle brackets. `body` is the first text/plain part that is
    shown inline (the whole mail, when it has only one part).
    """

    message_id: str
    subject: str  # unfolded, decoded
    author: str  # display name, or the address when there is none
    address: str
    date: datetime | None  # aware; None when missing or unreadable
    in_reply_to: str | None
    references: tuple[str, ...]
    body: str
    attachments: tuple[Attachment, ...] = ()
    flowed: bool = False  # Content-Type says format=flowed
    html_only: bool = False
    attestation: str | None = None  # one line, as b4 reports it
