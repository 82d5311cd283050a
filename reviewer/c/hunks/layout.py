"""What the lines of a chunk say by their indentation: where statements begin, and how deep."""

from __future__ import annotations

import re
from dataclasses import dataclass

TAB = 8

_CASE = re.compile(r"(?:case\b|default[ \t]*:)")
_LABEL = re.compile(r"\w+[ \t]*:(?!:)")
_FIRST = re.compile(r"\s*(\w+|->|\S)?(\s)?")
_OPERATORS = frozenset("|=?,<>/%^:") | {"->"}
_UNARY_TOO = frozenset("*&-+!~")  # binary only when a blank follows


@dataclass(frozen=True, slots=True)
class Layout:
    """Columns of the statements of a chunk that has no partner for its closing braces."""

    first: int | None  # of the first statement; None when the chunk begins within one
    base: int | None  # smallest before the first unmatched brace
    floor: int | None  # smallest in the whole chunk
    cases: frozenset[int]  # columns of case labels
    by_case: bool  # `base` was seen from a case label only


def width(line: str) -> int:
    """Columns of white space that the line begins with."""
    return len(line[: len(line) - len(line.lstrip(" \t"))].expandtabs(TAB))


def layout(code: str, before: int, partial: bool, whole: bool) -> Layout:
    """Read the lines up to offset `before`, and all of them when `whole`.

    `partial`: the chunk begins within a statement.
    """
    first: int | None = None
    base: int | None = None
    floor: int | None = None
    by_case = False
    cases: set[int] = set()
    continued, begun, offset = partial, partial, 0
    for line in code.split("\n"):
        at, offset = offset, offset + len(line) + 1
        if at >= before and not whole:
            break
        text = line.strip()
        if not text:
            continue
        if not continued and text[0] not in "{}":
            column = width(line)
            case = _CASE.match(text) is not None
            if case:
                cases.add(column)
                column += TAB
            if case or _LABEL.match(text) is None:
                if at < before and (base is None or column < base):
                    base, by_case = column, case
                if floor is None or column < floor:
                    floor = column
                if not begun and not case:
                    first = column
                begun = True
        continued = text[-1] not in ";{}:"
        begun = True
    return Layout(first, base, floor, frozenset(cases), by_case)


def first_token(code: str) -> tuple[str, bool]:
    """The first token, and whether a statement cannot begin with it."""
    match = _FIRST.match(code)
    token = match.group(1) if match is not None else None
    if match is None or token is None:
        return "", False
    if token in _UNARY_TOO:
        return token, match.group(2) is not None
    return token, token in _OPERATORS
