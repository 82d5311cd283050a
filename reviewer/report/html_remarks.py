"""One remark on the page: what a rule found, or what a person said."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reviewer.mail.comment import Outcome, Scope
from reviewer.model import Side, Status
from reviewer.report.html_text import day, joined, line, lines, lore, paragraphs, text
from reviewer.report.html_view import Found
from reviewer.report.printer import count
from reviewer.report.remarks import SCOPE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reviewer.discussion.talk import FindingHistory
    from reviewer.mail.comment import ReviewComment
    from reviewer.model import Evidence, Fix
    from reviewer.report.html_view import Place, Remark, Said, ThreadView
    from reviewer.review import Annotation

_LONGEST_COMMENT = 10_000
_LONGEST_CODE = 400
_MOST_EVIDENCE = 20
_MOST_LINKS = 10  # to others that say the same


class Where(NamedTuple):
    """Where remarks stand: the revision by its label, and the rows that evidence can link to."""

    thread: ThreadView
    label: str
    rows: Mapping[Place, str]


def written(remarks: Iterable[Remark], where: Where, *, on_row: bool = False) -> Iterator[str]:
    """The remarks of one place; `on_row` says that the line they are about stands above."""
    for remark in remarks:
        if isinstance(remark, Found):
            yield from _finding(remark, where)
        else:
            yield from _comment(remark, where.thread, on_row=on_row)


def _opened(remark: Remark, kind: str, look: str, rules: Iterable[str], state: str) -> str:
    """The start of the element. The script filters by what the data attributes say."""
    if isinstance(remark, Found):
        span = remark.annotation.finding.span
        name = f"{kind} at {span.path}:{span.line}"
    else:
        name = f"{remark.comment.author} said"
    return (
        f'<article class="remark {kind}{look}" id="{remark.id}" tabindex="-1"'
        f' aria-label="{text(name)}" data-kind="{kind}" data-rules="{text(" ".join(rules))}"'
        f' data-state="{state}">'
    )


def _finding(remark: Found, where: Where) -> Iterator[str]:
    annotation, thread = remark.annotation, where.thread
    finding = annotation.finding
    past = thread.discussion.histories.get((where.label, annotation.fingerprint))
    done = annotation.status is Status.FIXED or (past is not None and past.gone is not None)
    severity = annotation.severity.name.lower()
    state = "addressed" if done else "open"
    yield _opened(remark, severity, "", (annotation.rule,), state)
    yield f'<p class="head">{_head(annotation, past, where.label)}</p>'
    yield f'<p class="message">{text(finding.message)}</p>'
    yield from _all_evidence(finding.evidence, where.rows)
    if finding.fix:
        yield from _fix(finding.fix)
    told = thread.discussion.agreement.comments.get(annotation.fingerprint, ())
    people = [thread.said[each] for each in told[:_MOST_LINKS] if each in thread.said]
    if people:
        names = ", ".join(f'<a href="#{each.id}">{_author(each.comment)}</a>' for each in people)
        yield f'<p class="also">Said by people too: {names}</p>'
    yield "</article>"


def _head(annotation: Annotation, past: FindingHistory | None, label: str) -> str:
    status = "" if annotation.status is Status.INTRODUCED else f"{annotation.status.value} "
    since = past.since if past and not past.is_new(label) else ""
    gone = past.gone if past and past.gone else ""
    function = annotation.finding.function
    return joined(
        f'<strong class="severity">{status}{annotation.severity.name.lower()}</strong>',
        f"<code>{text(annotation.rule)}</code>",
        annotation.confidence.name.lower(),
        f"in <code>{text(function)}()</code>" if function else "",
        f"since {text(since)}" if since else "",
        f'<span class="state addressed">gone in {text(gone)}</span>' if gone else "",
    )


def _all_evidence(evidence: tuple[Evidence, ...], rows: Mapping[Place, str]) -> Iterator[str]:
    if not evidence:
        return
    yield f'<details class="evidence"><summary>Evidence: {count(len(evidence), "place")}'
    yield "</summary><ul>"
    for each in evidence[:_MOST_EVIDENCE]:
        yield _evidence(each, rows)
    if len(evidence) > _MOST_EVIDENCE:
        yield f"<li>and {len(evidence) - _MOST_EVIDENCE} more</li>"
    yield "</ul></details>"


def _evidence(evidence: Evidence, rows: Mapping[Place, str]) -> str:
    span = evidence.span
    where = f"<code>{text(span.path)}:{span.line}</code>"
    if element := rows.get((span.path, span.side, span.line)):
        where = f'<a href="#{element}">{where}</a>'
    side = " (before the patch)" if span.side is Side.OLD else ""
    code = line(span.code.strip(), _LONGEST_CODE)
    return f"<li>{where}{side}: {text(evidence.note)}<pre>{code}</pre></li>"


def _fix(fix: Fix) -> Iterator[str]:
    yield f'<p class="fix"><strong>Fix:</strong> {text(fix.title)}</p>'
    if fix.diff:
        shown = lines(fix.diff.strip("\n"), _LONGEST_COMMENT)
        yield f"<details><summary>As a diff</summary><pre>{shown}</pre></details>"


def _comment(said: Said, thread: ThreadView, *, on_row: bool) -> Iterator[str]:
    comment = said.comment
    fingerprints = thread.discussion.agreement.findings.get(comment.id, ())
    keys = ((comment.patch, each) for each in fingerprints[:_MOST_LINKS])
    same = [found for key in keys if (found := thread.found.get(key))]
    rules = dict.fromkeys(each.annotation.rule for each in same)
    state = thread.discussion.verdict(comment).outcome.value if comment.wants else "none"
    yield _opened(said, "people", " reply" if comment.answers else "", rules, state)
    yield f'<p class="head">{_who(comment, thread, on_row=on_row)}</p>'
    if comment.anchor.code and not on_row:
        yield f'<pre class="quoted">{line(comment.anchor.code, _LONGEST_CODE)}</pre>'
    yield from paragraphs(comment.text, _LONGEST_COMMENT)
    if same and not comment.by_author:
        names = ", ".join(f'<a href="#{each.id}">{text(each.annotation.rule)}</a>' for each in same)
        yield f'<p class="also">Said by a rule too: {names}</p>'
    yield "</article>"


def _who(comment: ReviewComment, thread: ThreadView, *, on_row: bool) -> str:
    where = "" if on_row else SCOPE.get(comment.anchor.scope, "")
    if not on_row and comment.anchor.scope is Scope.LINE and comment.anchor.line:
        where = f" on line {comment.anchor.line}"
    return joined(
        f"<strong>{_author(comment)}</strong>{where}",
        day(comment.date),
        "the author" if comment.by_author else comment.kind.value,
        _outcome(comment, thread),
        lore(comment.message_id),
    )


def _author(comment: ReviewComment) -> str:
    return text(comment.author or comment.address or "somebody")


def _outcome(comment: ReviewComment, thread: ThreadView) -> str:
    verdict = thread.discussion.verdict(comment)
    if not comment.wants or verdict.outcome is Outcome.UNKNOWN:
        return ""
    where = f" in {text(verdict.revision)}" if verdict.revision else ""
    why = f": {text(', '.join(verdict.evidence))}" if verdict.evidence else ""
    word = verdict.outcome.value
    return f'<span class="state {word}">{word}{where}</span>{why}'
