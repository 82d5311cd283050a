"""The review for a person at a terminal: what it says of each revision, then a summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.report.hunks import print_hunks
from reviewer.report.printer import Printer, count
from reviewer.report.summary import print_summary

if TYPE_CHECKING:
    from rich.console import Console

    from reviewer.review import PatchReview, Review, RevisionReview, Threshold


def render(review: Review, console: Console, threshold: Threshold) -> None:
    """Print the review. Colour and width are the console's."""
    printer = Printer(console)
    for revision in review.revisions:
        _print_revision(printer, revision, threshold)
    print_summary(printer, review, threshold)


def _print_revision(printer: Printer, reviewed: RevisionReview, threshold: Threshold) -> None:
    revision = reviewed.revision
    date = f", {revision.date:%Y-%m-%d}" if revision.date else ""
    missing = "" if revision.complete else ", not complete"
    printer.line((revision.label, "bold"), "  ", (revision.subject, "bold"))
    printer.line(
        f"{revision.author}{date}, {count(len(reviewed.patches), 'patch', 'patches')}{missing}",
        indent=4,
    )
    if revision.attestation:
        printer.line(f"attestation: {revision.attestation}", indent=4)
    for patch in reviewed.patches:
        _print_patch(printer, patch, threshold)
    printer.blank()


def _print_patch(printer: Printer, reviewed: PatchReview, threshold: Threshold) -> None:
    shown = [each for each in reviewed.annotations if threshold.shows(each)]
    verdict = "" if shown else "  nothing to say"
    printer.line(reviewed.patch.subject, (verdict, "green"), indent=2)
    for file in reviewed.files:
        print_hunks(printer, file, [each for each in file.annotations if threshold.shows(each)])
