"""The review as SARIF 2.1.0, for code scanning and editors.

The standard: https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/. Each revision is a run of
its own, since lines count in its text. What the patch introduces is `new`. Readers exist that take
no notice of the baseline state, so what was wrong before (`unchanged`) and what the patch mends
(`absent`) is there only when the threshold shows more than the patch introduces.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from reviewer import __version__
from reviewer.library import load_rule, rule_files, rule_id_of, shipped
from reviewer.model import Confidence, Safety, Severity, Side, Status
from reviewer.report.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reviewer.diff.patch import Row
    from reviewer.model import Evidence, Finding, Fix, Problem, Span
    from reviewer.review import Annotation, PatchReview, RevisionReview, Threshold
    from reviewer.rule import Rule
    from reviewer.run import Result

    Value = str | int | float | bool | None | list["Value"] | dict[str, "Value"]
    Object = dict[str, Value]

VERSION = "2.1.0"
SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
FINGERPRINT = "reviewer/v1"

_ROOT = "SRCROOT"
_BASELINE = {
    Status.INTRODUCED: "new",
    Status.PREEXISTING: "unchanged",
    Status.FIXED: "absent",
}
_RANK = {Confidence.CERTAIN: 95.0, Confidence.LIKELY: 70.0, Confidence.HUNCH: 20.0}
_PRECISION = {
    Confidence.CERTAIN: "very-high",
    Confidence.LIKELY: "high",
    Confidence.HUNCH: "low",
}
_PROBLEM = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "recommendation"}


def render(result: Result, threshold: Threshold, rules: Sequence[Rule] | None = None) -> str:
    """One SARIF log, with a line end. `rules` are those that ran; None: the shipped ones."""
    revisions = [_shown(each, threshold) for each in result.review.revisions]
    wanted = {annotation.rule for _, found in revisions for _, annotation in found}
    known = {rule.id: rule for rule in rules} if rules is not None else _shipped(wanted)
    runs = [
        _run(reviewed, found, known, result if number == 0 else None, len(revisions) > 1)
        for number, (reviewed, found) in enumerate(revisions)
    ]
    log: Object = {"$schema": SCHEMA, "version": VERSION, "runs": [*runs]}
    return json.dumps(log, indent=1) + "\n"


def _shown(
    reviewed: RevisionReview, threshold: Threshold
) -> tuple[RevisionReview, list[tuple[PatchReview, Annotation]]]:
    mended = Status.PREEXISTING in threshold.statuses
    found = [
        (patch, annotation)
        for patch in reviewed.patches
        for annotation in patch.annotations
        if threshold.shows(annotation) or (mended and annotation.status is Status.FIXED)
    ]
    return reviewed, found


def _shipped(wanted: Iterable[str]) -> dict[str, Rule]:
    """The rules of these ids, as far as they are shipped."""
    ids = frozenset(wanted)
    paths = {rule_id_of(path): path for path in rule_files(shipped("rules"))} if ids else {}
    return {each: load_rule(path, each) for each, path in paths.items() if each in ids}


def _run(
    reviewed: RevisionReview,
    found: Sequence[tuple[PatchReview, Annotation]],
    known: dict[str, Rule],
    result: Result | None,
    several: bool,
) -> Object:
    ids = sorted({annotation.rule for _, annotation in found})
    index = {rule_id: number for number, rule_id in enumerate(ids)}
    revision = reviewed.revision
    run: Object = {
        "tool": {"driver": _driver([_descriptor(each, known.get(each)) for each in ids])},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": _message("the top of the source tree")}},
        "results": [_result(patch, each, index[each.rule]) for patch, each in found],
        "properties": {"revision": plain(revision.label), "subject": plain(revision.subject)},
    }
    if several:
        run["automationDetails"] = {"id": f"reviewer/{quote(revision.label)}/"}
    if result:
        run["invocations"] = [_invocation(result)]
    return run


def _driver(rules: Sequence[Object]) -> Object:
    return {"name": "reviewer", "semanticVersion": __version__, "rules": [*rules]}


def _invocation(result: Result) -> Object:
    """Whether all targets could be read, and what could not be done."""
    notes = [_notification(plain(each), "error") for each in result.failures]
    notes += [_notification(_said(each), "warning") for each in result.review.problems]
    return {
        "executionSuccessful": not result.failures,
        "toolExecutionNotifications": [*notes],
    }


def _said(problem: Problem) -> str:
    return f"{plain(problem.where)}: {plain(problem.what)}"


def _notification(text: str, level: str) -> Object:
    return {"level": level, "message": _message(text)}


def _descriptor(rule_id: str, rule: Rule | None) -> Object:
    """The page of a rule; of one that is not known, its id."""
    if rule is None:
        return {"id": plain(rule_id)}
    links = [link for link in rule.links if link.startswith("https://")]
    more = "\n\n".join((rule.explanation, *(f"<{link}>" for link in links)))
    page: Object = {
        "id": plain(rule.id),
        "shortDescription": _text(rule.title),
        "fullDescription": _text(rule.explanation.partition("\n\n")[0].replace("\n", " ")),
        "help": {**_text(rule.explanation), "markdown": _lines(more)},
        "defaultConfiguration": {
            "level": rule.severity.name.lower(),
            "rank": _RANK[rule.confidence],
        },
        "properties": {
            "tags": [rule.family],
            "precision": _PRECISION[rule.confidence],
            "problem.severity": _PROBLEM[rule.severity],
        },
    }
    if links:
        page["helpUri"] = quote(links[0], safe=":/?#[]@!$&'()*+,;=%-._~")
    return page


def _text(text: str) -> Object:
    return {"text": _lines(text) or "-"}


def _lines(text: str) -> str:
    return "\n".join(map(plain, text.splitlines()))


def _result(patch: PatchReview, annotation: Annotation, rule_index: int) -> Object:
    finding = annotation.finding
    result: Object = {
        "ruleId": plain(annotation.rule),
        "ruleIndex": rule_index,
        "level": annotation.severity.name.lower(),
        "rank": _RANK[annotation.confidence],
        "baselineState": _BASELINE[annotation.status],
        "message": _message(_sentences(finding)),
        "locations": [_location(finding)],
        "partialFingerprints": {FINGERPRINT: annotation.fingerprint},
        "properties": _properties(patch, annotation),
    }
    if finding.evidence:
        result["relatedLocations"] = [_related(*each) for each in enumerate(finding.evidence, 1)]
    if finding.fix and (changes := _changes(finding.fix)):
        title = _message(plain(finding.fix.title))
        result["fixes"] = [{"description": title, "artifactChanges": [*changes]}]
    return result


def _properties(patch: PatchReview, annotation: Annotation) -> Object:
    return {
        "confidence": annotation.confidence.name.lower(),
        "status": annotation.status.value,
        "side": annotation.finding.span.side.value,
        "patch": plain(patch.patch.message_id),
        "subject": plain(patch.patch.subject),
    }


def _sentences(finding: Finding) -> str:
    """The message, and what to do instead."""
    said = plain(finding.message).rstrip(". ")
    return f"{said}. Fix: {plain(finding.fix.title)}." if finding.fix else f"{said}."


def _message(text: str) -> Object:
    """Text that has neither placeholders nor links, which the standard finds in `{0}` and `[](`."""
    return {"text": text.replace("{", "{{").replace("}", "}}").replace("](", "] (")}


def _location(finding: Finding) -> Object:
    location: Object = {"physicalLocation": _physical(finding.span)}
    if finding.function:
        location["logicalLocations"] = [{"name": plain(finding.function), "kind": "function"}]
    return location


def _related(number: int, evidence: Evidence) -> Object:
    before = " (before the patch)" if evidence.span.side is Side.OLD else ""
    return {
        "id": number,
        "physicalLocation": _physical(evidence.span),
        "message": _message(f"{plain(evidence.note)}{before}"),
    }


def _physical(span: Span) -> Object:
    code = span.code
    region: Object = {
        "startLine": max(span.line, 1),
        "startColumn": len(code) - len(code.lstrip()) + 1 if code.strip() else 1,
    }
    if span.last > span.line:
        region["endLine"] = span.last
    elif code.strip():
        region["endColumn"] = len(code.rstrip()) + 1
        region["snippet"] = {"text": plain(code)}
    return {"artifactLocation": _artifact(span.path), "region": region}


def _artifact(path: str) -> Object:
    return {"uri": quote(path, safe="/", errors="replace"), "uriBaseId": _ROOT}


def _changes(fix: Fix) -> list[Object]:
    """The edits of a fix that may be applied; none of one that is only to be read."""
    if fix.diff is None or fix.safety is Safety.SKETCH:
        return []
    from reviewer.diff.patch import parse

    parsed = parse(fix.diff, "a fix")
    if parsed.problems:
        return []
    return [
        {
            "artifactLocation": _artifact(file.path),
            "replacements": [_replacement(hunk.old_start, hunk.rows) for hunk in file.hunks],
        }
        for file in parsed.files
        if file.hunks
    ]


def _replacement(start: int, rows: Sequence[Row]) -> Object:
    """Whole lines, with their ends."""
    old = [row for row in rows if row.sign != "+"]
    new = [row.text for row in rows if row.sign != "-"]
    first = start if old else start + 1  # a hunk with no old line stands behind the one it names
    return {
        "deletedRegion": {
            "startLine": first,
            "startColumn": 1,
            "endLine": first + len(old),
            "endColumn": 1,
        },
        "insertedContent": {"text": "".join(f"{line}\n" for line in new)},
    }
