"""Mask of macros outside function bodies: at file scope and in struct bodies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.masks.words import KEYWORDS

if TYPE_CHECKING:
    from reviewer.c.masks.canvas import Canvas

_MACRO_ITEM = re.compile(r"\s*(?:(?:static|extern|const)\s+)*([A-Za-z_]\w*)[ \t]*\(")
_ITEM_END = re.compile(r"\s*[;,]*\s*(?:\Z|(?==)|(?=[A-Za-z_]\w*[ \t]*\())")
_LAST_NAME = re.compile(r"([A-Za-z_]\w*)\s*(?:\[[^\]\n]*\]\s*)*\Z")
_MACRO_FUNCTION = re.compile(r"\s*(?:static\s+)?([A-Z_][A-Z0-9_]*)[ \t]*(\()\s*(\w+)[ \t]*([,)])")
_BODY = re.compile(r"\s*\{")
_ENUM_BASE = re.compile(r"\benum\b(?:\s+\w+)?\s*(:\s*\w+)\s*(?=[{;])")
_MEMBER = re.compile(r"(?<=[\n;{])[ \t]*(\w+)[ \t]*\(")
_GROUP_SKIPS = {"struct_group": 1, "struct_group_attr": 2, "struct_group_tagged": 2}
_COMMA = re.compile(r"[(),]")
_MEMBER_END = re.compile(r"[ \t]*;")
_RANDOMIZED = re.compile(r"\brandomized_struct_fields_(?:start|end)\b")
_DECLARE = re.compile(r"DECLARE_\w+\Z")


def macro_item(code: str) -> str | None:
    """The macro of an item that is nothing but macro calls: `module_init(x);`."""
    match = _MACRO_ITEM.match(code)
    return match.group(1) if match is not None and match.group(1) not in KEYWORDS else None


def mask_macro_item(canvas: Canvas) -> None:
    """`MACRO(..);` is blanked; `static DEFINE_PER_CPU(type, x) = ..` becomes a declaration."""
    at = 0
    while True:
        match = _MACRO_ITEM.match(canvas.code, at)
        end = canvas.closing(match.end() - 1) if match is not None else -1
        if match is None or end < 0:
            return
        ending = _ITEM_END.match(canvas.code, end + 1)
        if ending is None:
            return
        name = match.group(1)
        canvas.blank_call(match.start(1), match.end() - 1, name)
        canvas.clear(match.start(), end + 1)
        if canvas.code[ending.end() : ending.end() + 1] == "=":
            variable = _LAST_NAME.search(canvas.code[match.end() : end])
            if variable is not None:
                start = match.end() + variable.start(1)
                canvas.put(match.start(1), match.start(1) + 3, "int")
                canvas.put(start, start + len(variable.group(1)), variable.group(1))
            return
        canvas.clear(end + 1, ending.end())
        at = ending.end()


def mask_macro_function(canvas: Canvas) -> None:
    """`SYSCALL_DEFINE2(name, ..) {` to `int name( ) {` at the place of the name."""
    match = _MACRO_FUNCTION.match(canvas.code)
    if match is None or match.group(4) != ",":
        return
    end = canvas.closing(match.start(2))
    if end < 0 or _BODY.match(canvas.code, end + 1) is None:
        return
    canvas.blank_call(match.start(1), match.start(2), match.group(1))
    canvas.clear(match.start(), end)
    canvas.put(match.start(1), match.start(1) + 3, "int")
    canvas.put(match.start(3), match.end(3), match.group(3))
    canvas.put(match.start(4), match.end(4), "(")
    canvas.put(end, end + 1, ")")


def mask_macro_initialiser(canvas: Canvas) -> None:
    """`FIXTURE_VARIANT_ADD(a, b) {` .. `};` to `int v = {` .. `};`."""
    match = _MACRO_FUNCTION.match(canvas.code)
    if match is None:
        mask_macro_item(canvas)
    end = canvas.closing(match.start(2)) if match is not None else -1
    if match is None or end - match.start(1) < len("int v ="):
        return
    canvas.blank_call(match.start(1), match.start(2), match.group(1))
    canvas.clear(match.start(), end + 1)
    canvas.put(match.start(1), match.start(1) + len("int v ="), "int v =")


def mask_enum_base(canvas: Canvas) -> None:
    """`enum x : u8 {` to `enum x      {`."""
    if "enum" in canvas.code and ":" in canvas.code:
        for match in _ENUM_BASE.finditer(canvas.code):
            canvas.clear(match.start(1), match.end(1))


def mask_members(canvas: Canvas, body: int) -> None:
    """Macros in a struct body: a member stays where its name can be seen, the rest is blanked."""
    if "randomized_struct" in canvas.code:
        for match in _RANDOMIZED.finditer(canvas.code):
            canvas.blank(*match.span(), match.group())
    if "(" not in canvas.code:
        return
    padded = canvas.code if body else "\n" + canvas.code
    shift = 0 if body else 1
    for match in _MEMBER.finditer(padded, max(0, body - 1)):
        start, opening = match.start(1) - shift, match.end() - 1 - shift
        end = canvas.closing(opening)
        if end < 0 or not _is_macro(match.group(1)):
            continue
        tail = _MEMBER_END.match(canvas.code, end + 1)
        if match.group(1) in _GROUP_SKIPS:
            _group(canvas, start, opening, end, _GROUP_SKIPS[match.group(1)])
        elif tail is not None and _DECLARE.match(match.group(1)):
            _declare(canvas, start, opening, end)
        else:
            canvas.blank_call(start, opening, match.group(1))
            if tail is not None:
                canvas.clear(end + 1, tail.end())


def _is_macro(name: str) -> bool:
    return name in _GROUP_SKIPS or name == "__struct_group" or name.upper() == name


def _group(canvas: Canvas, start: int, opening: int, end: int, skip: int) -> None:
    """Blank `struct_group(name,` and its `);`, leave the members."""
    depth = 0
    for match in _COMMA.finditer(canvas.code, opening, end):
        found = match.group()
        depth += (found == "(") - (found == ")")
        if found == "," and depth == 1:
            skip -= 1
            if skip == 0:
                canvas.blank(start, match.end(), canvas.code[start:opening])
                tail = _MEMBER_END.match(canvas.code, end + 1)
                canvas.clear(end, tail.end() if tail is not None else end + 1)
                return


def _declare(canvas: Canvas, start: int, opening: int, end: int) -> None:
    """`DECLARE_BITMAP(name, n);` to `int            name    ;`."""
    inside = canvas.code[opening + 1 : end]
    name = canvas.code[start:opening].strip()
    names = [part.strip() for part in inside.split(",")]
    variable = names[-1] if name in {"DECLARE_FLEX_ARRAY"} else names[0]
    at = canvas.code.find(variable, opening + 1, end)
    canvas.blank_call(start, opening, name)
    if variable.isidentifier():
        canvas.put(start, start + 3, "int")
        canvas.put(at, at + len(variable), variable)
    else:
        tail = _MEMBER_END.match(canvas.code, end + 1)
        canvas.clear(end + 1, tail.end() if tail is not None else end + 1)
