"""Whether the next revisions did what the comments asked for.

The code decides. What the author said explains a change, or keeps an unchanged line from being
called open; a promise alone never makes a comment addressed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from reviewer.discussion.answer import Stance, answers_of, is_conceded, stance
from reviewer.discussion.fate import Fate, Sheets, fate
from reviewer.discussion.follow import State
from reviewer.discussion.successor import outlines_of, successors
from reviewer.discussion.talk import Verdict
from reviewer.mail.comment import Kind, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reviewer.diff.patch import FileDiff
    from reviewer.discussion.successor import Outline, Successor
    from reviewer.discussion.talk import Agreement
    from reviewer.mail.comment import ReviewComment
    from reviewer.review import Annotation, PatchReview, Review

_FEW_NEAR = 3  # changed lines around a comment that does not say what to change
_MOST_COMMENTS = 2000  # of one review; the outcome of the rest stays unknown
_MOST_NAMES = 4  # that are listed as evidence
_WORDS = {
    State.CONTEXT: "line not added any more",
    State.CHANGED: "line changed",
    State.REORDERED: "line moved",
    State.GONE: "line gone",
}


_UNKNOWN = Verdict(Outcome.UNKNOWN)


class _Place(NamedTuple):
    """Where the patch of a comment stands in the review."""

    at: int  # index of the revision
    number: int  # of the patch in it, from 0
    patch: PatchReview


@dataclass(frozen=True, slots=True)
class _Case:
    """A review, and what is made of it once for all of its comments."""

    review: Review
    agreement: Agreement
    answers: Mapping[str, Sequence[ReviewComment]]
    outlines: Sequence[Sequence[Outline]]
    patches: Mapping[str, tuple[_Place, ...]]  # by message-id
    annotations: Mapping[str, Annotation]  # by fingerprint
    sheets: Sheets


def outcomes(
    review: Review, comments: Sequence[ReviewComment], agreement: Agreement
) -> Mapping[str, Verdict]:
    """The verdict on each comment, by its id.

    Unknown is what no later revision shows, what is not about code, what only agrees, and what
    the author of the patch says.
    """
    if len(review.revisions) < 2 or not any(each.wants for each in comments):
        return {each.id: _UNKNOWN for each in comments}
    case = _Case(
        review=review,
        agreement=agreement,
        answers=answers_of(comments),
        outlines=outlines_of(review),
        patches=_places(review),
        annotations={each.fingerprint: each for each in review.annotations},
        sheets=Sheets(),
    )
    judged = {each.id: _verdict(case, each) for each in comments[:_MOST_COMMENTS]}
    return {each.id: judged.get(each.id, _UNKNOWN) for each in comments}


def _places(review: Review) -> dict[str, tuple[_Place, ...]]:
    found: dict[str, tuple[_Place, ...]] = {}
    for at, revision in enumerate(review.revisions):
        for number, patch in enumerate(revision.patches):
            name = patch.patch.message_id
            found[name] = (*found.get(name, ()), _Place(at, number, patch))
    return found


def _verdict(case: _Case, comment: ReviewComment) -> Verdict:
    if not comment.wants or comment.anchor.path is None:
        return _UNKNOWN
    commented = _commented(case, comment)
    if commented is None:
        return _UNKNOWN
    place, file = commented
    mine = case.outlines[place.at][place.number]
    later = successors(case.review, place.at, mine, case.outlines, comment.date)
    verdicts = _judged(case, comment, file, later)
    decided = [each for each in verdicts if each.outcome is Outcome.ADDRESSED]
    decided += [each for each in verdicts if each.outcome is Outcome.OPEN]
    verdict = next(iter((*decided, *verdicts)), _UNKNOWN)
    if verdict.outcome is Outcome.OPEN and is_conceded(comment, case.answers):
        return Verdict(Outcome.UNKNOWN, (*verdict.evidence, "reviewer agreed with the author"))
    return verdict


def _commented(case: _Case, comment: ReviewComment) -> tuple[_Place, FileDiff] | None:
    """The patch and the file that a comment is about."""
    for place in case.patches.get(comment.patch, ()):
        for reviewed in place.patch.files:
            if reviewed.file.path == comment.anchor.path:
                return place, reviewed.file
    return None


def _judged(
    case: _Case, comment: ReviewComment, file: FileDiff, later: Iterable[Successor]
) -> list[Verdict]:
    """A verdict for each later revision; those that were posted as such come first."""
    prints = case.agreement.findings.get(comment.id, ())
    said = [case.annotations[each] for each in prints if each in case.annotations]
    answer = stance(comment, case.answers)
    found: list[Verdict] = []
    for each in sorted(later, key=lambda one: one.aside):
        what = fate(comment, file, said, each, case.sheets)
        outcome, evidence = _judge(comment, what, answer, aside=each.aside, next_one=not found)
        found.append(Verdict(outcome, evidence, each.review.revision.label))
    return found


def _judge(
    comment: ReviewComment, what: Fate, answer: Stance | None, *, aside: bool, next_one: bool
) -> tuple[Outcome, tuple[str, ...]]:
    """The outcome by one later revision.

    An aside shows only a part, so it can answer a comment and leave none open. That lines around
    the commented one changed means something in the next revision only.
    """
    evidence = _evidence(what, aside=aside)
    said = () if answer is None else (f"author {answer.value}",)
    if what.said_again:
        still = what.trace is not None and what.trace.state is State.SAME
        outcome = Outcome.OPEN if still else Outcome.UNKNOWN
        return outcome, (*evidence, *said, "the rule still says so")
    if evidence:
        certain = what.adopted or what.dropped or what.said_again is False
        # In a conversation the code is often only where it began.
        talk = comment.answers is not None and answer is not Stance.PROMISE
        doubtful = (talk or answer is Stance.REFUSE) and not certain
        return Outcome.UNKNOWN if doubtful else Outcome.ADDRESSED, (*evidence, *said)
    if aside or what.trace is None or what.trace.state is not State.SAME:
        return Outcome.UNKNOWN, said
    if what.trace.hunk and next_one:
        return _judge_around(comment, what.trace.near, answer, said)
    return _judge_unchanged(comment, answer, said)


def _judge_around(
    comment: ReviewComment, near: int, answer: Stance | None, said: tuple[str, ...]
) -> tuple[Outcome, tuple[str, ...]]:
    """The line is the same, and its hunk is not."""
    enough = _FEW_NEAR if comment.kind in (Kind.QUESTION, Kind.REMARK) else 1
    if near and (answer is Stance.PROMISE or (near >= enough and answer is not Stance.REFUSE)):
        return Outcome.ADDRESSED, ("lines around it changed", *said)
    if answer is Stance.PROMISE:
        return Outcome.ADDRESSED, ("its hunk changed", *said)
    return Outcome.UNKNOWN, ("its hunk changed", *said)


def _judge_unchanged(
    comment: ReviewComment, answer: Stance | None, said: tuple[str, ...]
) -> tuple[Outcome, tuple[str, ...]]:
    settled = answer in (Stance.PROMISE, Stance.REFUSE, Stance.EXPLAIN)
    answered = comment.kind is Kind.QUESTION and answer is not None
    return Outcome.UNKNOWN if settled or answered else Outcome.OPEN, ("unchanged", *said)


def _evidence(what: Fate, *, aside: bool) -> tuple[str, ...]:
    """What the code of a later revision says for itself."""
    found: list[str] = []
    if what.withdrawn:
        found.append("file withdrawn")
    trace = what.trace
    if trace is not None and trace.state.is_away and (trace.beside or not aside):
        found.append(_WORDS[trace.state])
    if what.adopted:
        found.append(f"adopted {', '.join(what.adopted[:_MOST_NAMES])}")
    if what.dropped:
        found.append(f"dropped {', '.join(what.dropped[:_MOST_NAMES])}")
    seen = trace is not None and trace.state is not State.UNSEEN
    if what.said_again is False and seen:
        found.append("the rule has nothing to say any more")
    return tuple(found)
