"""What stands where on the page: each remark at its row, at its file, or above them.

Element ids are made of counters, never of anything from a mail: `r1p2f3` is the third file of the
second patch of the first revision.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from reviewer.model import Side

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reviewer.diff.patch import FileDiff
    from reviewer.discussion.talk import Discussion
    from reviewer.mail.comment import ReviewComment
    from reviewer.report.remarks import Remarks
    from reviewer.review import (
        Annotation,
        FileReview,
        PatchReview,
        Review,
        RevisionReview,
        Threshold,
    )

MOST_ROWS = 60_000
"""Rows of a hundred characters on one page; of files past that only what is near a remark."""

_BIG = 400  # rows of a patch that is folded where nothing is said

At = tuple[int, int]
"""Index of a hunk in its file, and of a row in the hunk."""

Place = tuple[str, Side, int]
"""Path, side and line."""


class Found(NamedTuple):
    """A finding, and the id of its element."""

    id: str
    annotation: Annotation


class Said(NamedTuple):
    """A comment, and the id of its element."""

    id: str
    comment: ReviewComment


Remark = Found | Said


@dataclass(frozen=True, slots=True)
class FileView:
    """A file of a patch."""

    id: str
    reviewed: FileReview
    above: tuple[Said, ...]  # about the file, or about a line that no hunk has
    on_rows: Mapping[At, tuple[Remark, ...]]
    outside: tuple[Found, ...]  # on lines that no hunk has
    links: Mapping[Place, str]  # ids of the rows that evidence points to
    targets: Mapping[At, str]  # the same, by row
    whole: bool  # all rows are on the page

    @property
    def remarks(self) -> Iterator[Remark]:
        """All of the file."""
        yield from self.above
        for here in self.on_rows.values():
            yield from here
        yield from self.outside


@dataclass(frozen=True, slots=True)
class PatchView:
    """A patch. `rows` are the ids of the rows that evidence points to, by their places."""

    id: str
    reviewed: PatchReview
    above: tuple[Said, ...]
    files: tuple[FileView, ...]
    big: bool
    rows: Mapping[Place, str]

    @property
    def remarks(self) -> Iterator[Remark]:
        """All of the patch."""
        yield from self.above
        for file in self.files:
            yield from file.remarks


@dataclass(frozen=True, slots=True)
class RevisionView:
    """A revision; `above` is said about its cover letter."""

    id: str
    reviewed: RevisionReview
    above: tuple[Said, ...]
    patches: tuple[PatchView, ...]

    @property
    def remarks(self) -> Iterator[Remark]:
        """All of the revision."""
        yield from self.above
        for patch in self.patches:
            yield from patch.remarks


@dataclass(frozen=True, slots=True)
class ThreadView:
    """The page. `elsewhere` answers mails that are no revision."""

    discussion: Discussion
    revisions: tuple[RevisionView, ...]
    elsewhere: tuple[Said, ...]
    said: Mapping[str, Said]  # by the id of the comment
    found: Mapping[tuple[str, str], Found]  # by the mail of the patch, and the fingerprint


class _Given(NamedTuple):
    """What all levels need: the comments by the element they go to, and which files are whole."""

    threshold: Threshold
    homes: Mapping[str, Sequence[Said]]
    whole: frozenset[str]


def view(review: Review, threshold: Threshold, remarks: Remarks) -> ThreadView:
    """Lay out the page."""
    said = _said(remarks)
    given = _Given(threshold, _homes(review, said.values()), _whole(review))
    revisions = tuple(_revision(f"r{n}", each, given) for n, each in enumerate(review.revisions, 1))
    found: dict[tuple[str, str], Found] = {}
    for patch in (patch for revision in revisions for patch in revision.patches):
        for remark in patch.remarks:
            if isinstance(remark, Found):
                key = patch.reviewed.patch.message_id, remark.annotation.fingerprint
                found.setdefault(key, remark)
    return ThreadView(remarks.discussion, revisions, tuple(given.homes.get("", ())), said, found)


def _said(remarks: Remarks) -> dict[str, Said]:
    """The comments that are to be shown, in mail order."""
    by_patch = remarks.discussion.by_patch
    shown = {each.id for patch in by_patch for each in remarks.of(patch)}
    comments = (each for each in remarks.discussion.comments if each.id in shown)
    return {each.id: Said(f"c{n}", each) for n, each in enumerate(comments, 1)}


def _homes(review: Review, said: Iterable[Said]) -> dict[str, list[Said]]:
    """The comments by the id of the patch or revision that shows them, else by an empty id.

    Several patches of one mail have one Message-ID: a comment goes to the first with its file.
    """
    patches: dict[str, list[tuple[str, frozenset[str]]]] = defaultdict(list)
    covers: dict[str, str] = {}
    for r, revision in enumerate(review.revisions, 1):
        covers.setdefault(revision.revision.message_id, f"r{r}")
        for p, patch in enumerate(revision.patches, 1):
            paths = frozenset(file.file.path for file in patch.files)
            patches[patch.patch.message_id].append((f"r{r}p{p}", paths))
    homes: dict[str, list[Said]] = defaultdict(list)
    for each in said:
        comment = each.comment
        fits = patches.get(comment.patch, ())
        with_file = (name for name, paths in fits if comment.anchor.path in paths)
        home = next(with_file, fits[0][0] if fits else covers.get(comment.patch, ""))
        homes[home].append(each)
    return homes


def _whole(review: Review) -> frozenset[str]:
    """The ids of the files that are shown whole. The newest revision has the first choice."""
    left = MOST_ROWS
    whole: set[str] = set()
    for r in range(len(review.revisions), 0, -1):
        for p, patch in enumerate(review.revisions[r - 1].patches, 1):
            for f, file in enumerate(patch.files, 1):
                weight = _weight(file.file)
                if weight <= left:
                    left -= weight
                    whole.add(f"r{r}p{p}f{f}")
    return frozenset(whole)


def _weight(file: FileDiff) -> int:
    return sum(1 + len(row.text) // 100 for hunk in file.hunks for row in hunk.rows)


def _revision(name: str, reviewed: RevisionReview, given: _Given) -> RevisionView:
    patches = tuple(
        _patch(f"{name}p{n}", each, given) for n, each in enumerate(reviewed.patches, 1)
    )
    return RevisionView(name, reviewed, tuple(given.homes.get(name, ())), patches)


def _patch(name: str, reviewed: PatchReview, given: _Given) -> PatchView:
    said: dict[str | None, list[Said]] = defaultdict(list)
    for each in given.homes.get(name, ()):
        said[each.comment.anchor.path].append(each)
    evidence = _evidence(reviewed.annotations, given.threshold)
    files = tuple(
        _file(f"{name}f{n}", each, said.pop(each.file.path, []), evidence, given)
        for n, each in enumerate(reviewed.files, 1)
    )
    above = tuple(each for many in said.values() for each in many)
    big = sum(len(hunk.rows) for file in reviewed.files for hunk in file.file.hunks) > _BIG
    rows = {place: at for file in files for place, at in file.links.items()}
    return PatchView(name, reviewed, above, files, big, rows)


def _evidence(annotations: Iterable[Annotation], threshold: Threshold) -> frozenset[Place]:
    return frozenset(
        (each.span.path, each.span.side, each.span.line)
        for annotation in annotations
        if threshold.shows(annotation)
        for each in annotation.finding.evidence
    )


def _file(
    name: str,
    reviewed: FileReview,
    said: Iterable[Said],
    evidence: frozenset[Place],
    given: _Given,
) -> FileView:
    file = reviewed.file
    places = _places(file)
    whole = name in given.whole
    links = {
        place: f"{name}h{places[place][0]}r{places[place][1]}"
        for place in evidence
        if place in places and whole
    }
    shown = filter(given.threshold.shows, reviewed.annotations)
    found = [Found(f"{name}n{n}", annotation) for n, annotation in enumerate(shown, 1)]
    on_rows: dict[At, list[Remark]] = defaultdict(list)
    above: list[Said] = []
    outside: list[Found] = []
    for comment in said:
        if at := places.get(_place_of_comment(comment, file)):
            on_rows[at].append(comment)
        else:
            above.append(comment)
    for finding in found:
        span = finding.annotation.finding.span
        if at := places.get((file.path, span.side, span.line)):
            on_rows[at].append(finding)
        else:
            outside.append(finding)
    return FileView(
        id=name,
        reviewed=reviewed,
        above=tuple(above),
        on_rows={at: tuple(here) for at, here in sorted(on_rows.items())},
        outside=tuple(outside),
        links=links,
        targets={places[place]: element for place, element in links.items()},
        whole=whole,
    )


def _place_of_comment(said: Said, file: FileDiff) -> Place:
    anchor = said.comment.anchor
    return file.path, anchor.side, anchor.line or 0


def _places(file: FileDiff) -> dict[Place, At]:
    """Where the lines are that the hunks show. A context row is on both sides."""
    found: dict[Place, At] = {}
    for number, hunk in enumerate(file.hunks):
        for index, row in enumerate(hunk.rows):
            if row.new is not None:
                found.setdefault((file.path, Side.NEW, row.new), (number, index))
            if row.old is not None:
                found.setdefault((file.path, Side.OLD, row.old), (number, index))
    return found
