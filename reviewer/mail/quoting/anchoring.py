"""From the quoted lines above a comment to the place in the patch that it is about."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from reviewer.mail.comment import WHOLE_PATCH, Anchor, Scope
from reviewer.mail.quoting.align import How
from reviewer.mail.quoting.document import Part
from reviewer.mail.quoting.focus import focus, most_shared
from reviewer.model import Side

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reviewer.diff.patch import Row
    from reviewer.mail.quoting.document import Document, DocumentLine
    from reviewer.mail.quoting.placing import Spot

_FUNCTION = re.compile(r"(\w{1,200})\s*\(")
_KEYWORDS = frozenset(("if", "for", "while", "switch", "return", "sizeof", "do", "else"))


def anchor(document: Document, quoted: Sequence[Spot], text: str) -> Anchor:
    """The place of a comment below these lines of a document, of which there is at least one."""
    sure = [spot for spot in quoted if spot.how is not How.GUESS] or list(quoted)
    lines = [document.lines[spot.at] for spot in sure]
    last = lines[-1]
    if last.row is not None:
        found = _on_rows(document, sure, text)
        ambiguous = sure[-1].how is How.GUESS or _alone_of_several(document, sure)
        return replace(found, guess=ambiguous)
    if last.part is Part.HUNK:
        return _on_hunk(document, sure[-1].at)
    if last.part is Part.HEAD:
        return Anchor(Scope.FILE, last.path)
    if document.cover:
        return Anchor(Scope.COVER, code=last.text)
    if last.part is Part.STAT:
        return Anchor(Scope.STAT, last.path, code=last.text)
    return Anchor(Scope.MESSAGE, code=last.text)


def by_content(document: Document, text: str) -> Anchor:
    """The place of a comment on a diff of which nothing is quoted, by the names in the text."""
    lines = [line for line in document.lines if line.row is not None]
    row = most_shared([line.row for line in lines if line.row is not None], text)
    line = next((line for line in lines if line.row is row), None)
    if row is None or line is None:
        return WHOLE_PATCH
    return replace(_at(line.path, row, row, [row]), guess=True)


def _alone_of_several(document: Document, quoted: Sequence[Spot]) -> bool:
    """Whether one line is all that is quoted, and the patch has more of the kind."""
    key = document.index.keys[quoted[-1].at]
    return len(quoted) == 1 and len(document.index.places.get(key, ())) > 1


def _on_rows(document: Document, quoted: Sequence[Spot], text: str) -> Anchor:
    path = document.lines[quoted[-1].at].path
    lines = [document.lines[spot.at] for spot in quoted if spot.how is not How.TAIL]
    rows = [line.row for line in lines if line.row is not None and line.path == path]
    last = document.lines[quoted[-1].at].row
    if last is None or not rows:
        return WHOLE_PATCH
    about, shared = focus(rows, text)
    found = _at(path, about, last, rows)
    if not shared and last.text.rstrip() == "}":
        return replace(found, function=_function(document, quoted[-1].at))
    return found


def _at(path: str | None, about: Row, last: Row, rows: Iterable[Row]) -> Anchor:
    line, side = _number(about)
    last_line, last_side = _number(last)
    quoted = list(rows)
    return Anchor(
        Scope.LINE,
        path,
        line,
        side,
        about.text,
        last=last_line,
        last_side=last_side,
        new=_span(row.new for row in quoted),
        old=_span(row.old for row in quoted),
    )


def _number(row: Row) -> tuple[int | None, Side]:
    return (row.old, Side.OLD) if row.new is None else (row.new, Side.NEW)


def _span(numbers: Iterable[int | None]) -> tuple[int, int] | None:
    known = [number for number in numbers if number is not None]
    return (min(known), max(known)) if known else None


def _on_hunk(document: Document, at: int) -> Anchor:
    """A comment directly below `@@`: it stands on the first row, and is about them all."""
    header = document.lines[at]
    rows: list[Row] = []
    for line in document.lines[at + 1 :]:
        if line.row is None:
            break
        rows.append(line.row)
    if not rows:
        return Anchor(Scope.FILE, header.path)
    return replace(_at(header.path, rows[0], rows[0], rows), scope=Scope.HUNK)


def _function(document: Document, at: int) -> str | None:
    """The function that the brace at `at` ends, as far as its hunk shows or names it."""
    brace = document.lines[at]
    for line in reversed(document.lines[max(at - 400, 0) : at]):
        if line.path != brace.path or line.hunk != brace.hunk:
            return None
        named = _named(line)
        if named or line.part is Part.HUNK:
            return named
        if line.row is not None and line.row.text.rstrip() == "}":
            return None
    return None


def _named(line: DocumentLine) -> str | None:
    """The function whose header begins in column 1, or stands behind `@@`."""
    if line.row is not None and not (line.text[:1].isalpha() or line.text[:1] == "_"):
        return None
    text = line.text.rpartition("@@")[2] if line.row is None else line.text
    names = (match[1] for match in _FUNCTION.finditer(text[:500]))
    return next((name for name in names if name not in _KEYWORDS), None)
