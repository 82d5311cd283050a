"""Who answers what in a thread: for each reply the mails above it, and what they show."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from reviewer.mail import subject
from reviewer.mail.grouping import ancestry
from reviewer.mail.quoting import document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reviewer.diff.patch import FileDiff
    from reviewer.mail.message import Message
    from reviewer.mail.quoting.document import Document
    from reviewer.mail.revision import Patch, Revision
    from reviewer.mail.thread import Thread

    Kin = Callable[[], list[Document]]

_FURTHEST = 60  # mails above a reply that it may quote
_MOST_DIFFS = 6  # diffs in replies above it
_MOST_KIN = 40  # patches of a series that are searched for a stray quote
_NO_LETTER = re.compile(r"\W+")


@dataclass(frozen=True, slots=True)
class Reply:
    """A mail that says something about a patch of the thread."""

    message: Message
    above: tuple[str, ...]  # message-ids, the mail that it answers first, up to a posted patch
    documents: tuple[Document, ...]  # of those mails that have one
    kin: Kin  # the other patches of the series, made when asked for


@dataclass(frozen=True, slots=True)
class _Posted:
    """Everything that replies can be about, by message-id."""

    patches: Mapping[str, tuple[Patch, ...]]
    covers: Mapping[str, Message]
    asides: frozenset[str]  # replies that bring a diff along
    series: Mapping[str, tuple[str, ...]]  # all mails of the revision
    titles: Mapping[tuple[str, int], str]


def replies(thread: Thread, files: Mapping[str, tuple[FileDiff, ...]]) -> list[Reply]:
    """The replies to patches and cover letters, each behind the ones that it answers.

    A reply whose thread is broken is put below the patch of the same title. `files` are the
    parsed files by message-id of a patch mail.
    """
    posted = _posted(thread)

    @cache
    def find(message_id: str) -> Document | None:
        if message_id in posted.patches:
            fresh = message_id not in posted.asides
            diffs = files.get(message_id, ())
            return document.of_patches(posted.patches[message_id], diffs, fresh)
        cover = posted.covers.get(message_id)
        return None if cover is None else document.of_cover(cover)

    messages = _messages(thread)
    parents = _parents(messages, posted)
    sent = ancestry.sent(messages, parents)
    asked = {message.message_id for message in _talk(thread)} - posted.covers.keys()
    found: list[Reply] = []
    above = _all_above(messages, parents, find)
    for index in sorted(ancestry.parents_first(parents), key=sent.__getitem__):
        ids, documents = above[index].ids, above[index].documents
        if messages[index].message_id in asked and documents:
            kin = _kin(documents[-1], posted, find)
            found.append(Reply(messages[index], ids, documents, kin))
    return found


def _posted(thread: Thread) -> _Posted:
    patches: dict[str, tuple[Patch, ...]] = {}
    covers: dict[str, Message] = {}
    series: dict[str, tuple[str, ...]] = {}
    titles: dict[tuple[str, int], str] = {}
    for revision in thread.revisions:
        ids = tuple(dict.fromkeys(patch.message_id for patch in revision.patches))
        if revision.cover is not None:
            covers[revision.cover.message_id] = revision.cover
        for patch in revision.patches:
            patches[patch.message_id] = (*patches.get(patch.message_id, ()), patch)
        for message_id in (revision.message_id, *ids):
            series.setdefault(message_id, ids)
        if revision.reply is None:
            titles.update(_titles(revision))
    asides = frozenset(r.reply.message_id for r in thread.revisions if r.reply is not None)
    for message in thread.replies:  # a cover letter whose patches are not here
        parsed = subject.parse(message.subject)
        if parsed.position == 0 and not parsed.reply:
            covers.setdefault(message.message_id, message)
    return _Posted(patches, covers, asides, series, titles)


def _titles(revision: Revision) -> dict[tuple[str, int], str]:
    named = [(patch.subject, patch.message_id) for patch in revision.patches]
    if revision.cover is not None:
        named.append((revision.cover.subject, revision.cover.message_id))
    return {(_title(text)[0], revision.version): message_id for text, message_id in named}


def _title(text: str) -> tuple[str, int]:
    parsed = subject.parse(text)
    return _NO_LETTER.sub("", parsed.title.lower()), parsed.version or 1


def _messages(thread: Thread) -> list[Message]:
    """All mails of a thread, each once."""
    found: dict[str, Message] = {}
    for revision in thread.revisions:
        of_patches = [patch.message for patch in revision.patches]
        for message in (revision.cover, *of_patches, revision.reply):
            if message is not None:
                found.setdefault(message.message_id, message)
    for message in thread.replies:
        found.setdefault(message.message_id, message)
    return list(found.values())


def _talk(thread: Thread) -> list[Message]:
    """The mails in which somebody speaks; a cover letter is spoken about."""
    asides = [revision.reply for revision in thread.revisions if revision.reply is not None]
    return [*thread.replies, *asides]


def _parents(messages: Sequence[Message], posted: _Posted) -> list[int | None]:
    """The mail that each answers, by headers, else by subject."""
    found = ancestry.parents(messages)
    places = {message.message_id: index for index, message in enumerate(messages)}
    for index, message in enumerate(messages):
        if found[index] is None and message.message_id not in posted.patches:
            named = posted.titles.get(_title(message.subject), "")
            place = places.get(named, index)
            found[index] = None if place == index else place
    return found


@dataclass(frozen=True, slots=True)
class _Above:
    """What stands above a mail: message-ids and documents, nearest first."""

    ids: tuple[str, ...] = ()
    documents: tuple[Document, ...] = ()


def _all_above(
    messages: Sequence[Message],
    parents: Sequence[int | None],
    find: Callable[[str], Document | None],
) -> list[_Above]:
    """For each mail what stands above it, up to the patch that was posted as a mail."""
    found = [_Above()] * len(messages)
    for index in ancestry.parents_first(parents):
        parent = parents[index]
        if parent is None:
            continue
        message_id = messages[parent].message_id
        shown = find(message_id)
        if shown is not None and shown.posted:
            found[index] = _Above((message_id,), (shown,))
            continue
        further = found[parent]
        documents = further.documents
        if shown is not None:
            documents = (shown, *documents[: _MOST_DIFFS - 1], *documents[_MOST_DIFFS - 1 :][-1:])
        found[index] = _Above((message_id, *further.ids[: _FURTHEST - 1]), documents)
    return found


def _kin(document: Document, posted: _Posted, find: Callable[[str], Document | None]) -> Kin:
    def kin() -> list[Document]:
        ids = posted.series.get(document.message_id, ())
        others = [each for each in ids if each != document.message_id][:_MOST_KIN]
        return [each for each in map(find, others) if each is not None]

    return kin
