"""Findings that were accepted, kept in a file, so that a living tree can adopt the tool.

One finding a line: its fingerprint, then for people the rule and the place. A fingerprint holds
rule, path, function and code, not the line number: it stays good while the code only moves.

    3f2a9c01b7de4458  # rcu/plain-read fs/demo/box.c demo_open()

An accepted finding counts as preexisting: it is not shown, and not for the exit status.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from reviewer.errors import ReviewerError
from reviewer.model import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from reviewer.review import Annotation, FileReview, Review, Threshold

Baseline = dict[str, str]
"""What is said for people, by fingerprint."""

_HEAD = (
    "# Findings that were accepted: fingerprint, rule and place. Remove a line to see it again.\n"
)
_LINE = re.compile(r"([0-9a-f]{16})(?:[ \t]+#[ \t]*(.*))?[ \t]*\Z")
_LARGEST = 16 * 1024 * 1024


def read_baseline(path: Path) -> Baseline:
    """The accepted findings. ReviewerError names file and line when it is no baseline."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        text = content.decode()
    except (OSError, ValueError) as error:
        raise ReviewerError(f"{path}: the baseline cannot be read: {error}") from None
    if len(content) > _LARGEST:
        raise ReviewerError(f"{path}: more than {_LARGEST >> 20} MB; wanted a baseline")
    baseline: Baseline = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if (found := _LINE.match(line.rstrip("\r"))) is None:
            wanted = "wanted a fingerprint of 16 hex digits, then `# ...`"
            raise ReviewerError(f"{path}:{number}: found {line[:40]!r}; {wanted}")
        baseline[found[1]] = (found[2] or "").strip()
    return baseline


def accepted(review: Review, baseline: Mapping[str, str]) -> Review:
    """The review, with the findings of the baseline as preexisting ones."""
    revisions = tuple(
        replace(
            revision,
            patches=tuple(
                replace(patch, files=tuple(_accepted(file, baseline) for file in patch.files))
                for patch in revision.patches
            ),
        )
        for revision in review.revisions
    )
    return replace(review, revisions=revisions)


def _accepted(file: FileReview, baseline: Mapping[str, str]) -> FileReview:
    if not any(each.fingerprint in baseline for each in file.annotations):
        return file
    annotations = tuple(
        replace(each, status=Status.PREEXISTING)
        if each.fingerprint in baseline and each.status is Status.INTRODUCED
        else each
        for each in file.annotations
    )
    return replace(file, annotations=annotations)


def added(review: Review, threshold: Threshold, before: Mapping[str, str]) -> Baseline:
    """The baseline with everything that the review shows."""
    shown = (each for each in review.annotations if threshold.shows(each))
    return {**before, **{each.fingerprint: _place(each) for each in shown}}


def write_baseline(path: Path, baseline: Mapping[str, str]) -> None:
    """Write the file, sorted by what is said for people. ReviewerError when it cannot be."""
    entries = sorted(baseline.items(), key=lambda each: (each[1], each[0]))
    try:
        path.write_text(_HEAD + "".join(_lines(entries)), encoding="utf-8")
    except OSError as error:
        raise ReviewerError(f"{path}: cannot be written: {error.strerror}") from None


def _lines(entries: Iterable[tuple[str, str]]) -> Iterable[str]:
    return (f"{mark}  # {said}\n" if said else f"{mark}\n" for mark, said in entries)


def _place(annotation: Annotation) -> str:
    finding = annotation.finding
    function = f" {finding.function}()" if finding.function else ""
    said = f"{annotation.rule} {finding.span.path}{function}"
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in said)
