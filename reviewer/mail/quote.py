"""What people said about a patch, each remark at the lines that it is about.

A reply is split into quoted lines and its sender's own text. Each quoted line is looked up in
the patches above the reply and in what was said there; a comment belongs to what is quoted
between it and the comment before. What has no place is a comment on the patch as a whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reviewer.mail.comment import WHOLE_PATCH, Anchor, Kind, ReviewComment
from reviewer.mail.kinds import kind_of
from reviewer.mail.people import is_bot
from reviewer.mail.quoting import anchoring
from reviewer.mail.quoting.align import How, key
from reviewer.mail.quoting.blocks import Block, blocks
from reviewer.mail.quoting.conversation import replies
from reviewer.mail.quoting.document import Part, person
from reviewer.mail.quoting.placing import Spoken, holders, spots
from reviewer.mail.quoting.reply_text import Role, read
from reviewer.mail.topics import topics_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reviewer.diff.patch import FileDiff
    from reviewer.mail.quoting.conversation import Reply
    from reviewer.mail.quoting.document import Document
    from reviewer.mail.quoting.placing import Spot
    from reviewer.mail.quoting.reply_text import Line
    from reviewer.mail.thread import Thread

_UNSURE = (How.CUT, How.FUZZY, How.GUESS, How.UNSIGNED)
_VERSION = re.compile(r"--\s*|\d{1,3}(?:\.\d{1,4}){1,3}[\w.()+ -]{0,40}")
_SAME = re.compile(r"(?:ditto|same(?: here| thing| issue| problem| comment)?|likewise|here,? too"
                   r"|and (?:here|this|same here)|idem)\b.{0,40}", re.IGNORECASE)  # fmt: skip
_LONGEST_QUOTE_BELOW = 14
_CODE_ROWS = 8  # above the comment, that are looked at for its topic


@dataclass(frozen=True, slots=True)
class _Quoted:
    """A reply and where its lines come from."""

    reply: Reply
    lines: Sequence[Line]
    documents: Sequence[Document]
    spots: Sequence[Spot | None]
    said: Mapping[int, ReviewComment]  # by line: the comment that is quoted there
    earlier: Mapping[str, Sequence[ReviewComment]]  # of the mails above, by message-id


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a comment belongs."""

    anchor: Anchor
    patch: str
    code: str = ""
    answers: str | None = None


def review_comments(
    thread: Thread, files: Mapping[str, tuple[FileDiff, ...]]
) -> tuple[ReviewComment, ...]:
    """All comments of a thread in the order of its mails. Never raises.

    `files` are the files of each patch by its message-id, as they were parsed for the review;
    of several patches in one mail, the files of all of them.
    """
    found: dict[str, list[ReviewComment]] = {}
    spoken: dict[str, Spoken] = {}
    for reply in replies(thread, files):
        message_id = reply.message.message_id
        quoted = _quoted(reply, found, spoken)
        found[message_id] = list(_comments(quoted))
        spoken[message_id] = Spoken.of([comment.text for comment in found[message_id]])
    return tuple(comment for each in found.values() for comment in each)


def _quoted(
    reply: Reply,
    found: Mapping[str, Sequence[ReviewComment]],
    spoken: Mapping[str, Spoken],
) -> _Quoted:
    lines = read(reply.message)
    documents = reply.documents
    placed = spots(lines, documents)
    if kin := holders(lines, placed, reply.kin):
        documents = (*documents, *kin)
        placed = spots(lines, documents)
    above = [each for each in reply.above if each in spoken]
    said = _said(lines, placed, [(found[each], spoken[each]) for each in above])
    earlier = {each: found[each] for each in above}
    return _Quoted(reply, lines, documents, placed, said, earlier)


def _said(
    lines: Sequence[Line],
    placed: Sequence[Spot | None],
    earlier: Sequence[tuple[Sequence[ReviewComment], Spoken]],
) -> dict[int, ReviewComment]:
    """The quoted lines that are no lines of a patch but of a mail above."""
    found: dict[int, ReviewComment] = {}
    for at, (line, spot) in enumerate(zip(lines, placed, strict=True)):
        if line.role is not Role.QUOTED or (spot is not None and spot.how not in _UNSURE):
            continue
        quote = key(line.text)
        for comments, spoken in earlier if len(quote) > 1 else ():
            number = spoken.number(quote)
            if number is not None:
                found[at] = comments[number]
                break
    return found


def _comments(quoted: _Quoted) -> Iterator[ReviewComment]:
    message = quoted.reply.message
    known = [spot is not None or at in quoted.said for at, spot in enumerate(quoted.spots)]
    found = blocks(quoted.lines, known, message.author)
    own = "\n".join(block.text for block in found)
    bot = is_bot(message, own)
    authors = {each.message_id: each.authors for each in quoted.documents}
    me = {person(message.author), message.address.lower()} - {""}
    before: ReviewComment | None = None
    for number, block in enumerate(found, 1):
        place = _place(quoted, block, alone=len(found) == 1)
        comment = ReviewComment(
            id=f"{message.message_id}#{number}",
            message_id=message.message_id,
            author=message.author,
            address=message.address,
            date=message.date,
            patch=place.patch,
            text=block.text,
            anchor=place.anchor,
            answers=place.answers,
            by_author=bool(me & authors.get(place.patch, frozenset())),
            bot=bot,
        )
        before = _judged(comment, block, place.code, before)
        yield before


def _judged(
    comment: ReviewComment, block: Block, code: str, before: ReviewComment | None
) -> ReviewComment:
    """The comment with its kind and topics; "ditto" has those of the one before."""
    if before is not None and _SAME.fullmatch(comment.text.strip()):
        return replace(comment, kind=before.kind, topics=before.topics)
    kind = Kind.AGREEMENT if block.trailers else kind_of(comment.text)
    return replace(comment, kind=kind, topics=topics_of(comment.text, code))


def _place(quoted: _Quoted, block: Block, *, alone: bool) -> _Place:
    """Where a comment belongs, by what is quoted above it."""
    nearest = _Place(WHOLE_PATCH, quoted.reply.documents[0].message_id)
    if block.trailers:
        return nearest
    above = _above(quoted, block)
    coded = [at for at in above if quoted.spots[at] is not None]
    said = [at for at in above if at in quoted.said]
    on_code = bool(coded) and not _is_after_the_patch(quoted, above)
    if on_code and (not said or said[-1] < coded[-1]):
        return _on_spots(quoted, above, block.text)
    answered = quoted.said[said[-1]] if said else _only_comment(quoted)
    shown = _shown_by_parent(quoted)
    if shown is not None and (answered is None or _is_last(quoted, answered)):
        place = _on_content(shown, block.text)
        if answered is None or place.anchor != WHOLE_PATCH:
            return replace(place, answers=answered.id if answered else None)
    if answered is not None:
        if answered.anchor != WHOLE_PATCH or not on_code:
            return _inherited(answered)
        return replace(_on_spots(quoted, above, block.text), answers=answered.id)
    below = _quote_below(quoted, block) if alone and not above else []
    return _on_spots(quoted, below, block.text) if below else nearest


def _above(quoted: _Quoted, block: Block) -> list[int]:
    """The lines quoted for a comment; a line of a patch may be so without marks."""
    roles = (Role.OWN, Role.SKETCH)
    return [
        at
        for at in block.quoted
        if quoted.lines[at].role is Role.QUOTED
        or (quoted.lines[at].role in roles and quoted.spots[at] is not None)
    ]


def _inherited(answered: ReviewComment) -> _Place:
    """An answer is about what the comment was about."""
    return _Place(answered.anchor, answered.patch, answered.anchor.code or "", answered.id)


def _on_spots(quoted: _Quoted, above: Sequence[int], text: str) -> _Place:
    """Below lines of a patch; of several patches that of the last line counts."""
    spots = [spot for at in above if (spot := quoted.spots[at]) is not None]
    sure = [spot for spot in spots if spot.how is not How.GUESS] or spots
    document = quoted.documents[sure[-1].document]
    spots = [spot for spot in spots if spot.document == sure[-1].document]
    near = (document.lines[spot.at] for spot in spots[-_CODE_ROWS:])
    code = "\n".join(line.text for line in near if line.part is Part.ROW)
    return _Place(anchoring.anchor(document, spots, text), document.message_id, code)


def _only_comment(quoted: _Quoted) -> ReviewComment | None:
    """The comment of the mail that is answered, when it has one and brings no diff along."""
    parent = quoted.earlier.get(quoted.reply.above[0], ())
    return parent[0] if len(parent) == 1 and _shown_by_parent(quoted) is None else None


def _shown_by_parent(quoted: _Quoted) -> Document | None:
    """The diff that the answered mail brought along, of which often nothing is quoted."""
    nearest = quoted.reply.documents[0]
    own = not nearest.posted and nearest.message_id == quoted.reply.above[0]
    return nearest if own else None


def _is_last(quoted: _Quoted, comment: ReviewComment) -> bool:
    """Whether the comment stands at the end of its mail, where a diff is announced."""
    others = quoted.earlier.get(comment.message_id, ())
    return (
        bool(others)
        and others[-1].id == comment.id
        and others[-1].message_id == (quoted.reply.above[0])
    )


def _on_content(document: Document, text: str) -> _Place:
    anchor = anchoring.by_content(document, text)
    return _Place(anchor, document.message_id, anchor.code or "")


def _is_after_the_patch(quoted: _Quoted, above: Sequence[int]) -> bool:
    """Whether the last quoted line is git's version, or the line above it."""
    last = next((at for at in reversed(above) if quoted.lines[at].text.strip()), None)
    if last is None or quoted.spots[last] is not None:
        return False
    return _VERSION.fullmatch(quoted.lines[last].text.strip()) is not None


def _quote_below(quoted: _Quoted, block: Block) -> list[int]:
    """The code that stands below the only comment of a mail, when it was picked for it.

    A patch that is quoted to its end was only left there.
    """
    below = [
        at
        for at in range(block.end, len(quoted.lines))
        if quoted.lines[at].role is Role.QUOTED and quoted.lines[at].text.strip()
    ]
    if not 0 < len(below) <= _LONGEST_QUOTE_BELOW:
        return []
    spots = [spot for at in below if (spot := quoted.spots[at]) is not None]
    if len(spots) < len(below):
        return []
    document = quoted.documents[spots[-1].document]
    parts = {quoted.documents[spot.document].lines[spot.at].part for spot in spots}
    to_the_end = spots[-1].at == len(document.lines) - 1
    return [] if to_the_end or Part.ROW not in parts or Part.MESSAGE in parts else below
