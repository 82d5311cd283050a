"""Findings of the old text against findings of the new: introduced, preexisting or fixed.

They are matched by rule, path, function and normalised code, never by line number, so a finding
that only moved is not the patch's doing.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from reviewer.model import Confidence, Side, Status
from reviewer.review import Annotation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reviewer.diff.patch import FileDiff
    from reviewer.model import Finding
    from reviewer.rule import Rule

    Found = tuple[Rule, Finding]
    Key = tuple[str, str | None, str]

_SPACE = re.compile(r"\s+")


def annotate(
    new: Iterable[Found],
    old: Iterable[Found],
    file: FileDiff,
    unparsed: frozenset[str | None] = frozenset(),
) -> tuple[Annotation, ...]:
    """The findings of both sides with their status, by line, each said once.

    In a function that the grammar could not read whole (`unparsed`), nothing is more than a hunch.
    """
    added, removed = changed_lines(file, Side.NEW), changed_lines(file, Side.OLD)
    were, are = _by_key(old), _by_key(new)
    annotations: list[Annotation] = []
    ordinals: Counter[Key] = Counter()
    for key in dict.fromkeys((*are, *were)):
        here, there = are.get(key, []), were.get(key, [])
        surplus = len(here) - len(there)
        introduced = {id(found) for found in _prefer(here, added)[: max(0, surplus)]}
        fixed = _prefer(there, removed)[: max(0, -surplus)]
        statuses = [Status.INTRODUCED if id(f) in introduced else Status.PREEXISTING for f in here]
        statuses += [Status.FIXED] * len(fixed)
        for found, status in zip((*here, *fixed), statuses, strict=True):
            annotations.append(_annotation(found, status, key, ordinals, unparsed))
    return tuple(sorted(annotations, key=_place))


def changed_lines(file: FileDiff, side: Side) -> frozenset[int]:
    """The lines that only this side has."""
    if side is Side.NEW:
        return frozenset(r.new for h in file.hunks for r in h.rows if r.sign == "+" and r.new)
    return frozenset(r.old for h in file.hunks for r in h.rows if r.sign == "-" and r.old)


def normalised(code: str) -> str:
    """Code without its white space: what stays the same when a line is only moved or indented."""
    return _SPACE.sub("", code)


def _by_key(found: Iterable[Found]) -> dict[Key, list[Found]]:
    """One finding for each rule, line and code."""
    grouped: dict[Key, list[Found]] = defaultdict(list)
    seen: set[tuple[str, int, str]] = set()
    for rule, finding in found:
        span = finding.span
        if (rule.id, span.line, span.code) not in seen:
            seen.add((rule.id, span.line, span.code))
            grouped[rule.id, finding.function, normalised(span.code)].append((rule, finding))
    return grouped


def _prefer(found: Sequence[Found], lines: frozenset[int]) -> list[Found]:
    """Those on changed lines first: of several equal ones, they are what the patch did."""
    return sorted(found, key=lambda each: each[1].span.line not in lines)


def _annotation(
    found: Found,
    status: Status,
    key: Key,
    ordinals: Counter[Key],
    unparsed: frozenset[str | None],
) -> Annotation:
    rule, finding = found
    confidence = rule.confidence if finding.confidence is None else finding.confidence
    if finding.function in unparsed:
        confidence = Confidence.HUNCH
    ordinals[key] += 1
    return Annotation(
        rule=rule.id,
        finding=finding,
        status=status,
        severity=rule.severity if finding.severity is None else finding.severity,
        confidence=confidence,
        fingerprint=_fingerprint(finding.span.path, key, ordinals[key]),
    )


def _fingerprint(path: str, key: Key, ordinal: int) -> str:
    """Sixteen hex digits. Equal lines of one function are told apart by their order."""
    rule, function, code = key
    parts = (rule, path, function or "", code, *((str(ordinal),) if ordinal > 1 else ()))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:16]


def _place(annotation: Annotation) -> tuple[int, bool, str]:
    span = annotation.finding.span
    return span.line, span.side is Side.NEW, annotation.rule
