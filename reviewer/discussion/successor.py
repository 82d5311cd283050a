"""Which later revisions answer a patch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from reviewer.mail.quoting import align
from reviewer.mail.subject import parse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reviewer.diff.patch import FileDiff
    from reviewer.mail.thread import Revision
    from reviewer.review import PatchReview, Review, RevisionReview

_SHARED = 0.35  # of the changed lines of the smaller patch
_FEWEST = 3  # telling lines below which nothing is known by its content
_NO_LETTER = re.compile(r"[\W_]+")
_RESEND = " (resend)"


class Successor(NamedTuple):
    """A later revision. An aside is a diff in a reply or attached: it shows only a part."""

    at: int  # its index in the review
    review: RevisionReview
    aside: bool
    same_title: bool  # the patch is still in it


@dataclass(frozen=True)
class Outline:
    """What patches of different revisions are compared by."""

    title: str
    author: str
    files: tuple[FileDiff, ...]

    @cached_property
    def paths(self) -> frozenset[str]:
        """The files before and after."""
        return frozenset(path for file in self.files for path in (file.path, file.old_path))

    @cached_property
    def changes(self) -> frozenset[str]:
        """The keys of the changed lines that say something."""
        keys = (
            row.sign + align.key(row.text)
            for file in self.files
            for hunk in file.hunks
            for row in hunk.rows
            if row.sign != " "
        )
        return frozenset(key for key in keys if not align.is_weak(key))


def outlines_of(review: Review) -> list[list[Outline]]:
    """The outline of each patch of each revision."""
    return [[outline(patch) for patch in each.patches] for each in review.revisions]


def outline(patch: PatchReview) -> Outline:
    """The outline of one patch."""
    return Outline(
        title=_NO_LETTER.sub("", parse(patch.patch.subject).title.lower()),
        author=patch.patch.author.strip().lower(),
        files=tuple(each.file for each in patch.files),
    )


def is_aside(revision: Revision) -> bool:
    """Whether the revision is a diff that came along in a reply, or beside a patch."""
    return "." in revision.label


def successors(
    review: Review,
    at: int,
    patch: Outline,
    outlines: Sequence[Sequence[Outline]],
    after: datetime | None,
) -> list[Successor]:
    """The later revisions of a patch of revision `at`, in their order.

    `outlines` are those of all revisions; `after` is when the comment was written: what was
    posted before cannot answer it.
    """
    mine = review.revisions[at].revision
    found: list[Successor] = []
    for number in range(at + 1, len(review.revisions)):
        reviewed = review.revisions[number]
        theirs = reviewed.revision
        if after and theirs.date and theirs.date <= after:
            continue
        aside = is_aside(theirs)
        if not aside and not _newer(mine, theirs):
            continue
        if aside and not _answers(mine, theirs):
            continue
        if _linked(patch, outlines[at], outlines[number], aside=aside):
            same = any(other.title == patch.title for other in outlines[number])
            found.append(Successor(number, reviewed, aside, same))
    return found


def _newer(mine: Revision, theirs: Revision) -> bool:
    """Whether a revision may replace another; the same patches sent again do not."""
    if theirs.version == mine.version:
        return is_aside(mine) or not theirs.label.endswith(_RESEND)
    return theirs.version > mine.version


def _answers(mine: Revision, theirs: Revision) -> bool:
    """Whether an aside belongs to a revision, or to the one that it is an aside of itself."""
    label = mine.label.partition(".")[0]
    return theirs.version >= mine.version and (theirs.answers or label) == label


def _linked(
    patch: Outline, siblings: Sequence[Outline], others: Sequence[Outline], *, aside: bool
) -> bool:
    if aside:
        return any(
            other.author == patch.author and not other.paths.isdisjoint(patch.paths)
            for other in others
        )
    titles = {other.title for other in others}
    if patch.title in titles or any(_alike(patch, other) for other in others):
        return True
    # The patch was dropped or renamed, but its series goes on.
    return any(each.author == patch.author and each.title in titles for each in siblings)


def _alike(mine: Outline, theirs: Outline) -> bool:
    """Whether two patches of one author change the same lines."""
    if mine.author != theirs.author or mine.paths.isdisjoint(theirs.paths):
        return False
    smaller = min(len(mine.changes), len(theirs.changes))
    return smaller >= _FEWEST and len(mine.changes & theirs.changes) >= _SHARED * smaller
