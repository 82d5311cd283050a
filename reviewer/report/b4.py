"""The review as the checks of b4 read it.

`render` is for `b4.review-perpatch-check-cmd` and `b4.review-series-check-cmd`: JSON with one
result for the tool. b4 keeps one row for each message and tool, so findings must be added up, and
its database takes strings alone, so `details` is JSON inside of a string. `lines` is for
`b4.prep-perpatch-check-cmd` and `b4.am-perpatch-check-cmd`: b4 takes every line as a finding, as an
error where it holds `ERROR:`, so a clean patch must give none.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from reviewer.model import Severity
from reviewer.report.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reviewer.model import Problem
    from reviewer.review import Annotation, Threshold
    from reviewer.run import Result

TOOL = "reviewer"

_STATUS = {Severity.ERROR: "fail", Severity.WARNING: "warn", Severity.NOTE: "pass"}
_WORST = ("fail", "warn", "pass")
_ERROR = "ERROR:"
_MOST_ENTRIES = 500
_MOST_CODE = 200  # characters of a line of code


def render(result: Result, threshold: Threshold) -> str:
    """One result in a list, with a line end; a clean review is an explicit pass."""
    annotations = _shown(result, threshold)
    problems = result.review.problems
    entries = [_entry(each) for each in annotations] + [_problem(each) for each in problems]
    status = next(each for each in _WORST if each in {*(e["status"] for e in entries), "pass"})
    return _one(status, _summary(annotations, problems), entries[:_MOST_ENTRIES])


def nothing_to_check(why: str) -> str:
    """The pass of a mail that has no patch to check, such as a cover letter."""
    return _one("pass", plain(why), [])


def not_checked(why: str) -> str:
    """The result when the work could not be done: nobody shall take it for a pass."""
    return _one("warn", f"not checked: {plain(why)}", [])


def lines(result: Result, threshold: Threshold) -> str:
    """A line for each finding and each problem; nothing when there is none."""
    found = [_line(each) for each in _shown(result, threshold)]
    found += [f"problem: {_where(each)}: {plain(each.what)}" for each in result.review.problems]
    return "".join(f"{line}\n" for line in found)


def not_checked_line(why: str) -> str:
    """As `not_checked`, for `lines`."""
    return f"not checked: {plain(why)}\n"


def _one(status: str, summary: str, entries: list[dict[str, str]]) -> str:
    details = json.dumps(entries) if entries else ""
    row = {"tool": TOOL, "status": status, "summary": summary, "url": "", "details": details}
    return json.dumps([row]) + "\n"


def _shown(result: Result, threshold: Threshold) -> list[Annotation]:
    return [each for each in result.review.annotations if threshold.shows(each)]


def _summary(annotations: Iterable[Annotation], problems: Iterable[Problem]) -> str:
    """`1 error, 2 warnings`."""
    by = Counter(each.severity for each in annotations)
    counts = [(by[severity], severity.name.lower()) for severity in reversed(Severity)]
    counts.append((len(tuple(problems)), "problem"))
    said = [f"{number} {what}{'s' if number > 1 else ''}" for number, what in counts if number]
    return ", ".join(said) or "nothing to say"


def _entry(annotation: Annotation) -> dict[str, str]:
    """As b4 shows one check of many: dot, state, context, description, line of code."""
    span = annotation.finding.span
    return {
        "status": _STATUS[annotation.severity],
        "state": annotation.severity.name.lower(),
        "context": f"{plain(span.path)}:{span.line} {annotation.rule}",
        "description": "; ".join(_sentences(annotation)),
        "srcline": plain(span.code.strip())[:_MOST_CODE],
    }


def _problem(problem: Problem) -> dict[str, str]:
    what = {"context": _where(problem), "description": plain(problem.what)}
    return {"status": "warn", "state": "problem", **what}


def _where(problem: Problem) -> str:
    return plain(problem.where).strip("<>")


def _sentences(annotation: Annotation) -> Iterator[str]:
    """The message, what makes it true, and what to do instead."""
    finding = annotation.finding
    yield plain(finding.message)
    for evidence in finding.evidence:
        yield f"{plain(evidence.span.path)}:{evidence.span.line}: {plain(evidence.note)}"
    if finding.fix:
        yield f"fix: {plain(finding.fix.title)}"


def _line(annotation: Annotation) -> str:
    span = annotation.finding.span
    label = _ERROR if annotation.severity is Severity.ERROR else f"{annotation.severity.name}:"
    mark = f"[{annotation.rule}, {annotation.confidence.name.lower()}]"
    said = f"{'; '.join(_sentences(annotation))} {mark}"
    # Names in the code may not turn a warning into an error.
    return f"{plain(span.path)}:{span.line}: {label} {said.replace(_ERROR, 'ERROR :')}"
