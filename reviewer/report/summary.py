"""The closing lines of a report: what was found, what was seen, and what could not be done."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reviewer.model import Context, Severity, Status
from reviewer.report.printer import count
from reviewer.report.table import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.discussion.talk import Discussion
    from reviewer.report.printer import Printer
    from reviewer.review import Annotation, FileReview, Review, Threshold

CONTEXT = {
    Context.BLOB: "whole",
    Context.HUNKS: "from the hunks alone",
    Context.NONE: "not C",
}


def print_summary(
    printer: Printer, review: Review, discussion: Discussion, threshold: Threshold
) -> None:
    """Print problems first, so that the last lines are the result."""
    for problem in review.problems:
        printer.line(("problem: ", "bold"), f"{problem.where}: {problem.what}")
    if review.problems:
        printer.blank()
    for row in table(review, discussion, threshold):
        printer.line(row)
    for sentence in summary(review, threshold):
        printer.line(sentence)


def summary(review: Review, threshold: Threshold) -> Iterator[str]:
    """What the review found and how much of the code it saw, in sentences."""
    patches = [patch for revision in review.revisions for patch in revision.patches]
    annotations = [each for patch in patches for each in patch.annotations]
    files = [file for patch in patches for file in patch.files]
    yield (
        f"{count(len(review.revisions), 'revision')}, {count(len(patches), 'patch', 'patches')}, "
        f"{count(len(files), 'file')}: {_found(annotations, threshold)}."
    )
    yield _seen(files)
    if hidden := _hidden(annotations, threshold):
        yield hidden


def _found(annotations: list[Annotation], threshold: Threshold) -> str:
    by = Counter(each.severity for each in annotations if threshold.shows(each))
    if not by:
        return "nothing to say"
    return ", ".join(count(by[severity], severity.name.lower()) for severity in reversed(Severity))


def _seen(files: list[FileReview]) -> str:
    by = Counter(file.context for file in files)
    contexts = ", ".join(f"{by[each]} {text}" for each, text in CONTEXT.items() if by[each])
    functions = sum(file.functions for file in files)
    unparsed = sum(file.unparsed for file in files)
    missed = f", {unparsed} of them could not be analysed" if unparsed else ""
    return f"Files: {contexts or 'none'}. {count(functions, 'function')} in view{missed}."


def _hidden(annotations: list[Annotation], threshold: Threshold) -> str:
    by = Counter(_why(each) for each in annotations if not threshold.shows(each))
    if not by:
        return ""
    hidden = ", ".join(f"{number} {why}" for why, number in sorted(by.items()))
    hint = " (--all shows all but the fixed ones)" if set(by) != {"fixed"} else ""
    return f"Not shown: {hidden}{hint}."


def _why(annotation: Annotation) -> str:
    if annotation.status is not Status.INTRODUCED:
        return annotation.status.value
    return f"{annotation.confidence.name.lower()} {annotation.severity.name.lower()}"
