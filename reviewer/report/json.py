"""The review as JSON, schema 1. Keys are only ever added."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reviewer import __version__
from reviewer.model import Side

if TYPE_CHECKING:
    from reviewer.discussion.talk import Agreement, Discussion
    from reviewer.mail.comment import ReviewComment
    from reviewer.model import Evidence, Fix, Problem
    from reviewer.review import Annotation, FileReview, PatchReview, Review, RevisionReview

    Value = str | int | bool | None | list["Value"] | dict[str, "Value"]
    Object = dict[str, Value]

SCHEMA = 1


def render(review: Review, discussion: Discussion) -> str:
    """One JSON object, with a line end."""
    return json.dumps(report(review, discussion), indent=1) + "\n"


def report(review: Review, discussion: Discussion) -> Object:
    """The whole report. `preexisting` and `fixed` findings and hunches are always listed."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "reviewer", "version": __version__},
        "targets": list(review.targets),
        "revisions": [_revision(each, discussion) for each in review.revisions],
        "comments": [_comment(each, discussion) for each in discussion.comments],
        "agreement": _agreement(discussion.agreement),
        "problems": [_problem(each) for each in review.problems],
    }


def _agreement(agreement: Agreement) -> Object:
    return {
        "both": agreement.both,
        "rules_only": agreement.rules_only,
        "humans_only": agreement.humans_only,
    }


def _revision(reviewed: RevisionReview, discussion: Discussion) -> Object:
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
        "patches": [_patch(each, revision.label, discussion) for each in reviewed.patches],
    }


def _patch(reviewed: PatchReview, label: str, discussion: Discussion) -> Object:
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
        "findings": [_finding(each, label, discussion) for each in reviewed.annotations],
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


def _finding(annotation: Annotation, label: str, discussion: Discussion) -> Object:
    finding = annotation.finding
    past = discussion.histories.get((label, annotation.fingerprint))
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
        "comments": [*discussion.agreement.comments.get(annotation.fingerprint, ())],
        "fingerprint": annotation.fingerprint,
        "since": past.since if past else None,
        "gone": past.gone if past else None,
    }


def _comment(comment: ReviewComment, discussion: Discussion) -> Object:
    anchor, verdict = comment.anchor, discussion.verdict(comment)
    lines = anchor.new if anchor.side is Side.NEW else anchor.old
    return {
        "id": comment.id,
        "message_id": comment.message_id,
        "author": comment.author,
        "date": comment.date.isoformat() if comment.date else None,
        "patch": comment.patch,
        "path": anchor.path,
        "line": anchor.line,
        "range": list(lines) if lines else None,
        "side": anchor.side.value,
        "scope": anchor.scope.value,
        "code": anchor.code,
        "text": comment.text,
        "topics": list(comment.topics),
        "kind": comment.kind.value,
        "outcome": verdict.outcome.value,
        "outcome_evidence": list(verdict.evidence),
        "outcome_in": verdict.revision,
        "findings": [*discussion.agreement.findings.get(comment.id, ())],
        "answers": comment.answers,
        "by_author": comment.by_author,
        "bot": comment.bot,
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
