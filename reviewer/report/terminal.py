"""The review for a person at a terminal: what is said of each revision, then a summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.report.hunks import is_on_a_row, print_hunks
from reviewer.report.printer import Printer, count
from reviewer.report.summary import print_summary

if TYPE_CHECKING:
    from rich.console import Console

    from reviewer.report.remarks import Remarks
    from reviewer.review import PatchReview, Review, RevisionReview, Threshold


def render(review: Review, remarks: Remarks, console: Console, threshold: Threshold) -> None:
    """Print the review. Colour and width are the console's."""
    printer = Printer(console)
    for revision in review.revisions:
        _print_revision(printer, revision, remarks, threshold)
    print_summary(printer, review, remarks.discussion, threshold)


def _print_revision(
    printer: Printer, reviewed: RevisionReview, remarks: Remarks, threshold: Threshold
) -> None:
    revision = reviewed.revision
    covered = revision.message_id not in {each.patch.message_id for each in reviewed.patches}
    date = f", {revision.date:%Y-%m-%d}" if revision.date else ""
    missing = "" if revision.complete else ", not complete"
    patches = count(len(reviewed.patches), "patch", "patches")
    printer.line((revision.label, "bold"), f"  {revision.author}{date}, {patches}{missing}")
    if revision.attestation:
        printer.line(f"attestation: {revision.attestation}", indent=2)
    if covered:
        printer.line((revision.subject, "bold"), indent=2)
        for comment in remarks.of(revision.message_id):
            remarks.print(printer, comment, indent=4)
    for patch in reviewed.patches:
        _print_patch(printer, patch, remarks, threshold)
    printer.blank()


def _print_patch(
    printer: Printer, reviewed: PatchReview, remarks: Remarks, threshold: Threshold
) -> None:
    shown = [each for each in reviewed.annotations if threshold.shows(each)]
    comments = remarks.of(reviewed.patch.message_id)
    verdict = "" if shown or comments else "  nothing to say"
    printer.line((reviewed.patch.subject, "bold"), (verdict, "green"), indent=2)
    for comment in comments:
        if not any(is_on_a_row(comment, file) for file in reviewed.files):
            remarks.print(printer, comment, indent=4)
    for file in reviewed.files:
        here = [each for each in comments if each.anchor.path == file.file.path]
        ours = [each for each in file.annotations if threshold.shows(each)]
        print_hunks(printer, file, ours, here, remarks)
