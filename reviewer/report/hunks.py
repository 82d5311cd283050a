"""The hunks of a file that have something to say, each annotation under its line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.model import Severity, Side, Status
from reviewer.report.printer import GUTTER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reviewer.diff.patch import Hunk, Row
    from reviewer.mail.comment import ReviewComment
    from reviewer.model import Evidence
    from reviewer.report.printer import Printer
    from reviewer.report.remarks import Remarks
    from reviewer.review import Annotation, FileReview

AROUND = 4
"""Rows of a hunk that are shown before and after an annotated one."""

# Named colours follow the theme of the terminal.
SEVERITY = {
    Severity.ERROR: "bold red",
    Severity.WARNING: "bold magenta",
    Severity.NOTE: "bold cyan",
}


@dataclass(frozen=True, slots=True)
class Said:
    """What is said about one row: by people, and by the rules."""

    comments: tuple[ReviewComment, ...]
    annotations: tuple[Annotation, ...]


def print_hunks(
    printer: Printer,
    file: FileReview,
    shown: Sequence[Annotation],
    comments: Sequence[ReviewComment],
    remarks: Remarks,
) -> None:
    """Print what there is to say about one file; nothing when there is nothing."""
    left = list(shown)
    for hunk in file.file.hunks:
        rows = enumerate(hunk.rows)
        here = {i: said for i, row in rows if (said := _on(row, left, comments))}
        if here:
            printer.blank()
            annotated = [each for said in here.values() for each in said.annotations]
            printer.line((file.file.path, "bold"), _where(annotated, hunk), indent=2)
            _print_hunk(printer, hunk, here, remarks)
            left = [each for each in left if each not in annotated]
    for annotation in left:
        _print_outside(printer, annotation)


def is_on_a_row(comment: ReviewComment, file: FileReview) -> bool:
    """Whether the line that a comment is about is in a hunk of the file."""
    return comment.anchor.path == file.file.path and any(
        _is_about(comment, row) for hunk in file.file.hunks for row in hunk.rows
    )


def _where(annotations: Sequence[Annotation], hunk: Hunk | None = None) -> str:
    """The functions that are spoken of; else what git says, which may be the function before."""
    names = dict.fromkeys(each.finding.function for each in annotations)
    functions = [f"{name}()" for name in names if name]
    if functions:
        return f" in {', '.join(functions)}"
    return f"  {hunk.section.strip()}" if hunk else ""


def _on(
    row: Row, annotations: Sequence[Annotation], comments: Sequence[ReviewComment]
) -> Said | None:
    """What is said of this row. A context row has both sides; new findings stand there."""
    ours = tuple(
        each
        for each in annotations
        if each.finding.span.line == (row.new if each.finding.span.side is Side.NEW else row.old)
    )
    theirs = tuple(each for each in comments if _is_about(each, row))
    return Said(theirs, ours) if ours or theirs else None


def _is_about(comment: ReviewComment, row: Row) -> bool:
    anchor = comment.anchor
    return anchor.line is not None and anchor.line == (
        row.new if anchor.side is Side.NEW else row.old
    )


def _print_hunk(printer: Printer, hunk: Hunk, here: Mapping[int, Said], remarks: Remarks) -> None:
    rows = hunk.rows
    windows = list(_windows(sorted(here), len(rows)))
    shown = [rows[i] for start, stop in windows for i in range(start, stop)]
    longest = max(len(row.text.expandtabs(8)) for row in shown)
    tab = 8 if longest <= printer.console.width - GUTTER else 4
    for start, stop in windows:
        if start != windows[0][0]:
            printer.line("...", indent=GUTTER - 4)
        for i in range(start, stop):
            row = rows[i]
            printer.code(row.text, row.old if row.sign == "-" else row.new, row.sign, tab)
            if said := here.get(i):
                _print_said(printer, said, remarks)


def _print_said(printer: Printer, said: Said, remarks: Remarks) -> None:
    for comment in said.comments:
        remarks.print(printer, comment)
    for annotation in said.annotations:
        print_annotation(printer, annotation)


def _windows(annotated: Sequence[int], rows: int) -> Iterator[tuple[int, int]]:
    """Runs of rows around the annotated ones, joined where they meet."""
    start, stop = max(0, annotated[0] - AROUND), annotated[0] + AROUND + 1
    for i in annotated[1:]:
        if i - AROUND > stop:
            yield start, min(stop, rows)
            start = i - AROUND
        stop = i + AROUND + 1
    yield start, min(stop, rows)


def _print_outside(printer: Printer, annotation: Annotation) -> None:
    """A finding on a line that the mail does not show: the patch made it wrong from afar."""
    span = annotation.finding.span
    printer.blank()
    where = _where([annotation])
    printer.line((span.path, "bold"), f"{where}, outside the hunks", indent=2)
    printer.code(span.code, span.line, " ")
    print_annotation(printer, annotation)


def print_annotation(printer: Printer, annotation: Annotation) -> None:
    """The message, the code that makes it true, and what to do instead."""
    finding = annotation.finding
    status = "" if annotation.status is Status.INTRODUCED else f"{annotation.status.value} "
    printer.line(
        "^ ",
        (f"{status}{annotation.severity.name.lower()}: ", SEVERITY[annotation.severity]),
        (finding.message, "bold"),
        (f"  [{annotation.rule}, {annotation.confidence.name.lower()}]", "dim"),
        indent=GUTTER,
    )
    for evidence in finding.evidence:
        _print_evidence(printer, evidence)
    if finding.fix:
        printer.line(("fix: ", "green"), finding.fix.title, indent=GUTTER + 2)


def _print_evidence(printer: Printer, evidence: Evidence) -> None:
    span = evidence.span
    side = " (before the patch)" if span.side is Side.OLD else ""
    printer.line(
        (f"{span.path}:{span.line}", "cyan"), f"{side}: {evidence.note}", indent=GUTTER + 2
    )
    printer.line(span.code.strip().expandtabs(8), indent=GUTTER + 6)
