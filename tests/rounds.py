"""Revisions of a patch written as text before and after it, and comments on their lines."""

from __future__ import annotations

import difflib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reviewer.diff.patch import parse
from reviewer.mail.comment import Anchor, Kind, ReviewComment, Scope
from reviewer.mail.revision import Origin, Patch, Revision
from reviewer.model import (
    Confidence,
    Context,
    Evidence,
    Finding,
    Severity,
    Side,
    Span,
    Status,
)
from reviewer.review import Annotation, FileReview, PatchReview, Review, RevisionReview

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PATH = "drivers/demo/box.c"
AUTHOR = "Ada Example"
REVIEWER = "Rex Example"

Texts = tuple[str, str]  # before and after


def diff(files: Mapping[str, Texts]) -> str:
    """What git would print, with three lines of context."""
    parts: list[str] = []
    for path, (old, new) in files.items():
        lines = difflib.unified_diff(
            old.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{path}", f"b/{path}"
        )
        parts += [f"diff --git a/{path} b/{path}\n", *lines]
    return "".join(parts)


def patch(
    message_id: str,
    day: int,
    files: Mapping[str, Texts],
    *,
    title: str = "box: forget stale lids",
    annotations: Iterable[Annotation] = (),
) -> PatchReview:
    """A patch; the annotations go to the file that they name."""
    text = diff(files)
    parsed = parse(text, message_id)
    found = tuple(annotations)
    return PatchReview(
        Patch(
            message_id=message_id,
            subject=f"[PATCH] {title}",
            author=AUTHOR,
            date=datetime(2026, 1, day, tzinfo=UTC),
            position=1,
            of=1,
            origin=Origin.MAIL,
            description="",
            diff=text,
            diff_line=1,
        ),
        tuple(
            FileReview(
                file,
                Context.HUNKS,
                None,
                annotations=tuple(a for a in found if a.finding.span.path == file.path),
            )
            for file in parsed.files
        ),
    )


def revision(label: str, *patches: PatchReview, answers: str | None = None) -> RevisionReview:
    """The patches of one posting."""
    first = patches[0].patch
    return RevisionReview(
        Revision(
            label=label,
            version=int(label[1]),
            message_id=first.message_id,
            subject=first.subject,
            author=AUTHOR,
            date=first.date,
            complete=True,
            patches=tuple(each.patch for each in patches),
            answers=answers,
        ),
        patches,
    )


def rounds(*texts: Texts, findings: Mapping[int, Iterable[Annotation]] | None = None) -> Review:
    """v1, v2, ... of one patch to one file, posted on the first, second, ... of a month.

    `findings` are those of the versions that have any, by version.
    """
    found = findings or {}
    return review(
        *(
            revision(
                f"v{n}", patch(f"v{n}@x", n, {PATH: text}, annotations=tuple(found.get(n, ())))
            )
            for n, text in enumerate(texts, 1)
        )
    )


def review(*revisions: RevisionReview) -> Review:
    """A review without replies."""
    return Review(("a test",), revisions)


def line_of(text: str, code: str) -> int:
    """The number of the only line that holds some code."""
    (found,) = (n for n, line in enumerate(text.split("\n"), 1) if code in line)
    return found


def comment(
    said: str,
    text: str,
    code: str,
    *,
    patch_id: str = "v1@x",
    name: str = "c@y#1",
    kind: Kind = Kind.OBJECTION,
    topics: tuple[str, ...] = (),
    side: Side = Side.NEW,
    above: int = 0,
) -> ReviewComment:
    """A reviewer's comment on the line of `text` that holds `code`, `above` lines quoted above."""
    number = line_of(text, code)
    quoted = (number - above, number)
    return ReviewComment(
        id=name,
        message_id=name.partition("#")[0],
        author=REVIEWER,
        address="rex@example.org",
        date=datetime(2026, 1, 1, 12, tzinfo=UTC),
        patch=patch_id,
        text=said,
        anchor=Anchor(
            scope=Scope.LINE,
            path=PATH,
            line=number,
            side=side,
            code=text.split("\n")[number - 1],
            new=quoted if side is Side.NEW else None,
            old=quoted if side is Side.OLD else None,
        ),
        kind=kind,
        topics=topics,
    )


def finding(
    rule: str,
    message: str,
    text: str,
    code: str,
    *,
    status: Status = Status.INTRODUCED,
    confidence: Confidence = Confidence.LIKELY,
    notes: Iterable[str] = (),
    fingerprint: str = "",
    function: str | None = "box_close",
) -> Annotation:
    """What a rule says about the line of `text` that holds `code`."""
    line = line_of(text, code)
    span = Span(PATH, line, line, Side.NEW, text.split("\n")[line - 1])
    evidence = tuple(Evidence(span, note) for note in notes)
    return Annotation(
        rule=rule,
        finding=Finding(span, message, function, evidence),
        status=status,
        severity=Severity.ERROR,
        confidence=confidence,
        fingerprint=fingerprint or f"{rule} {code}",
    )
