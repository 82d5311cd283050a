"""Findings from one revision to the next: new, still there, or gone."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from reviewer.discussion.successor import outlines_of, successors
from reviewer.discussion.talk import FindingHistory
from reviewer.model import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reviewer.review import Annotation, Review, RevisionReview

_Key = tuple[str, str]  # label, fingerprint
_Place = tuple[str, str, str | None]  # rule, path, function


class _Standing(NamedTuple):
    """What the rules say about the text after the patches of a revision."""

    label: str
    prints: frozenset[str]
    places: Mapping[_Place, list[str]]  # the fingerprints


def history(review: Review) -> Mapping[tuple[str, str], FindingHistory]:
    """The history of each introduced finding, by the label of a revision and its fingerprint.

    A finding whose line was only edited is the same one, as long as its rule says one thing about
    that function in either revision. Diffs in replies neither begin nor end a history.
    """
    outlines = outlines_of(review)
    standing = [_standing(each) for each in review.revisions]
    since: dict[_Key, str] = {}
    found: dict[_Key, FindingHistory] = {}
    for at, revision in enumerate(review.revisions):
        for patch, mine in zip(revision.patches, outlines[at], strict=True):
            new = [each for each in patch.annotations if each.status is Status.INTRODUCED]
            if not new:
                continue
            later = [
                standing[each.at]
                for each in successors(review, at, mine, outlines, None)
                if not each.aside
            ]
            for annotation in new:
                key = standing[at].label, annotation.fingerprint
                since.setdefault(key, standing[at].label)
                gone = _followed(annotation, standing[at], later, since)
                found[key] = FindingHistory(since[key], gone)
    return found


def _standing(revision: RevisionReview) -> _Standing:
    places: dict[_Place, list[str]] = defaultdict(list)
    for patch in revision.patches:
        for each in patch.annotations:
            if each.status is not Status.FIXED:
                places[_place(each)].append(each.fingerprint)
    prints = frozenset(each for many in places.values() for each in many)
    return _Standing(revision.revision.label, prints, places)


def _followed(
    annotation: Annotation, here: _Standing, later: Iterable[_Standing], since: dict[_Key, str]
) -> str | None:
    """Mark the finding as known in the later revisions that have it; the first that has not."""
    gone: str | None = None
    for there in later:
        same = _same(annotation, here, there)
        if same is not None:
            since.setdefault((there.label, same), since[here.label, annotation.fingerprint])
        elif gone is None:
            gone = there.label
    return gone


def _same(mine: Annotation, here: _Standing, there: _Standing) -> str | None:
    """The fingerprint of the same finding in another revision."""
    if mine.fingerprint in there.prints:
        return mine.fingerprint
    place = _place(mine)
    others = there.places.get(place, [])
    return others[0] if len(others) == len(here.places[place]) == 1 else None


def _place(annotation: Annotation) -> _Place:
    return annotation.rule, annotation.finding.span.path, annotation.finding.function
