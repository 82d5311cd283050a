"""Mask of macros that stand for statements: iterators, block macros, macros without semicolon.

An iterator becomes `while`, so that its body is a body. A `scoped_guard` does too: the mark tells.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.masks.words import KEYWORDS
from reviewer.c.unit import Mark

if TYPE_CHECKING:
    from reviewer.c.masks.canvas import Canvas

_LINE = re.compile(
    r"\n([ \t]*)(?!(?:if|for|while|switch|return)\b)([A-Za-z_]\w*)[ \t]*\((?=[^\n;]*\n)"
)
_ITERATOR_NAME = re.compile(r"for_?each|FOR_?EACH|queue_walk|scoped_(?:cond_)?guard")
_ITERATOR = re.compile(
    r"\b((?:\w*(?:for_?each|FOR_?EACH|queue_walk)|scoped_guard|scoped_cond_guard)\w*)[ \t]*\("
)
_AFTER = re.compile(r"([ \t\n]*)(\w+|\S)?")
_LONE = re.compile(r"[;{}:][ \t]*\n\s*?([A-Z_][A-Z0-9_]{2,})[ \t]*\n(?=\s*[A-Za-z_}])")
_NEAR = 3000  # characters looked back over blanked comments


def mask_statements(canvas: Canvas, body: int) -> None:
    """Mask macro statements from offset `body`, the inside of a function."""
    code = canvas.code
    seen: set[int] = set()
    padded = code if body else "\n" + code
    shift = 0 if body else 1
    for match in _LINE.finditer(padded, max(0, body - 1)):
        name = match.group(2)
        if name not in KEYWORDS:
            start = match.start(2) - shift
            seen.add(start)
            _mask_call(canvas, body, start, name, match.end() - 1 - shift)
    if "each" in code or "EACH" in code or "_walk" in code or "scoped_" in code:
        for match in _ITERATOR.finditer(code, body):
            if match.start() not in seen:
                _mask_call(canvas, body, match.start(), match.group(1), match.end() - 1)
    for match in _LONE.finditer(code, body):
        canvas.blank(match.start(1), match.end(1), match.group(1))


def mask_elements(canvas: Canvas, body: int) -> None:
    """Mask macros of an initialiser that bring their own commas: `SET_RUNTIME_PM_OPS(a, b, c)`."""
    code = canvas.code
    for match in _LINE.finditer(code, max(0, body - 1)):
        opening = match.end() - 1
        end = canvas.closing(opening)
        if (
            end < 0
            or code[max(0, match.start() - _NEAR) : match.start()].rstrip()[-1:] not in "{,)"
        ):
            continue
        after = _AFTER.match(code, end + 1)
        following = after.group(2) if after is not None else None
        if following is not None and (following == "." or following[0].isalpha()):
            canvas.blank_call(match.start(2), opening, match.group(2))


def mask_enumerators(canvas: Canvas, body: int) -> None:
    """Blank the arguments of a macro that makes enumerators: `FOREACH_IRQ(GENERATE_ENUM)`."""
    for match in _LINE.finditer(canvas.code, max(0, body - 1)):
        opening = match.end() - 1
        end = canvas.closing(opening)
        before = canvas.code[max(0, match.start() - _NEAR) : match.start()].rstrip()[-1:]
        if end > 0 and before in "{,":
            canvas.clear(opening, end + 1)
            arguments = canvas.text[opening + 1 : end]
            canvas.marks.append(Mark(match.start(2), end + 1, match.group(2), arguments))


def _mask_call(canvas: Canvas, body: int, start: int, name: str, opening: int) -> None:
    code = canvas.code
    end = canvas.closing(opening)
    after = _AFTER.match(code, end + 1)
    if end < 0 or after is None or not _begins_statement(code, body, start):
        return
    gap, following = after.group(1), after.group(2)
    iterates = _ITERATOR_NAME.search(name) is not None
    word = following is not None and (following[0].isalpha() or following[0] == "_")
    if following == "{" or (
        iterates and (following is None or word or following in {"*", "(", "+"})
    ):
        _as_loop(canvas, start, name, opening, end)
    elif word and "\n" in gap and following not in {"else"}:
        deeper = _indent(code, after.start(2)) > _indent(code, start)
        if deeper:
            _as_loop(canvas, start, name, opening, end)
        else:
            canvas.blank_call(start, opening, name)
    elif following == "}" and "\n" in gap:
        canvas.blank_call(start, opening, name)


def _begins_statement(code: str, body: int, start: int) -> bool:
    low = max(body, start - _NEAR)
    before = code[low:start].rstrip()
    if not before:
        return low == body
    return before[-1] in ";{}:)" or before.endswith((" else", "\telse", "\tdo"))


def _indent(code: str, offset: int) -> int:
    line = code[code.rfind("\n", 0, offset) + 1 : offset]
    return len(line.expandtabs(8)) - len(line.expandtabs(8).lstrip())


def _as_loop(canvas: Canvas, start: int, name: str, opening: int, end: int) -> None:
    """Rename to `while`, or to `if` when the name is too short for it."""
    empty = not canvas.code[opening + 1 : end].strip()
    if empty:
        if end + 1 - start < len("while(1)") or "\n" in canvas.code[start:end]:
            return
        canvas.put(start, end + 1, "while(1)")
    else:
        canvas.put(start, opening, "while" if opening - start >= len("while") else "if")
    arguments = canvas.text[opening + 1 : end]
    canvas.marks.append(Mark(start, end + 1, name, arguments, loop=True))
