"""A patch as a reply quotes it: the rows that lead to a remark, and the remark below its row."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.model import Side
from reviewer.report.plain import plain
from reviewer.report.wording import quoted_code, remark, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reviewer.diff.patch import FileDiff, Hunk, Row
    from reviewer.review import Annotation, FileReview

ELISION = "[ ... ]"
"""Stands where something of the patch is left out."""

_LEAD = 8  # rows that are quoted above a remark
_SHORT = 14  # as many rows are quoted whole rather than cut
_FAR = 300  # rows back in which the head of the function is looked for
_SAME = "Same here."


@dataclass(frozen=True, slots=True)
class _Remark:
    annotation: Annotation
    exact: bool  # False: no hunk shows its line, it stands below the nearest change


_Hunk = defaultdict[int, list[_Remark]]  # by index of the row


def excerpt(files: Iterable[FileReview], annotations: Iterable[Annotation]) -> list[str]:
    """The quoted files that one of the annotations is about, with the remarks in between.

    A remark stands below the row of its line, with an empty line above and below; a remark that
    repeats an earlier one word by word is not written out again.
    """
    wanted = set(annotations)
    said: set[str] = set()
    lines: list[str] = []
    for file in files:
        here = [each for each in dict.fromkeys(file.annotations) if each in wanted]
        if here:
            lines += [ELISION] if lines else []
            lines += _file(file.file, here, said)
    return lines


def _file(file: FileDiff, annotations: Sequence[Annotation], said: set[str]) -> Iterator[str]:
    yield _quoted(f"diff --git a/{file.old_path} b/{file.path}")
    if not file.hunks:
        yield from _remarks([_Remark(each, exact=False) for each in annotations], (), said)
        return
    placed = _placed(file, annotations)
    following = 0
    for number in sorted(placed):
        hunk = file.hunks[number]
        if number != following:
            yield ELISION
        yield _quoted(_header(hunk))
        yield from _hunk(hunk, placed[number], said)
        rest = len(hunk.rows) - 1 - max(placed[number])
        following = -1 if rest else number + 1


def _hunk(hunk: Hunk, placed: _Hunk, said: set[str]) -> Iterator[str]:
    """The rows above each remark, and the remark."""
    done = 0
    for end in sorted(placed):
        quoted = _shown_rows(hunk, done, end, placed[end])
        for number in quoted:
            if number > done:
                yield ELISION
            yield _quoted_row(hunk.rows[number])
            done = number + 1
        yield from _remarks(placed[end], [hunk.rows[number] for number in quoted], said)


def _shown_rows(hunk: Hunk, done: int, end: int, here: Sequence[_Remark]) -> list[int]:
    """The indices of the rows up to `end` that are quoted: the last ones, and the function's head.

    Rows above the head belong to another function and are left out.
    """
    start = done if end - done < _SHORT else end + 1 - _LEAD
    head = _function_head(hunk, done, end, here)
    if head is None:
        return [*range(start, end + 1)]
    if head < start:
        return [head, *range(start, end + 1)]
    return [*range(head, end + 1)]


def _function_head(hunk: Hunk, done: int, end: int, here: Sequence[_Remark]) -> int | None:
    """The row on which the function of a remark begins, unless it was quoted or is far away."""
    names = {name for each in here if (name := each.annotation.finding.function)}
    if not names:
        return None
    pattern = re.compile(r"[A-Za-z_].*?\b(?:" + "|".join(map(re.escape, names)) + r")\s?\(")
    for number in range(end, max(done, end - _FAR) - 1, -1):
        row = hunk.rows[number]
        text = row.text[:200].rstrip()
        if row.sign != "-" and pattern.match(text) and not text.endswith(";"):
            return number
    return None


def _remarks(here: Iterable[_Remark], quoted: Iterable[Row], said: set[str]) -> Iterator[str]:
    """What is said below one row."""
    visible = {
        (side, line)
        for row in quoted
        for side, line in ((Side.NEW, row.new), (Side.OLD, row.old))
        if line is not None
    }
    yield ""
    for each in sorted(here, key=lambda remark: -remark.annotation.severity):
        if not each.exact:
            yield from (*_elsewhere(each.annotation), "")
        lines = remark(each.annotation, visible)
        text = "\n".join(lines)
        yield from [_SAME] if text in said else lines
        yield ""
        said.add(text)


def _elsewhere(annotation: Annotation) -> list[str]:
    """Where the code is that the patch does not show, and the code."""
    function = annotation.finding.function
    where = f"In {function}(), outside of this hunk:" if function else "Outside of this hunk:"
    return [*wrapped(plain(where)), "", *quoted_code(annotation.finding.span.code)]


def _placed(file: FileDiff, annotations: Iterable[Annotation]) -> dict[int, _Hunk]:
    """The remarks by index of the hunk and of the row."""
    places = {
        (side, line): (number, index)
        for number, hunk in enumerate(file.hunks)
        for index, row in enumerate(hunk.rows)
        for side, line in ((Side.NEW, row.new), (Side.OLD, row.old))
        if line is not None
    }
    placed: dict[int, _Hunk] = defaultdict(lambda: defaultdict(list))
    for annotation in annotations:
        span = annotation.finding.span
        own = places.get((span.side, span.line))
        hunk, row = own or _nearest(file, span.side, span.line)
        placed[hunk][row].append(_Remark(annotation, exact=own is not None))
    return placed


def _nearest(file: FileDiff, side: Side, line: int) -> tuple[int, int]:
    """Hunk and row of the change that is nearest to a line which no hunk shows."""
    number, hunk = min(
        enumerate(file.hunks),
        key=lambda item: min(abs(line - _start(item[1], side)), abs(line - _end(item[1], side))),
    )
    changed = [index for index, row in enumerate(hunk.rows) if row.sign != " "] or [0]
    return number, changed[-1 if line > _start(hunk, side) else 0]


def _start(hunk: Hunk, side: Side) -> int:
    return hunk.new_start if side is Side.NEW else hunk.old_start


def _end(hunk: Hunk, side: Side) -> int:
    return _start(hunk, side) + len(hunk.rows)


def _header(hunk: Hunk) -> str:
    """The hunk's header as git writes it, which leaves a count of one out."""
    old = sum(row.old is not None for row in hunk.rows)
    new = sum(row.new is not None for row in hunk.rows)
    ranges = f"-{_range(hunk.old_start, old)} +{_range(hunk.new_start, new)}"
    return f"@@ {ranges} @@ {hunk.section.strip()}".rstrip()


def _range(start: int, count: int) -> str:
    return f"{start}" if count == 1 else f"{start},{count}"


def _quoted_row(row: Row) -> str:
    return _quoted(row.sign + row.text if row.text.strip() else row.sign.strip())


def _quoted(text: str) -> str:
    return f"> {plain(text)}" if text else ">"
