"""The review as the files that b4 takes from a review agent, to show findings on the hunk lines.

`b4 review` reads `.git/b4-review/<tip of the review branch>/`: `identity.txt` says whose review it
is, `NNNN.txt` holds what is said of a patch: a note, then its diff, quoted, with the remarks below
the lines that they are about. All rows are quoted: b4 counts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.model import Side
from reviewer.report.plain import plain
from reviewer.report.wording import remark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reviewer.diff.patch import FileDiff, Hunk
    from reviewer.review import Annotation, FileReview, PatchReview, RevisionReview, Threshold

IDENTITY = "reviewer <reviewer@localhost>"
"""b4 wants a name and an address; nothing is ever sent there."""

ADDRESS = "reviewer@localhost"


def render(
    reviewed: RevisionReview,
    threshold: Threshold,
    said: Mapping[int, str] | None = None,
) -> dict[str, str]:
    """The files by name; empty when there is nothing to say.

    `said` is what b4 has from an earlier run, by number of the patch: b4 would show it twice.
    """
    files: dict[str, str] = {}
    for number, patch in enumerate(reviewed.patches, start=1):
        known = (said or {}).get(number, "")
        shown = [each for each in patch.annotations if threshold.shows(each)]
        new = [each for each in shown if text(each) not in known]
        if new:
            files[f"{number:04d}.txt"] = _patch(patch, new)
    return {"identity.txt": f"{IDENTITY}\n", **files} if files else {}


def text(annotation: Annotation) -> str:
    """A remark as it stands in the file."""
    words = remark(annotation)
    return "\n".join((*words, "", f"[{annotation.rule}, {annotation.confidence.name.lower()}]"))


def _patch(patch: PatchReview, annotations: Sequence[Annotation]) -> str:
    note: list[str] = []
    diff: list[str] = []
    for file in patch.files:
        here = [each for each in file.annotations if each in annotations]
        placed = [each for each in here if _is_visible(each, file.file)]
        note += [_elsewhere(each) for each in here if each not in placed]
        if placed:
            diff += _quoted(file, placed)
    return "\n".join((*note, *diff)) + "\n"


def _is_visible(annotation: Annotation, file: FileDiff) -> bool:
    span = annotation.finding.span
    return any(
        span.line == (row.new if span.side is Side.NEW else row.old)
        for hunk in file.hunks
        for row in hunk.rows
    )


def _elsewhere(annotation: Annotation) -> str:
    """A remark on a line that the diff does not show."""
    span = annotation.finding.span
    return f"{plain(span.path)}:{span.line}: {plain(span.code.strip())}\n\n{text(annotation)}\n"


def _quoted(file: FileReview, annotations: Iterable[Annotation]) -> Iterator[str]:
    old, new = plain(file.file.old_path), plain(file.file.path)
    yield f"> diff --git a/{old} b/{new}"
    yield f"> --- a/{old}"
    yield f"> +++ b/{new}"
    remarks: dict[tuple[Side, int], list[Annotation]] = {}
    for each in annotations:
        remarks.setdefault((each.finding.span.side, each.finding.span.line), []).append(each)
    for hunk in file.file.hunks:
        yield from _hunk(hunk, remarks)


def _hunk(hunk: Hunk, remarks: Mapping[tuple[Side, int], Sequence[Annotation]]) -> Iterator[str]:
    old = sum(row.old is not None for row in hunk.rows)
    new = sum(row.new is not None for row in hunk.rows)
    yield f"> @@ -{hunk.old_start},{old} +{hunk.new_start},{new} @@ {plain(hunk.section).strip()}"
    for row in hunk.rows:
        yield f"> {row.sign}{plain(row.text)}"
        below = [
            each
            for side, line in ((Side.NEW, row.new), (Side.OLD, row.old))
            if line is not None
            for each in remarks.get((side, line), ())
        ]
        if below:
            yield "\n" + "\n\n".join(map(text, below)) + "\n"
