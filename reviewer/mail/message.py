"""One mail: headers and text, decoded once and for all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.mail import header, mime
from reviewer.mail.transfer import decode

if TYPE_CHECKING:
    from datetime import datetime

# The first line of each file that git format-patch writes, with this very date.
_FORMATTED = re.compile(rb"From ([0-9a-f]{40,64}) Mon Sep 17 00:00:00 2001\n")
# What `git show` and `git log -p` print above a diff.
_SHOWN = re.compile(r"commit ([0-9a-f]{40,64})\b.*\n(?:[A-Z][A-Za-z]*:.*\n){0,9}\n {4}(\S.*)\n")
_SHOWN_AUTHOR = re.compile(r"^Author: *(.*)$", re.MULTILINE)
_MADE = "@local"  # the domain of ids that are made here


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
    html: str = ""  # the markup of a mail that is HTML only
    attestation: str | None = None  # one line, as b4 reports it
    commit: str | None = None  # the hash that git format-patch or git show put on its first line
    to: tuple[str, ...] = ()  # "Name <address>", decoded; bare addresses where there is no name
    cc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    automatic: bool = False  # a header says that a program sent it

    @property
    def has_own_id(self) -> bool:
        """Whether the mail came with a Message-ID, which others know it by."""
        return not self.message_id.endswith(_MADE)


def read(raw: bytes) -> Message:
    """A mail, a file of git format-patch or a bare diff as a message. Never raises.

    A text without Message-ID gets an id made from its bytes, so that equal texts are one mail.
    """
    data = raw.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
        data = data.replace(b"\r", b"" if b"\n" in data else b"\n")
    data = data.replace(b"\0", b"")
    block, body = header.split_block(data)
    if not block:
        return _bare(raw, data)
    fields = header.fields(block)
    ids = header.message_ids(fields.get("message-id", ""))
    author, address = header.author(fields.get("from", ""))
    parts = mime.parts(fields, body)
    shown = _body(parts)
    formatted = _FORMATTED.match(data)
    return Message(
        message_id=ids[0] if ids else fields.get("message-id", "") or _made_id(raw),
        subject=" ".join(header.decode_words(fields.get("subject", "")).split()),
        author=author,
        address=address,
        date=header.date(fields["date"]) if "date" in fields else None,
        in_reply_to=next(iter(header.message_ids(fields.get("in-reply-to", ""))), None),
        references=header.message_ids(fields.get("references", "")),
        body=shown.text if shown else "",
        attachments=_attachments(parts, shown),
        flowed=shown is not None and shown.flowed,
        html_only=shown is None and any(part.content_type == "text/html" for part in parts),
        html="" if shown else next((part.html for part in parts if part.html), ""),
        commit=formatted[1].decode("ascii") if formatted else None,
        to=header.recipients(fields.get("to", "")),
        cc=header.recipients(fields.get("cc", "")),
        reply_to=header.recipients(fields.get("reply-to", "")),
        automatic=_is_automatic(fields),
    )


def _is_automatic(fields: dict[str, str]) -> bool:
    """RFC 3834, and the bot of patchwork."""
    submitted = fields.get("auto-submitted", "no").lower()
    return submitted.startswith("auto-") or "x-patchwork-bot" in fields


def _body(parts: list[mime.Part]) -> mime.Part | None:
    """The part to read first: text without a file name, then text with one, then any text."""
    shown = [part for part in parts if not part.attached and part.content_type == "text/plain"]
    unnamed = [part for part in shown if part.name is None]
    if unnamed or shown:
        return (unnamed or shown)[0]
    single = parts[0] if len(parts) == 1 else None
    return single if single and single.content_type != "text/html" else None


def _attachments(parts: list[mime.Part], shown: mime.Part | None) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(part.name, part.content_type, part.text)
        for part in parts
        if part is not shown and part.text
    )


def _bare(raw: bytes, data: bytes) -> Message:
    """A text without headers: the diff alone, or what git show prints."""
    text = mime.clean(decode(data))
    shown = _SHOWN.match(text)
    author = _SHOWN_AUTHOR.search(text, 0, shown.end()) if shown else None
    name, address = header.author(author[1]) if author else ("", "")
    return Message(
        message_id=_made_id(raw),
        subject=shown[2] if shown else "",
        author=name,
        address=address,
        date=None,
        in_reply_to=None,
        references=(),
        body=text,
        commit=shown[1] if shown else None,
    )


def _made_id(raw: bytes) -> str:
    from hashlib import sha1  # most mails have an id

    return sha1(raw, usedforsecurity=False).hexdigest() + _MADE
