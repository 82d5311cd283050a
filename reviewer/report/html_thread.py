"""The thread on the page: overview, tabs, filters, revisions and patches, closing lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer import __version__
from reviewer.mail.revision import Origin
from reviewer.report.html_diff import file_diff
from reviewer.report.html_remarks import Where, written
from reviewer.report.html_text import day, joined, lines, lore, text
from reviewer.report.html_view import Found
from reviewer.report.printer import count
from reviewer.report.summary import summary
from reviewer.report.table import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.report.html_view import PatchView, RevisionView, ThreadView
    from reviewer.review import Threshold
    from reviewer.run import Result

_LONGEST_DESCRIPTION = 20_000
_COLUMNS = re.compile(" {2,}")  # what separates the columns of the table in the terminal
_STATES = {"": "any", "open": "open", "addressed": "addressed", "unknown": "not known"}


def overview(result: Result, thread: ThreadView, threshold: Threshold) -> Iterator[str]:
    """Revision by revision, and how far the rules and the people agree."""
    rows = [row for row in table(result.review, result.discussion, threshold) if row]
    if rows:
        yield "<table><caption>Revision by revision</caption><thead><tr>"
        yield from (f'<th scope="col">{text(cell)}</th>' for cell in _COLUMNS.split(rows[0]))
        yield "</tr></thead><tbody>"
        for view, row in zip(thread.revisions, rows[1:], strict=False):
            label, *cells = _COLUMNS.split(row)
            yield f'<tr><th scope="row"><a href="#{view.id}">{text(label)}</a></th>'
            yield from (f"<td>{text(cell)}</td>" for cell in cells)
            yield "</tr>"
        yield "</tbody></table>"
        yield from (f"<p>{text(row)}</p>" for row in rows[1 + len(thread.revisions) :])
    yield from (f"<p>{text(sentence)}</p>" for sentence in summary(result.review, threshold))


def tabs(thread: ThreadView) -> Iterator[str]:
    """Links to the revisions, which the script makes tabs of, and what moves between remarks."""
    yield '<div id="bar"><nav aria-label="Revisions"><ul id="tabs">'
    current = _current(thread)
    for view in thread.revisions:
        remarks = sum(1 for _ in view.remarks)
        mark = ' data-first=""' if view is current else ""
        said = f' <span class="said">{remarks}</span>' if remarks else ""
        yield f'<li><a href="#{view.id}"{mark}>{text(view.reviewed.revision.label)}{said}</a></li>'
    yield "</ul></nav>"
    yield '<div id="moves" hidden>'
    yield _move("back", "Previous", "k p")
    yield _move("on", "Next", "j n")
    yield '<button type="button" id="unfold" aria-pressed="false">Unfold all</button>'
    yield '<span id="status" role="status"></span></div></div>'


def _move(name: str, words: str, keys: str) -> str:
    return (
        f'<button type="button" id="{name}" aria-label="{words} remark"'
        f' aria-keyshortcuts="{keys}">{words}</button> '
    )


def _current(thread: ThreadView) -> RevisionView | None:
    """The newest revision that is no diff in a reply: what a reader has come for."""
    newest = list(reversed(thread.revisions))
    series = (view for view in newest if view.reviewed.revision.answers is None)
    return next(series, newest[0] if newest else None)


def filters(thread: ThreadView) -> Iterator[str]:
    """What of the remarks is shown. Without the script all are, and this is hidden."""
    remarks = [*thread.elsewhere, *(each for view in thread.revisions for each in view.remarks)]
    if not remarks:
        return
    found = [each.annotation for each in remarks if isinstance(each, Found)]
    yield '<fieldset id="filters" hidden><legend>Show</legend>'
    for severity in sorted({each.severity for each in found}, reverse=True):
        yield _checkbox(severity.name.lower(), f"{severity.name.capitalize()}s")
    if thread.said:
        yield _checkbox("people", "People")
    if found:
        rules = {"": "any", **{rule: rule for rule in sorted({each.rule for each in found})}}
        yield _select("rule", "Rule", rules)
    yield _select("state", "State", _STATES)
    yield "</fieldset>"


def _checkbox(kind: str, name: str) -> str:
    return f'<label><input type="checkbox" name="kind" value="{kind}" checked> {name}</label>'


def _select(name: str, title: str, options: dict[str, str]) -> str:
    shown = "".join(
        f'<option value="{text(value)}">{text(words)}</option>' for value, words in options.items()
    )
    return f'<label>{title} <select name="{name}">{shown}</select></label>'


def revision(view: RevisionView, thread: ThreadView) -> Iterator[str]:
    """A revision with its patches."""
    its = view.reviewed.revision
    where = Where(thread, its.label, {})
    yield f'<section class="revision" id="{view.id}" aria-labelledby="{view.id}h">'
    posted = {patch.reviewed.patch.message_id for patch in view.patches}
    subject = "" if its.message_id in posted else f" <span>{text(its.subject)}</span>"
    yield f'<h2 id="{view.id}h">{text(its.label)}{subject}</h2>'
    facts = joined(
        text(its.author),
        day(its.date),
        count(len(view.patches), "patch", "patches"),
        "" if its.complete else "<strong>not complete</strong>",
        f"answers {text(its.answers)}" if its.answers else "",
        lore(its.message_id),
    )
    yield f'<p class="facts">{facts}</p>'
    if its.attestation:
        yield f'<p class="facts">attestation: {text(its.attestation)}</p>'
    yield from written(view.above, where)
    for patch in view.patches:
        yield from _patch(patch, view, Where(thread, its.label, patch.rows))
    yield "</section>"


def _patch(view: PatchView, of: RevisionView, where: Where) -> Iterator[str]:
    """A patch. Author and date are said where they are not those of the revision."""
    patch, its = view.reviewed.patch, of.reviewed.revision
    yield f'<section class="patch" id="{view.id}" aria-labelledby="{view.id}h">'
    yield f'<h3 id="{view.id}h">{text(patch.subject) or "a patch without subject"}</h3>'
    remarks = sum(1 for _ in view.remarks)
    facts = joined(
        text(patch.author) if patch.author != its.author else "",
        day(patch.date) if day(patch.date) != day(its.date) else "",
        count(remarks, "remark") if remarks else "nothing to say",
        lore(patch.message_id),
    )
    yield f'<p class="facts">{facts}</p>'
    if patch.description.strip():
        shown = lines(patch.description.strip(), _LONGEST_DESCRIPTION)
        own = patch.origin in (Origin.MAIL, Origin.COMMIT)
        name = "Commit message" if own else "Text above the diff"
        yield f"<details><summary>{name}</summary><pre>{shown}</pre></details>"
    yield from written(view.above, where)
    for file in view.files:
        yield from file_diff(file, where, big=view.big)
    yield "</section>"


def elsewhere(thread: ThreadView) -> Iterator[str]:
    """What people said about mails that are no revision."""
    if thread.elsewhere:
        yield '<section id="elsewhere"><h2>Elsewhere in the thread</h2>'
        yield from written(thread.elsewhere, Where(thread, "", {}))
        yield "</section>"


def closing(result: Result) -> Iterator[str]:
    """What could not be done, and what made the page."""
    problems = [f"{each.where}: {each.what}" for each in result.review.problems]
    if problems or result.failures:
        yield '<section id="problems"><h2>Problems</h2><ul>'
        yield from (f"<li>{text(each)}</li>" for each in (*result.failures, *problems))
        yield "</ul></section>"
    rules = count(len(result.review.rules), "rule")
    yield f"<p>reviewer {text(__version__)}, {rules}. Keys: j or n goes to the next remark,"
    yield " k or p to the one before; arrow keys change the tab.</p>"
