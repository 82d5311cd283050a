"""Revision by revision: what was found, what was asked for, and what became of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reviewer.mail.comment import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.discussion.talk import Discussion
    from reviewer.review import Review, RevisionReview, Threshold


def table(review: Review, discussion: Discussion, threshold: Threshold) -> Iterator[str]:
    """The rows of the table; none for a single revision that nobody commented on."""
    if len(review.revisions) < 2 and not discussion.comments:
        return
    rows = [
        (each.revision.label, _findings(each, discussion, threshold), _comments(each, discussion))
        for each in review.revisions
    ]
    header = ("revision", "findings", "asked for by people")
    widths = [max(len(row[column]) for row in (header, *rows)) for column in (0, 1)]
    for label, findings, comments in (header, *rows):
        yield f"{label:{widths[0]}}  {findings:{widths[1]}}  {comments}".rstrip()
    agreement = discussion.agreement
    if discussion.comments:
        yield (
            f"Of these, {agreement.both} said by both, {agreement.rules_only} by the rules only, "
            f"{agreement.humans_only} by people only."
        )
    yield ""


def _findings(reviewed: RevisionReview, discussion: Discussion, threshold: Threshold) -> str:
    """`1 new, 2 still there, of which 1 gone in v3`."""
    label = reviewed.revision.label
    shown = [a for patch in reviewed.patches for a in patch.annotations if threshold.shows(a)]
    states: Counter[str] = Counter()
    for annotation in shown:
        past = discussion.histories.get((label, annotation.fingerprint))
        states["new" if past is None or past.is_new(label) else "still there"] += 1
        if past is not None and past.gone:
            states[f"gone in {past.gone}"] += 1
    return ", ".join(f"{number} {state}" for state, number in states.items()) or "none"


def _comments(reviewed: RevisionReview, discussion: Discussion) -> str:
    """`2 addressed, 1 open`."""
    mails = {reviewed.revision.message_id, *(p.patch.message_id for p in reviewed.patches)}
    asked = [
        each
        for mail in sorted(mails)
        for each in discussion.by_patch.get(mail, ())
        if each.wants and not each.bot
    ]
    if not asked:
        return "nothing"
    by = Counter(discussion.verdict(each).outcome for each in asked)
    words = {Outcome.ADDRESSED: "addressed", Outcome.OPEN: "open", Outcome.UNKNOWN: "not known"}
    parts = [f"{by[outcome]} {word}" for outcome, word in words.items() if by[outcome]]
    return ", ".join(parts)
