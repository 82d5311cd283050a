"""One mail as a contribution to a series: what kind it is, and the patches that are in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING

from reviewer.mail import header
from reviewer.mail.grouping import embedded
from reviewer.mail.message import read
from reviewer.mail.revision import Origin, Patch
from reviewer.mail.subject import Subject, parse

if TYPE_CHECKING:
    from reviewer.mail.message import Attachment, Message

_FILE_NUMBER = re.compile(r"(?:v\d+-)?(\d{4})-")
_FILE_START = re.compile(r"^From [0-9a-f]{40,64} Mon Sep 17 00:00:00 2001$", re.MULTILINE)
_MOST_FILES = 200  # patches in one attachment
_REQUESTED_PULL = re.compile(r"^The following changes since commit [0-9a-f]{7,64}\b", re.MULTILINE)
_WHERE_TO_PULL = re.compile(
    r"^are available in the [Gg]it repository at|^for you to fetch changes up to", re.MULTILINE
)


class Kind(Enum):
    """What a mail is to a series."""

    PATCH = auto()
    COVER = auto()
    PULL = auto()
    TALK = auto()  # replies and whatever else was said, with or without a diff


@dataclass(frozen=True, slots=True)
class Posting:
    """A mail, its subject and its patches.

    `patches` are those that the mail is about. `asides` are sets of patches that came along:
    the diffs in a reply, attachments beside a patch.
    """

    message: Message
    subject: Subject
    kind: Kind
    patches: tuple[Patch, ...] = ()
    asides: tuple[tuple[Patch, ...], ...] = ()


def classify(message: Message, *, answers: bool) -> Posting:
    """What a mail is; `answers` says that the mail it answers is at hand.

    A mail without "Re:" is a reply too when it answers one and announces no patch.
    """
    subject = parse(message.subject)
    if _is_pull(message, subject):
        return Posting(message, subject, Kind.PULL)
    if subject.reply or (answers and not subject.patch):
        return Posting(message, subject, Kind.TALK, asides=_asides(message))
    found = embedded.find(message.body)
    body = _body_patch(message, subject, found) if found else None
    attached = _attached(message, body)
    if subject.position == 0 and (found is None or embedded.is_interdiff(found.above)):
        return Posting(message, subject, Kind.COVER, asides=_sets(attached))
    if body is not None and not _is_same_damaged(body, attached):
        return Posting(message, subject, Kind.PATCH, (body,), _sets(attached))
    if not attached:
        return Posting(message, subject, Kind.TALK)
    main, *others = _sets(attached)
    return Posting(message, subject, Kind.PATCH, _posted(main, message, subject), tuple(others))


def _is_pull(message: Message, subject: Subject) -> bool:
    """A cover letter may ask to pull as well: it is one as long as its patches are posted."""
    if subject.reply or subject.position == 0:
        return False
    asks = bool(_REQUESTED_PULL.search(message.body) and _WHERE_TO_PULL.search(message.body))
    return asks or (subject.pull and (not subject.position or not embedded.find(message.body)))


def is_pull_request(posting: Posting) -> bool:
    """Whether a cover letter of which no patches were posted asks to pull."""
    return posting.kind is Kind.PULL or (
        posting.kind is Kind.COVER
        and (posting.subject.pull or _REQUESTED_PULL.search(posting.message.body) is not None)
    )


def _body_patch(message: Message, subject: Subject, found: embedded.Embedded) -> Patch:
    """The patch in the body of a mail that posts one."""
    origin = Origin.MAIL if message.commit is None else Origin.COMMIT
    return _patch(message, message.subject, subject, found, embedded.preamble(found.above), origin)


def _patch(
    message: Message,
    title: str,
    named: Subject,
    found: embedded.Embedded,
    above: embedded.Preamble,
    origin: Origin,
) -> Patch:
    """A patch whose subject is `title`, in parts `named`."""
    return Patch(
        message_id=message.message_id,
        subject=title,
        author=header.author(above.author)[0] if above.author else message.author,
        date=message.date,
        position=1 if named.position is None else named.position,
        of=max(named.of or 1, 1),
        origin=origin,
        description=above.text,
        diff=found.diff,
        diff_line=found.line,
        flowed=message.flowed and origin is not Origin.ATTACHMENT,
        message=message,
    )


def _asides(message: Message) -> tuple[tuple[Patch, ...], ...]:
    """The diffs that a reply brings along, its own before the attached ones."""
    body = None
    found = embedded.find(message.body)
    if found is not None and not embedded.quotes_whole_mail(found.above):
        above = embedded.preamble(found.above, reply=True)
        title = above.subject or message.subject
        # Without a subject of its own a lone diff is 1/1, whatever it answers.
        body = _patch(message, title, parse(above.subject or ""), found, above, Origin.INLINE)
    sets = _sets(_attached(message, body))
    return ((body,), *sets) if body else sets


def _attached(message: Message, body: Patch | None) -> tuple[Patch, ...]:
    """The patches in the attachments, without copies of each other and of the one in the body."""
    if not message.attachments:
        return ()
    seen = {embedded.changes(body.diff)} if body else set()
    patches: list[Patch] = []
    for attachment in message.attachments:
        for patch in _in_attachment(message, attachment):
            changes = embedded.changes(patch.diff)
            if changes not in seen:
                seen.add(changes)
                patches.append(patch)
    return tuple(patches)


def _in_attachment(message: Message, attachment: Attachment) -> list[Patch]:
    """The patches of an attachment: one, or as many as git format-patch put in one file."""
    text = attachment.text
    if "+++ " not in text and "diff --git " not in text:
        return []
    starts = [match.start() for match in _FILE_START.finditer(text)][:_MOST_FILES]
    starts = starts if starts[:1] == [0] else [0]
    patches: list[Patch] = []
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        found = embedded.find(text[start:end])
        if found is not None:
            found = replace(found, line=found.line + text.count("\n", 0, start))
            patches.append(_file_patch(message, attachment.name or "", found))
    return patches


def _file_patch(message: Message, name: str, found: embedded.Embedded) -> Patch:
    """A patch file as it hangs on a mail; the headers in the file are believed over the mail's."""
    file = read(found.above.encode("utf-8", "replace"))
    above = embedded.preamble(file.body)
    title = above.subject or file.subject
    named = parse(title)
    patch = _patch(message, title or message.subject, named, found, above, Origin.ATTACHMENT)
    if above.author is None and file.author:
        patch = replace(patch, author=file.author)
    number = _FILE_NUMBER.match(name)
    if number and named.position is None and len(message.attachments) > 1:
        patch = replace(patch, position=int(number[1]))
    return patch


def _sets(patches: tuple[Patch, ...]) -> tuple[tuple[Patch, ...], ...]:
    """Patches with different numbers belong together; else each stands alone."""
    positions = {patch.position for patch in patches}
    if len(patches) > 1 and len(positions) == len(patches):
        of = max(*positions, *(patch.of for patch in patches))
        numbered = (replace(patch, of=of) for patch in patches)
        return (tuple(sorted(numbered, key=lambda patch: patch.position)),)
    return tuple((patch,) for patch in patches)


def _is_same_damaged(body: Patch, attached: tuple[Patch, ...]) -> bool:
    """Whether an attachment holds the patch of the body, which the mailer then has damaged."""
    paths = embedded.new_files(body.diff)
    return len(attached) == 1 and bool(paths) and embedded.new_files(attached[0].diff) == paths


def _posted(patches: tuple[Patch, ...], message: Message, subject: Subject) -> tuple[Patch, ...]:
    """The attached patches of a mail that posts them; a single one is described by its mail."""
    if len(patches) > 1:
        return patches
    patch = patches[0]
    if subject.position is not None:
        patch = replace(patch, position=subject.position, of=max(subject.of or 1, 1))
    if not patch.description:
        patch = replace(patch, description=embedded.preamble(message.body).text)
    return (patch,)
