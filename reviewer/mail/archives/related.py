"""Which mails that a search found are other revisions of a series that is already here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING

from reviewer.mail import subject as subjects

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reviewer.mail.message import Message

# Authors reuse titles; b4 looks back as far.
_BACK = timedelta(days=365)
# Enough to survive the renaming of some patches, short enough for any server's request line.
_MOST_TITLES = 6
_LONGEST_TITLE = 120
_CHANGE_ID = re.compile(r"^change-id:\s+(\S+)", re.IGNORECASE | re.MULTILINE)
_WORDS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Posting:
    """A patch or cover letter as far as it matters for finding its series again."""

    message_id: str
    title: str  # without the [PATCH ...] prefix, spaces folded
    version: int
    cover: bool
    address: str
    day: date | None
    change_id: str | None

    @property
    def key(self) -> str:
        """The title as two revisions are compared by it."""
        return self.title.casefold()


def postings(messages: Sequence[Message]) -> list[Posting]:
    """The patches and cover letters among `messages`, in their order.

    A patch whose subject has no version has that of the mail it answers (its cover letter).
    """
    versions: dict[str, int] = {}
    parsed = [(message, subjects.parse(message.subject)) for message in messages]
    for message, subject in parsed:
        if subject.version is not None and not subject.reply:
            versions[message.message_id] = subject.version
    return [
        Posting(
            message.message_id,
            _WORDS.sub(" ", subject.title).strip(),
            subject.version or versions.get(message.in_reply_to or "", 1),
            subject.position == 0,
            message.address.lower(),
            message.date.astimezone(UTC).date() if message.date else None,
            _change_id(message.body),
        )
        for message, subject in parsed
        if not subject.reply and not subject.pull and subject.patch
    ]


def _change_id(body: str) -> str | None:
    found = _CHANGE_ID.search(body)
    return found.group(1) if found else None


def series_of(message_id: str, posted: Sequence[Posting]) -> list[Posting]:
    """What the author of the asked message posted in its thread.

    When the asked message is no patch (a review, say), the author is that of the first patch.
    """
    if not posted:
        return []
    asked = next((p for p in posted if p.message_id == message_id), posted[0])
    return [p for p in posted if p.address == asked.address]


def query(ours: Sequence[Posting]) -> str | None:
    """The public-inbox search for the other revisions of `ours`; None when it has no title.

    Patches come before the cover letter, whose title is the one that changes.
    """
    ordered = sorted(ours, key=lambda posting: posting.cover)
    titles = list(dict.fromkeys(_quotable(posting.title) for posting in ordered))
    titles = [title for title in titles if title][:_MOST_TITLES]
    if not titles or not re.fullmatch(r"[^\s\"()]+@[^\s\"()]+", ours[0].address):
        return None
    terms = " OR ".join(f's:"{title}"' for title in titles)
    days = [posting.day for posting in ours if posting.day]
    since = f" AND d:{_back(min(days)):%Y%m%d}.." if days else ""
    return f"({terms}) AND f:{ours[0].address}{since}"


def _quotable(title: str) -> str:
    words = " ".join(title.replace('"', " ").split())[: _LONGEST_TITLE + 1]
    if len(words) > _LONGEST_TITLE:
        words = words.rpartition(" ")[0]
    return words.strip()


def _back(day: date) -> date:
    return day - _BACK if day.year > 1 else day


def other_revisions(ours: Sequence[Posting], found: Iterable[Posting]) -> list[Posting]:
    """Those of `found` that belong to another version of the series `ours`, newest first.

    They have the title of one of ours (or its change-id), its author, and a version that we
    have not.
    """
    have = {posting.message_id for posting in ours}
    versions = {posting.version for posting in ours}
    titles = {posting.key for posting in ours}
    changes = {posting.change_id for posting in ours} - {None}
    others = [
        posting
        for posting in found
        if posting.message_id not in have
        and posting.version not in versions
        and (posting.change_id in changes or posting.key in titles)
        and posting.address == ours[0].address
    ]
    return sorted(others, key=lambda posting: -posting.version)
