"""The diff on the page: files, hunks and rows, each remark under its row."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from reviewer.diff.patch import Change
from reviewer.model import Context
from reviewer.report.html_remarks import written
from reviewer.report.html_text import joined, line, text
from reviewer.report.printer import count
from reviewer.report.summary import CONTEXT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reviewer.diff.patch import Hunk, Row
    from reviewer.report.html_remarks import Where
    from reviewer.report.html_view import FileView
    from reviewer.review import FileReview

_LONGEST_ROW = 1000
_AROUND = 10  # rows that stay in view before and after a remark in a folded hunk
_WORTH_FOLDING = 20  # rows

_CHANGE = {Change.MODIFIED: "", Change.NEW: "new file", Change.MODE: "mode changed"}
_CLASS = {"+": "add", "-": "del", " ": "ctx"}


def file_diff(view: FileView, where: Where, *, big: bool) -> Iterator[str]:
    """A file of a patch. Of a big patch, what nobody speaks of is folded."""
    remarks = sum(1 for _ in view.remarks)
    unfolded = " open" if remarks or not big else ""
    yield f'<details class="file" id="{view.id}"{unfolded}>'
    yield f"<summary><h4>{_name(view.reviewed)}</h4> {_counts(view.reviewed, remarks)}</summary>"
    yield from written(view.above, where)
    fold = not view.whole or (big and remarks > 0)
    said: dict[int, list[int]] = defaultdict(list)
    for number, row in view.on_rows:
        said[number].append(row)
    for number, hunk in enumerate(view.reviewed.file.hunks):
        yield _hunk_header(hunk)
        runs = _runs(said[number], len(hunk.rows)) if fold else ((0, len(hunk.rows), True),)
        for start, stop, near in runs:
            yield from _run(view, number, range(start, stop), where, near=near)
    yield from _outside(view, where)
    yield "</details>"


def _name(reviewed: FileReview) -> str:
    diff = reviewed.file
    if diff.old_path != diff.path:
        return f"{text(diff.old_path)} \N{RIGHTWARDS ARROW} {text(diff.path)}"
    return text(diff.path)


def _counts(reviewed: FileReview, remarks: int) -> str:
    """What the patch does with the file, how much of it was seen, and how much is said."""
    signs = Counter(row.sign for hunk in reviewed.file.hunks for row in hunk.rows)
    change = reviewed.file.change
    return joined(
        f'<span class="plus">+{signs["+"]}</span> <span class="minus">-{signs["-"]}</span>',
        _CHANGE.get(change, change.value),
        _context(reviewed),
        "" if reviewed.file.complete else "not complete",
        f'<span class="said">{count(remarks, "remark")}</span>' if remarks else "",
    )


def _context(reviewed: FileReview) -> str:
    """How much was seen of the file, when that was not all."""
    if reviewed.context is Context.BLOB:
        return ""
    seen = CONTEXT[reviewed.context]
    why = reviewed.reason if reviewed.context is Context.HUNKS else None
    return f"{seen} ({text(why)})" if why else seen


def _hunk_header(hunk: Hunk) -> str:
    section = line(hunk.section.strip(), _LONGEST_ROW)
    return f'<p class="at">@@ -{hunk.old_start} +{hunk.new_start} @@ {section}</p>'


def _run(view: FileView, number: int, indices: range, where: Where, *, near: bool) -> Iterator[str]:
    """Rows of a hunk; folded, or counted, when they are not near a remark."""
    if near:
        yield from _rows(view, number, indices, where)
    elif view.whole:
        yield f'<details class="fold"><summary>{len(indices)} more lines</summary>'
        yield from _rows(view, number, indices, where)
        yield "</details>"
    else:
        yield f'<p class="left-out">{len(indices)} lines are not on this page</p>'


def _runs(said: Sequence[int], rows: int) -> Iterator[tuple[int, int, bool]]:
    """Runs of rows, and whether each is near a remark, or too short to be worth folding."""
    done = 0
    for start, stop in _windows(said, rows):
        if done < start:
            yield done, start, start - done < _WORTH_FOLDING
        yield start, stop, True
        done = stop
    if done < rows:
        yield done, rows, rows - done < _WORTH_FOLDING


def _windows(said: Sequence[int], rows: int) -> Iterator[tuple[int, int]]:
    """The rows around each remark, without those that the window before has."""
    done = 0
    for row in said:
        start, stop = max(done, row - _AROUND), min(rows, row + _AROUND + 1)
        if start < stop:
            yield start, stop
            done = stop


def _rows(view: FileView, number: int, indices: range, where: Where) -> Iterator[str]:
    """The rows of a run; the remarks stand between two blocks of code."""
    hunk = view.reviewed.file.hunks[number]
    yield "<pre>"
    for index in indices:
        at = number, index
        said = view.on_rows.get(at)
        yield _row(hunk.rows[index], view.targets.get(at), marked=said is not None)
        if said:
            yield "</pre>"
            yield from written(said, where, on_row=True)
            yield "<pre>"
    yield "</pre>"


def _row(row: Row, element: str | None = None, *, marked: bool = False) -> str:
    """The line end is inside: the row is a block, and copied text has it."""
    number = row.old if row.sign == "-" else row.new
    name = f' id="{element}"' if element else ""
    look = _CLASS[row.sign] + (" marked" if marked else "")
    code = line(row.text, _LONGEST_ROW)
    return f'<span class="{look}"{name} data-line="{number}">{row.sign}{code}\n</span>'


def _outside(view: FileView, where: Where) -> Iterator[str]:
    """Findings on lines that the mail does not show: the patch made them wrong from afar."""
    for found in view.outside:
        span = found.annotation.finding.span
        yield '<p class="at">outside of the hunks</p><pre>'
        yield f'<span class="ctx marked" data-line="{span.line}"> '
        yield f"{line(span.code, _LONGEST_ROW)}\n</span></pre>"
        yield from written((found,), where, on_row=True)
