"""A thread as the revisions of a patch series, and the replies to them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.mail.grouping import aside, embedded
from reviewer.mail.grouping.ancestry import parents, parents_first, sent
from reviewer.mail.grouping.posting import Kind, classify, is_pull_request
from reviewer.mail.grouping.series import Exchange, Series, collect
from reviewer.mail.revision import Origin, Patch, Revision, is_complete
from reviewer.model import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reviewer.mail.grouping.posting import Posting
    from reviewer.mail.message import Message

__all__ = ["Origin", "Patch", "Revision", "Thread", "group"]


@dataclass(frozen=True, slots=True)
class Thread:
    """All revisions in the order they were posted, and everything else that was said."""

    revisions: tuple[Revision, ...]
    replies: tuple[Message, ...]  # mails that are neither a patch of a revision nor its cover
    problems: tuple[Problem, ...] = ()


def group(messages: Iterable[Message]) -> Thread:
    """Sort the mails of one or several threads into revisions and replies. Never raises.

    Of mails with the same Message-ID the first counts. Labels are unique:

    - `v2` for a series (the version of its subjects, else of its cover letter, else 1); when
      that is taken: `v1 (rfc)` for an RFC beside the patches, `v1 (resend)` for the same
      patches again, else `v1-2`, `v1-3`, ... in the order of posting;
    - `v2.1`, `v2.2`, ... for the diffs that answer v2, in replies or attached to a mail.

    A reply that only repeats the diff of another mail is no revision. A cover letter whose
    patches are not here stays among the replies; a pull request is reported as a problem.
    """
    exchange = _exchange(messages)
    series = collect(exchange)
    main = [
        _revision(exchange, one, label)
        for one, label in zip(series, _labels(exchange, series), strict=True)
    ]
    asides = aside.collect(exchange, series, main)
    rank = {index: place for place, index in enumerate(exchange.order)}
    placed = [(rank[one.first], revision) for one, revision in zip(series, main, strict=True)]
    placed += [(rank[index], revision) for index, revision in asides]
    revisions = tuple(revision for _, revision in sorted(placed, key=lambda item: item[0]))
    used = {index for one in series for index in (one.first, *one.members)}
    used.update(index for index, _ in asides)
    rest = [exchange.postings[index] for index in exchange.order if index not in used]
    problems = _problems(rest, len(exchange.postings), found=bool(revisions))
    return Thread(revisions, tuple(posting.message for posting in rest), tuple(problems))


def _exchange(messages: Iterable[Message]) -> Exchange:
    unique: dict[str, Message] = {}
    for message in messages:
        unique.setdefault(message.message_id, message)
    mails = tuple(unique.values())
    parent_of = parents(mails)
    times = sent(mails, parent_of)
    return Exchange(
        postings=[
            classify(message, answers=parent is not None)
            for message, parent in zip(mails, parent_of, strict=True)
        ],
        parents=parent_of,
        sent=times,
        order=sorted(parents_first(parent_of), key=times.__getitem__),
    )


def _labels(exchange: Exchange, series: Sequence[Series]) -> list[str]:
    """A unique label for each series; see `group`."""
    final = {one.version for one in series if not _heads(exchange, one).subject.rfc}
    uses: Counter[str] = Counter()
    posted: set[tuple[str, ...]] = set()
    crowded = {version for version, n in Counter(one.version for one in series).items() if n > 1}
    labels: list[str] = []
    for one in series:
        label = f"v{one.version}"
        subject = _heads(exchange, one).subject
        if one.version in crowded:
            content = (label, *subject.trees, *_contents(exchange, one))
            again = uses[label] > 0 and (subject.resend or content in posted)
            posted.add(content)
            if subject.rfc and one.version in final:
                label += " (rfc)"
            elif again:
                label += " (resend)"
        uses[label] += 1
        labels.append(label if uses[label] == 1 else f"{label}-{uses[label]}")
    return labels


def _heads(exchange: Exchange, series: Series) -> Posting:
    return exchange.postings[series.first]


def _contents(exchange: Exchange, series: Series) -> list[str]:
    patches = (patch for index in series.members for patch in exchange.postings[index].patches)
    return [embedded.changes(patch.diff) for patch in patches]


def _revision(exchange: Exchange, series: Series, label: str) -> Revision:
    first = _heads(exchange, series).message
    members = [exchange.postings[index] for index in series.members]
    patches = tuple(patch for posting in members for patch in posting.patches)
    said = [posting.message.attestation for posting in members]
    return Revision(
        label=label,
        version=series.version,
        message_id=first.message_id,
        subject=first.subject,
        author=first.author,
        date=first.date,
        complete=is_complete(patches),
        patches=patches,
        cover=None if series.cover is None else exchange.postings[series.cover].message,
        attestation="; ".join(dict.fromkeys(line for line in said if line)) or None,
    )


def _problems(rest: Sequence[Posting], mails: int, *, found: bool) -> list[Problem]:
    """What kept mails that should hold patches from giving any."""
    problems = [
        Problem(posting.message.message_id, what)
        for posting in rest
        if (what := _missing(posting, found=found))
    ]
    if not found and not problems and rest:
        what = "no patch in this mail" if mails == 1 else f"no patch in any of {mails} mails"
        problems.append(Problem(rest[0].message.message_id, what))
    return problems


def _missing(posting: Posting, *, found: bool) -> str | None:
    subject = posting.message.subject
    if is_pull_request(posting):
        return f"pull request, not a patch: {subject}"
    if posting.kind is Kind.COVER:
        return None if found else f"cover letter without its patches: {subject}"
    announced = posting.subject.patch and (not posting.subject.rfc or posting.subject.position)
    if posting.subject.reply or not announced:
        return None
    if posting.message.html_only:
        return f"the mail is HTML only, no patch can be read from it: {subject}"
    return f"no diff in this patch mail: {subject}"
