"""The hunks of a file that have something to say, each annotation under its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.model import Severity, Side, Status
from reviewer.report.printer import GUTTER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reviewer.diff.patch import Hunk, Row
    from reviewer.model import Evidence
    from reviewer.report.printer import Printer
    from reviewer.review import Annotation, FileReview

AROUND = 4
"""Rows of a hunk that are shown before and after an annotated one."""

# Named colours follow the theme of the terminal.
SEVERITY = {
    Severity.ERROR: "bold red",
    Severity.WARNING: "bold magenta",
    Severity.NOTE: "bold cyan",
}


def print_hunks(printer: Printer, file: FileReview, shown: Sequence[Annotation]) -> None:
    """Print what there is to say about one file; nothing when there is nothing."""
    left = list(shown)
    for hunk in file.file.hunks:
        here = {i: found for i, row in enumerate(hunk.rows) if (found := _on(row, left))}
        if here:
            printer.blank()
            printer.line((file.file.path, "bold"), _where(here.values()), indent=2)
            _print_hunk(printer, hunk, here)
            said = [each for found in here.values() for each in found]
            left = [each for each in left if each not in said]
    for annotation in left:
        _print_outside(printer, annotation)


def _where(annotated: Iterable[Sequence[Annotation]]) -> str:
    """The functions that are spoken of; git's own hunk header names the one before."""
    names = dict.fromkeys(each.finding.function for found in annotated for each in found)
    functions = [f"{name}()" for name in names if name]
    return f" in {', '.join(functions)}" if functions else ""


def _on(row: Row, annotations: Sequence[Annotation]) -> list[Annotation]:
    """The annotations of this row. A context row has both sides; new findings stand there."""
    return [
        each
        for each in annotations
        if each.finding.span.line == (row.new if each.finding.span.side is Side.NEW else row.old)
    ]


def _print_hunk(printer: Printer, hunk: Hunk, here: dict[int, list[Annotation]]) -> None:
    rows = hunk.rows
    windows = list(_windows(sorted(here), len(rows)))
    longest = max(
        len(rows[i].text.expandtabs(8)) for start, stop in windows for i in range(start, stop)
    )
    tab = 8 if longest <= printer.console.width - GUTTER else 4
    for start, stop in windows:
        if start != windows[0][0]:
            printer.line("...", indent=GUTTER - 4)
        for i in range(start, stop):
            row = rows[i]
            printer.code(row.text, row.old if row.sign == "-" else row.new, row.sign, tab)
            for annotation in here.get(i, ()):
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
    where = _where([[annotation]])
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
