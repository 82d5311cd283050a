"""The review as JSON, schema 1. Keys are only ever added."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reviewer import __version__
from reviewer.model import Side
from reviewer.review import Threshold

if TYPE_CHECKING:
    from reviewer.model import Evidence, Fix, Problem
    from reviewer.review import Annotation, FileReview, PatchReview, Review, RevisionReview

    Value = str | int | bool | None | list["Value"] | dict[str, "Value"]
    Object = dict[str, Value]

SCHEMA = 1


def render(review: Review) -> str:
    """One JSON object, with a line end."""
    return json.dumps(report(review), indent=1) + "\n"


def report(review: Review) -> Object:
    """The whole report. `preexisting` and `fixed` findings and hunches are always listed."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "reviewer", "version": __version__},
        "targets": list(review.targets),
        "revisions": [_revision(each) for each in review.revisions],
        "comments": [],
        "agreement": {"both": 0, "rules_only": _shown(review), "humans_only": 0},
        "problems": [_problem(each) for each in review.problems],
    }


def _shown(review: Review) -> int:
    default = Threshold()
    patches = (patch for revision in review.revisions for patch in revision.patches)
    return sum(default.shows(each) for patch in patches for each in patch.annotations)


def _revision(reviewed: RevisionReview) -> Object:
    revision = reviewed.revision
    return {
        "label": revision.label,
        "version": revision.version,
        "message_id": revision.message_id,
        "subject": revision.subject,
        "author": revision.author,
        "date": revision.date.isoformat() if revision.date else None,
        "complete": revision.complete,
        "attestation": revision.attestation,
        "patches": [_patch(each) for each in reviewed.patches],
    }


def _patch(reviewed: PatchReview) -> Object:
    patch = reviewed.patch
    return {
        "message_id": patch.message_id,
        "subject": patch.subject,
        "author": patch.author,
        "date": patch.date.isoformat() if patch.date else None,
        "position": patch.position,
        "of": patch.of,
        "origin": patch.origin.value,
        "files": [_file(each) for each in reviewed.files],
        "findings": [_finding(each) for each in reviewed.annotations],
    }


def _file(reviewed: FileReview) -> Object:
    return {
        "path": reviewed.file.path,
        "change": reviewed.file.change.value,
        "context": reviewed.context.value,
        "reason": reviewed.reason,
        "functions": reviewed.functions,
        "unparsed": reviewed.unparsed,
    }


def _finding(annotation: Annotation) -> Object:
    finding = annotation.finding
    return {
        "rule": annotation.rule,
        "severity": annotation.severity.name.lower(),
        "confidence": annotation.confidence.name.lower(),
        "status": annotation.status.value,
        "path": finding.span.path,
        "line": finding.span.line,
        "side": finding.span.side.value,
        "function": finding.function,
        "code": finding.span.code,
        "message": finding.message,
        "evidence": [_evidence(each) for each in finding.evidence],
        "fix": _fix(finding.fix),
        "comments": [],
        "fingerprint": annotation.fingerprint,
    }


def _evidence(evidence: Evidence) -> Object:
    span = evidence.span
    side = {"side": "old"} if span.side is Side.OLD else {}
    return {"path": span.path, "line": span.line, "code": span.code, "note": evidence.note, **side}


def _fix(fix: Fix | None) -> Object | None:
    if fix is None:
        return None
    return {"title": fix.title, "safety": fix.safety.value, "diff": fix.diff}


def _problem(problem: Problem) -> Object:
    return {"where": problem.where, "what": problem.what}
