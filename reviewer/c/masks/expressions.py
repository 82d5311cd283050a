"""Mask inside expressions: types as arguments, `typeof`, case ranges and other rare forms."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.masks.words import KEYWORDS

if TYPE_CHECKING:
    from reviewer.c.masks.canvas import Canvas

_TYPE_ARGUMENT = re.compile(
    r"([(,])[ \t\n]*("
    r"(?:const[ \t]+)?(?:struct|union|enum)[ \t]+\w+(?:[ \t]*\*+)*+"
    r"|(?:unsigned|signed|long|short|const)(?:[ \t]+\w+)*+(?:[ \t]*\*+)*+"
    r"|[A-Za-z_]\w*[ \t]*\*[ \t*]*+"
    r")(?=[ \t\n]*[,)])"
)
_CALLEE = re.compile(r"([A-Za-z_]\w*)[ \t]*\Z")
_NOT_WORD = re.compile(r"\W")
_TYPEOF = re.compile(r"\b(?:__)?typeof(?:__)?[ \t]*\(")
_TYPEOF_NEXT = re.compile(r"[ \t]*(?:[A-Za-z_*])|[ \t]*\)")
_OFFSETOF = re.compile(r"\bo(?=ffsetof[ \t]*\()")
_AUTO = re.compile(r"(?<=[;{}(\s])auto(?=[ \t]+\*?\w)")
_RANGE = re.compile(r"\bcase\b[^:;{}?\n]*?(\.\.\.[^:;{}\n]*):")
_LEVEL = re.compile(r"(?<=[(\s])([A-Z_]{3,}[ \t]+)(?=[A-Z_]{3,}[ \t]*\")")
_OPERATOR_ARGUMENT = re.compile(r",[ \t]*([-+*/%<>=!&|^]{1,3})[ \t]*(?=[,)])")
_ODD_NUMBER = re.compile(r"[,(]\s*(\d\w*[A-Za-z_]\w*)(?=\s*[,)])")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+[uUlL]*\Z|\d+(?:[uUlLfF]*|[eE]\d+)\Z|0[bB][01]+[uUlL]*\Z")
_DESIGNATOR = re.compile(r"\((?:[^(){};=\n]*,)?\s*(\.\w[\w.]*[ \t]*=)(?!=)")
_NEXT_DESIGNATOR = re.compile(r",\s*(\.\w[\w.]*[ \t]*=)(?!=)")
_REGISTER = re.compile(
    r"\w[ \t]+((?:__)?asm(?:__)?[ \t]*\([ \t]*\"[^\"\n]*\"[ \t]*\))(?=[ \t]*[=;])"
)


def mask_expressions(canvas: Canvas, body: int) -> None:
    """Mask the forms of expressions that the grammar does not know, from offset `body`."""
    code = canvas.code
    for match in _TYPE_ARGUMENT.finditer(code, body):
        _type_argument(canvas, match)
    if "offsetof" in code:
        _each(canvas, _OFFSETOF, body, "O")
    if "typeof" in code:
        _typeofs(canvas, body)
    if "auto" in code:
        _each(canvas, _AUTO, body, "int")
    if "..." in code:
        for match in _RANGE.finditer(code, body):
            canvas.clear(match.start(1), match.end(1))
    if '"' in code:
        for match in _LEVEL.finditer(code, body):
            canvas.clear(match.start(1), match.end(1))
    if "asm" in code:
        for match in _REGISTER.finditer(code, body):
            canvas.clear(match.start(1), match.end(1))
    _rare(canvas, body)


def _each(canvas: Canvas, pattern: re.Pattern[str], body: int, new: str) -> None:
    for match in pattern.finditer(canvas.code, body):
        canvas.put(match.start(), match.end(), new)


def _type_argument(canvas: Canvas, match: re.Match[str]) -> None:
    """`f(p, struct x *)` to `f(p, Struct_x__)`. Not a cast, not the operand of sizeof."""
    if match.group(1) == "(":
        callee = _CALLEE.search(canvas.code, max(0, match.start() - 80), match.start())
        if callee is None or (callee.group(1) in KEYWORDS and callee.group(1) != "offsetof"):
            return
    found = match.group(2)
    name = _NOT_WORD.sub("_", found)
    canvas.put(match.start(2), match.end(2), name[0].upper() + name[1:])


def _typeofs(canvas: Canvas, body: int) -> None:
    for match in _TYPEOF.finditer(canvas.code, body):
        end = canvas.closing(match.end() - 1)
        if end < 0 or "\n" in canvas.code[match.start() : end]:
            continue
        if _TYPEOF_NEXT.match(canvas.code, end + 1) is not None:
            canvas.put(match.start(), end + 1, "typeof".ljust(end + 1 - match.start(), "_"))


def _rare(canvas: Canvas, body: int) -> None:
    code = canvas.code
    for match in _OPERATOR_ARGUMENT.finditer(code, body):
        canvas.put(match.start(1), match.end(1), "_" * len(match.group(1)))
    for match in _ODD_NUMBER.finditer(code, body):
        if _NUMBER.match(match.group(1)) is None:
            canvas.put(match.start(1), match.end(1), "1" * len(match.group(1)))
    if "(." in code or ", ." in code or ",\n" in code:
        for match in _DESIGNATOR.finditer(code, body):
            canvas.clear(match.start(1), match.end(1))
            end = canvas.closing(match.start())
            if end > 0 and "{" not in code[match.start() : end]:
                for further in _NEXT_DESIGNATOR.finditer(code, match.end(), end):
                    canvas.clear(further.start(1), further.end(1))
