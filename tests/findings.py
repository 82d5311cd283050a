"""A review that is written by hand, for tests of what a report does with its values."""

from __future__ import annotations

from reviewer.diff.patch import Change, FileDiff
from reviewer.discussion.talk import NOBODY_SPOKE
from reviewer.mail.thread import Origin, Patch, Revision
from reviewer.model import (
    Confidence,
    Context,
    Evidence,
    Finding,
    Fix,
    Problem,
    Severity,
    Side,
    Span,
    Status,
)
from reviewer.review import Annotation, FileReview, PatchReview, Review, RevisionReview
from reviewer.run import Result

PATH = "drivers/demo/kiln.c"
CODE = "\tif (kiln->hot)"


def annotation(
    message: str = "the kiln is hot",
    *,
    path: str = PATH,
    code: str = CODE,
    rule: str = "rcu/bulk-swap",
    line: int = 12,
    last: int = 12,
    status: Status = Status.INTRODUCED,
    severity: Severity = Severity.ERROR,
    note: str | None = None,
    fix: Fix | None = None,
) -> Annotation:
    """One finding, likely, in `fire()`."""
    span = Span(path, line, last, Side.NEW, code)
    evidence = (Evidence(Span(path, 30, 30, Side.OLD, "\t\tcool(kiln);"), note),) if note else ()
    finding = Finding(span, message, "fire", evidence, fix)
    return Annotation(rule, finding, status, severity, Confidence.LIKELY, "0123456789abcdef")


def result(
    *annotations: Annotation,
    problems: tuple[Problem, ...] = (),
    failures: tuple[str, ...] = (),
    labels: tuple[str, ...] = ("v1",),
) -> Result:
    """The same findings in each of the revisions."""
    revisions = tuple(_revision(label, annotations) for label in labels)
    review = Review(("a.mbox",), revisions, (), problems, ("rcu/bulk-swap",))
    return Result(review, NOBODY_SPOKE, failures)


def _revision(label: str, annotations: tuple[Annotation, ...]) -> RevisionReview:
    patch = Patch("1@x", "[PATCH] kiln", "A <a@x>", None, 1, 1, Origin.MAIL, "", "", 1)
    file = FileDiff(PATH, PATH, Change.MODIFIED, ())
    reviewed = PatchReview(patch, (FileReview(file, Context.HUNKS, None, 1, 0, annotations),))
    revision = Revision(label, 1, "1@x", "[PATCH] kiln", "A <a@x>", None, True, (patch,))
    return RevisionReview(revision, (reviewed,))
