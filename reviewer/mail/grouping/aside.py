"""Diffs that came along in replies and beside patches, as revisions of their own."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from reviewer.mail.grouping import embedded
from reviewer.mail.grouping.posting import Kind
from reviewer.mail.grouping.series import roots
from reviewer.mail.revision import Patch, Revision, is_complete

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reviewer.mail.grouping.posting import Posting
    from reviewer.mail.grouping.series import Exchange, Series

_NO_LETTER = re.compile(r"\W+")


class _Target(NamedTuple):
    """The revision that a mail talks about."""

    label: str
    version: int
    present: bool


def collect(
    exchange: Exchange, series: Sequence[Series], main: Sequence[Revision]
) -> list[tuple[int, Revision]]:
    """The diffs in replies and beside patches, each with the index of its mail, in mail order.

    `main` are the revisions of `series`. A diff that is in the thread already is left out.
    """
    mails = [index for index in exchange.order if exchange.postings[index].asides]
    if not mails:
        return []
    targets = _targets(exchange, series, main, mails)
    seen = {embedded.changes(patch.diff) for revision in main for patch in revision.patches}
    turns: Counter[str] = Counter()
    found: list[tuple[int, Revision]] = []
    for index, target in zip(mails, targets, strict=True):
        for patches in exchange.postings[index].asides:
            changes = {embedded.changes(patch.diff) for patch in patches} - {""}
            if changes and changes <= seen:
                continue
            seen |= changes
            turns[target.label] += 1
            turn = turns[target.label]
            found.append((index, _revision(exchange.postings[index], patches, target, turn)))
    return found


def _revision(posting: Posting, patches: tuple[Patch, ...], target: _Target, turn: int) -> Revision:
    message = posting.message
    return Revision(
        label=f"{target.label}.{turn}",
        version=target.version,
        message_id=message.message_id,
        subject=patches[0].subject,
        author=message.author,
        date=message.date,
        complete=is_complete(patches),
        patches=patches,
        attestation=message.attestation,
        answers=target.label if target.present else None,
        reply=message if posting.kind is Kind.TALK else None,
    )


def _targets(
    exchange: Exchange,
    series: Sequence[Series],
    main: Sequence[Revision],
    mails: Sequence[int],
) -> list[_Target]:
    """For each of the mails the revision it answers, which need not be at hand."""
    answered = _answered(exchange, series, main)
    origins = roots(exchange)
    named = Counter(revision.version for revision in main)
    absent: dict[tuple[str, int], _Target] = {}
    targets: list[_Target] = []
    for index in mails:
        revision = answered[index]
        if revision is not None:
            targets.append(_Target(revision.label, revision.version, present=True))
            continue
        version = exchange.postings[index].subject.version or 1
        key = (origins[index], version)
        if key not in absent:
            named[version] += 1
            number = f"-{named[version]}" if named[version] > 1 else ""
            absent[key] = _Target(f"v{version}{number}", version, present=False)
        targets.append(absent[key])
    return targets


def _answered(
    exchange: Exchange, series: Sequence[Series], main: Sequence[Revision]
) -> list[Revision | None]:
    """For each mail the revision it belongs to or talks about; by subject when threading fails."""
    found: list[Revision | None] = [None] * len(exchange.postings)
    titled: dict[tuple[str, int], Revision] = {}
    for one, revision in zip(series, main, strict=True):
        for index in {one.first, *one.members}:
            found[index] = revision
            titled.setdefault(_title(exchange.postings[index]), revision)
    for index in exchange.order:
        parent = exchange.parents[index]
        if found[index] is None and parent is not None:
            found[index] = found[parent]
        if found[index] is None:
            found[index] = titled.get(_title(exchange.postings[index]))
    return found


def _title(posting: Posting) -> tuple[str, int]:
    """What the subjects of a patch and of the replies to it have in common."""
    return _NO_LETTER.sub("", posting.subject.title.lower()), posting.subject.version or 1
