"""Which postings were sent together: the mails of one revision of a series."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.mail.grouping.posting import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reviewer.mail.grouping.posting import Posting

# A mail's place in its series: "n" of n/m, and whether it is a patch: 0/m may be both a cover
# letter and, posted later, a patch that goes before the others.
_Place = tuple[int, bool]
_Part = dict[_Place, int]  # the mails of a series, or of a part of it, by place
_COVER: _Place = (0, False)

_DAY = 86_400.0  # seconds; parts of a series that no header joins are sent within one
_DIFFSTAT = re.compile(r"^ \d+ files? changed\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Exchange:
    """The mails of a thread, seen together; mails are named by their index in `postings`."""

    postings: Sequence[Posting]
    parents: Sequence[int | None]
    sent: Sequence[float]  # seconds since 1970, never before the parent
    order: Sequence[int]  # by `sent`, each mail behind its parent


@dataclass(frozen=True, slots=True)
class Series:
    """The mails of one revision, by index."""

    version: int
    cover: int | None
    members: tuple[int, ...]  # the mails with patches, by their place in the series

    @property
    def first(self) -> int:
        """The mail that the revision is known by."""
        return self.members[0] if self.cover is None else self.cover


def collect(exchange: Exchange) -> list[Series]:
    """The series of a thread in the order they were sent. Linear in the number of mails.

    Mails that answer each other come together first; then the parts that a missing mail or a
    sender without threading left apart, when author, version and tree agree and no place in
    the series is taken twice. A cover letter without patches is no series.
    """
    parts = _joined(exchange, _linked(exchange))
    free = {part[_COVER] for part in parts if part.keys() == {_COVER}}
    found = [_series(exchange, part, free) for part in parts if part.keys() != {_COVER}]
    rank = {index: place for place, index in enumerate(exchange.order)}
    return sorted(found, key=lambda series: rank[series.first])


def _linked(exchange: Exchange) -> list[_Part]:
    """Parts of series that hang together by replies; a place taken twice begins a new part."""
    parts: list[_Part] = []
    homes: dict[int, _Part] = {}
    latest: dict[int, _Part] = {}  # by the first mail of the first part
    anchors: dict[int, int] = {}
    for index in exchange.order:
        posting = exchange.postings[index]
        if posting.kind not in (Kind.PATCH, Kind.COVER):
            continue
        parent = exchange.parents[index]
        place = _place(posting)
        anchors[index] = index
        home: _Part | None = None
        if parent in homes and _continues(posting, exchange.postings[parent]):
            anchors[index] = anchors[parent]
            near = (homes[parent], latest[anchors[parent]])
            home = next((part for part in near if place not in part), None)
        if home is None:
            home = latest[anchors[index]] = {}
            parts.append(home)
        home[place] = index
        homes[index] = home
    return parts


def _place(posting: Posting) -> _Place:
    position = posting.subject.position
    return (1 if position is None else position, posting.kind is Kind.PATCH)


def _continues(posting: Posting, parent: Posting) -> bool:
    """Whether a patch that answers another, or a cover letter, belongs to the same series."""
    mine, theirs = posting.subject, parent.subject
    if theirs.position is None or mine.version not in (None, theirs.version):
        return False
    single = mine.position is None and parent.kind is Kind.COVER and theirs.of == 1
    return single or (mine.position is not None and mine.of == theirs.of)


def _joined(exchange: Exchange, parts: list[_Part]) -> list[_Part]:
    """Join parts by their headings; each is tried with the latest part of the same heading."""
    origins = roots(exchange)
    joined: list[_Part] = []
    latest: dict[tuple[object, str], tuple[_Part, int]] = {}
    for part in parts:
        index = next(iter(part.values()))
        heading = _heading(exchange.postings[index])
        hooks = list(_hooks(exchange, index, origins)) if heading else []
        host = _host(exchange, part, index, [latest.get((heading, hook)) for hook in hooks])
        if host is None:
            joined.append(part)
        else:
            host.update(part)
        latest.update({(heading, hook): (host or part, index) for hook in hooks})
    return joined


def _heading(posting: Posting) -> object:
    """What mails of one series have in common; None for a patch without n/m."""
    subject = posting.subject
    if subject.position is None:
        return None
    # Files of git format-patch are sent by nobody: their authors may differ.
    sender = "" if posting.message.commit else posting.message.address.lower()
    return (sender, subject.version, subject.of, subject.trees, subject.resend)


def _hooks(exchange: Exchange, index: int, origins: Sequence[str]) -> Iterator[str]:
    """Under which names other parts may find this one: its thread, or that it has none."""
    yield origins[index]
    message = exchange.postings[index].message
    if message.in_reply_to is None and not message.references:
        yield ""


def roots(exchange: Exchange) -> list[str]:
    """For each mail the Message-ID that its thread began with, as far as headers tell."""
    found = [""] * len(exchange.postings)
    for index in exchange.order:
        parent = exchange.parents[index]
        message = exchange.postings[index].message
        if parent is not None:
            found[index] = found[parent]
        else:
            found[index] = next(iter(message.references), message.in_reply_to or message.message_id)
    return found


def _host(
    exchange: Exchange,
    part: _Part,
    index: int,
    candidates: Sequence[tuple[_Part, int] | None],
) -> _Part | None:
    """The part that this one completes, if any of the candidates has room and is near in time."""
    for candidate in candidates:
        if candidate is None or not candidate[0].keys().isdisjoint(part):
            continue
        apart = abs(exchange.sent[index] - exchange.sent[candidate[1]])
        if apart <= _DAY or exchange.postings[index].message.commit:
            return candidate[0]
    return None


def _series(exchange: Exchange, part: _Part, free: set[int]) -> Series:
    cover = part.get(_COVER)
    places = sorted(place for place in part if place != _COVER)
    if cover is None and len(places) > 1 and places[0] == (0, True):
        # A diff in the cover letter sums up the patches that follow.
        cover = part[places.pop(0)]
    members = tuple(part[place] for place in places)
    versions = [exchange.postings[index].subject.version for index in part.values()]
    explicit = next((version for version in versions if version), None)
    if cover is None:
        cover = _adopted(exchange, members[0], explicit, free)
    if explicit is None and cover is not None:
        explicit = exchange.postings[cover].subject.version
    return Series(explicit or 1, cover, members)


def _adopted(exchange: Exchange, first: int, version: int | None, free: set[int]) -> int | None:
    """The mail above a series that introduces it without saying 0/m of the same m.

    `free` are the cover letters without patches; one that is taken is removed.
    """
    index = exchange.parents[first]
    if index is None or exchange.postings[first].subject.position is None:
        return None
    mine, theirs = exchange.postings[first], exchange.postings[index]
    introduces = index in free or _introduces(theirs)
    same = mine.message.address.lower() == theirs.message.address.lower()
    near = exchange.sent[first] - exchange.sent[index] <= _DAY
    versions = {version, theirs.subject.version} - {None}
    if not (introduces and same and near and len(versions) < 2):
        return None
    free.discard(index)
    return index


def _introduces(posting: Posting) -> bool:
    """Whether a mail without diff and without 0/m reads like a cover letter."""
    return (
        posting.kind is Kind.TALK
        and not posting.subject.reply
        and not posting.asides
        and (posting.subject.patch or _DIFFSTAT.search(posting.message.body) is not None)
    )
