"""Which findings and which comments are the same remark."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from reviewer.discussion.talk import Agreement
from reviewer.mail.topics import topics_of
from reviewer.model import Side, Status
from reviewer.review import Threshold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reviewer.mail.comment import ReviewComment
    from reviewer.model import Finding
    from reviewer.review import Annotation, Review

_NEAR = 3  # lines between what a finding and what a comment points at
_WITHIN = 15  # lines that a quoted range may be away, when no name connects the two
_MOST = 2  # topics of the words of a finding beside its family
# These tell what code does rather than what is wrong with it.
_SUBJECTS = frozenset(("api", "async", "drv", "iter", "logic", "process", "trace"))
_NAME = re.compile(r"[A-Za-z_]\w{3,}")
_COMMON_WORDS = """
    after before been being break called case code const does else from function goto have here into
    just line long need only return same should sizeof static struct switch than that them then
    there they this unsigned void what when which while will with would
"""
_COMMON = frozenset(_COMMON_WORDS.split())


def agree(
    review: Review, comments: Sequence[ReviewComment], shown: Threshold | None = None
) -> Agreement:
    """Match comments with the introduced findings of the patch that they are about.

    They agree when they lie on the same code and share a topic. What is below `shown`, as
    hunches are by default, is linked but not counted. Comments of robots are left out.
    """
    threshold = shown or Threshold()
    people = [each for each in comments if not each.bot and each.anchor.path is not None]
    findings = _by_patch(review)
    links = [
        (comment, annotation)
        for comment in people
        for annotation in findings.get(comment.patch, ())
        if is_same_remark(comment, annotation.finding, annotation.rule)
    ]
    visible = {each.fingerprint for each in review.annotations if threshold.shows(each)}
    seconded = {comment.id for comment, each in links if each.fingerprint in visible}
    wanted = {each.id for each in people if each.wants}
    return Agreement(
        findings=_grouped((comment.id, each.fingerprint) for comment, each in links),
        comments=_grouped((each.fingerprint, comment.id) for comment, each in links),
        both=len(wanted & seconded),
        rules_only=len(visible - {each.fingerprint for _, each in links}),
        humans_only=len(wanted - seconded),
    )


def _by_patch(review: Review) -> dict[str, list[Annotation]]:
    """The introduced findings by the mail that posted their patch."""
    found: dict[str, list[Annotation]] = defaultdict(list)
    for revision in review.revisions:
        for patch in revision.patches:
            found[patch.patch.message_id] += [
                each for each in patch.annotations if each.status is Status.INTRODUCED
            ]
    return found


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for key, value in pairs:
        found[key][value] = None
    return {key: tuple(values) for key, values in found.items()}


def is_same_remark(comment: ReviewComment, finding: Finding, rule: str) -> bool:
    """Whether a comment on the same patch says what a finding says."""
    if not _is_on_same_code(comment, finding):
        return False
    shared = topics_of_finding(finding, rule).intersection(_topics(comment))
    dangers = shared - (_SUBJECTS - {rule.partition("/")[0]})
    return bool(dangers) or (bool(shared) and _names(comment.text, finding))


def topics_of_finding(finding: Finding, rule: str) -> frozenset[str]:
    """The family of its rule, and what its words are about."""
    notes = (each.note for each in finding.evidence)
    said = "\n".join((finding.message, finding.fix.title if finding.fix else "", *notes))
    return frozenset((rule.partition("/")[0], *topics_of(said, finding.span.code)[:_MOST]))


def _topics(comment: ReviewComment) -> tuple[str, ...]:
    return comment.topics or topics_of(comment.text, comment.anchor.code or "")


def _is_on_same_code(comment: ReviewComment, finding: Finding) -> bool:
    span, anchor = finding.span, comment.anchor
    if anchor.path != span.path:
        return False
    pointed = [
        line
        for line, side in ((anchor.line, anchor.side), (anchor.last, anchor.last_side))
        if line is not None and side is span.side
    ]
    distance = min((_distance(line, span.line, span.last) for line in pointed), default=None)
    if distance is not None and distance <= _NEAR:
        return True
    quoted = anchor.new if span.side is Side.NEW else anchor.old
    if quoted is None or span.last < quoted[0] or span.line > quoted[1]:
        return False
    # A long quote is about many things: the words must lead to the finding.
    return (distance is not None and distance <= _WITHIN) or _names(comment.text, finding)


def _distance(line: int, first: int, last: int) -> int:
    return max(first - line, line - last, 0)


def _names(text: str, finding: Finding) -> bool:
    """Whether the text names something of the line, or the function, that the finding is on."""
    code = set(_NAME.findall(finding.span.code)) | {finding.function or ""}
    return bool((code - _COMMON) & set(_NAME.findall(text)))
