"""What is asked of a mail archive, and what comes back. Nothing is asked here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.errors import TargetError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from reviewer.model import Problem

# Pages of one message or thread in public-inbox, see PublicInbox::WWW.
_PAGES = frozenset({"T", "t", "R", "raw", "t.mbox.gz", "t.mbox", "t.atom", "d", "s"})
# These name a message but are no archive: they redirect, or show it in their own form.
_REDIRECTORS = re.compile(r"(?:.*\.)?msgid\.link|lkml\.kernel\.org|patchwork\..*")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_PREFIX = re.compile(r"(?:message-id:|(?:rfc822)?msgid:|mid:|id:)\s*", re.IGNORECASE)
_ID = re.compile(r"[^\s<>\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Place:
    """A message of an archive.

    `base` is the list's address without a slash at the end, as in `https://host/list`; None
    means the archive that b4 is set up to ask.
    """

    message_id: str
    base: str | None = None


@dataclass(frozen=True, slots=True)
class RawMail:
    """A mail as it was received, and what b4 says about its signatures (patches only)."""

    raw: bytes
    attestation: str | None = None


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The mails of a thread, those of the other revisions after them."""

    mails: tuple[RawMail, ...]
    problems: tuple[Problem, ...] = ()


def is_url(target: str) -> bool:
    """Whether the text has the form of a URL of any scheme."""
    return _SCHEME.match(target.strip()) is not None


def is_message_id(target: str) -> bool:
    """Whether the text has the form of a message-id.

    The `@` may be missing only inside `<>`. What git would read as a reflog (`x@{1}`) or as a
    range (`me@work..topic`) is none.
    """
    text = _PREFIX.sub("", target.strip(), count=1)
    if text.startswith("<") and text.endswith(">"):
        return _ID.fullmatch(text[1:-1]) is not None
    local, at, domain = text.rpartition("@")
    if not (local and at and domain) or "@{" in text or ".." in domain:
        return False
    return _ID.fullmatch(text) is not None


def locate(target: str) -> Place:
    """The message that a message-id (with or without `<>`) or a URL means.

    Raises TargetError for a URL that names no message or is not http.
    """
    text = target.strip()
    if not is_url(text):
        return Place(_PREFIX.sub("", text, count=1).strip().strip("<>"))
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").lower()
        _ = parts.port  # raises for a port that is no number
    except ValueError as error:
        raise TargetError(f"{target}: not a URL: {error}") from None
    if parts.scheme.lower() not in ("http", "https") or not host:
        raise TargetError(f"{target}: archives are asked by http or https only")
    return _place(target, parts, host)


def _place(target: str, parts: SplitResult, host: str) -> Place:
    from urllib.parse import unquote

    segments = [segment for segment in parts.path.split("/") if segment]
    while segments and segments[-1] in _PAGES:
        segments.pop()
    at = next((n for n, segment in enumerate(segments) if "@" in unquote(segment)), None)
    if at is None and len(segments) >= 2:
        at = len(segments) - 1
    message_id = "" if at is None else unquote(segments[at]).strip("<>")
    if at is None or not _ID.fullmatch(message_id):
        raise TargetError(
            f"{target}: this URL names a list or a site, not a message; "
            "wanted something like https://lore.kernel.org/all/MESSAGE-ID/"
        )
    return Place(message_id, _base(parts, host, segments[:at]))


def _base(parts: SplitResult, host: str, segments: list[str]) -> str | None:
    if _REDIRECTORS.fullmatch(host):
        return None
    if host == "lore.kernel.org":
        segments = ["all"]  # there, every list is also in /all/, so revisions on others are seen
    return "/".join([f"{parts.scheme.lower()}://{parts.netloc}", *segments])
