"""The review as a compiler writes it, for quickfix lists and problem matchers.

`path:line:col: severity: message [rule]`, then a `note:` line for each piece of evidence and for
the fix. Lines and columns count from 1, and a tab is one column. What could not be done has no
place in the code, so its line is made to look like none that has.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.model import Side
from reviewer.report.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.model import Span
    from reviewer.review import Annotation, Threshold
    from reviewer.run import Result

_PLACE = re.compile(r":(?=\d)")


def render(result: Result, threshold: Threshold) -> str:
    """A line for each finding and each piece of evidence; "" when there is nothing to say.

    The revision is named where there are several, since each counts its own lines.
    """
    lines: list[str] = []
    several = len(result.review.revisions) > 1
    for reviewed in result.review.revisions:
        of = f" (in {plain(reviewed.revision.label)})" if several else ""
        for patch in reviewed.patches:
            shown = filter(threshold.shows, patch.annotations)
            lines += [line for annotation in shown for line in _lines(annotation, of)]
    for problem in result.review.problems:
        said = _one_line(f"{problem.where}: {problem.what}")
        lines.append(f"reviewer: {_PLACE.sub(': ', said)}")
    return "".join(f"{line}\n" for line in lines)


def _lines(annotation: Annotation, of: str) -> Iterator[str]:
    finding = annotation.finding
    severity = annotation.severity.name.lower()
    said = _one_line(finding.message)
    yield f"{_place(finding.span)}: {severity}: {said}{of} [{plain(annotation.rule)}]"
    for evidence in finding.evidence:
        before = " (before the patch)" if evidence.span.side is Side.OLD else ""
        yield f"{_place(evidence.span)}: note: {_one_line(evidence.note)}{before}"
    if finding.fix:
        yield f"{_place(finding.span)}: note: fix: {_one_line(finding.fix.title)}"


def _place(span: Span) -> str:
    column = len(span.code) - len(span.code.lstrip(" \t")) + 1
    return f"{plain(span.path)}:{span.line}:{column}"


def _one_line(text: str) -> str:
    return plain(" ".join(text.split()))
