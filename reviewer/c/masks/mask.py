"""Kernel C to C that the grammar reads, at the same offsets. What was taken away becomes marks."""

from __future__ import annotations

import re

from reviewer.c.masks.attributes import mask_attributes, mask_prefix
from reviewer.c.masks.canvas import Canvas
from reviewer.c.masks.declarations import (
    macro_item,
    mask_enum_base,
    mask_macro_function,
    mask_macro_initialiser,
    mask_macro_item,
    mask_members,
)
from reviewer.c.masks.expressions import mask_expressions
from reviewer.c.masks.statements import mask_elements, mask_enumerators, mask_statements
from reviewer.c.unit import Kind, Mark

_BODY = re.compile(r"\{")


def mask(text: str, code: str, kind: Kind, inside: bool) -> tuple[str, tuple[Mark, ...]]:
    """The masked code of an item and its marks, by place.

    `code` is `text` after the lexical pass. `inside`: the code begins in the body of the item.
    """
    canvas = Canvas(text, code, bytearray(code, "ascii"))
    body = 0 if inside else _body(code)
    if not inside:
        mask_prefix(canvas)
    mask_attributes(canvas)
    if kind is Kind.FUNCTION:
        if not inside:
            mask_macro_function(canvas)
        mask_statements(canvas, body)
        mask_expressions(canvas, body)
    elif kind is Kind.STRUCT:
        mask_members(canvas, body)
    elif kind is Kind.INITIALISER:
        if not inside and macro_item(code) is not None:
            mask_macro_initialiser(canvas)
        mask_elements(canvas, body)
        mask_expressions(canvas, body)
    elif kind is Kind.DECLARATION and not inside and macro_item(code) is not None:
        mask_macro_item(canvas)
    if kind in {Kind.ENUM, Kind.STRUCT}:
        mask_enum_base(canvas)
    if kind is Kind.ENUM:
        mask_enumerators(canvas, body)
    canvas.marks.sort(key=lambda mark: mark.start)
    return canvas.cells.decode("ascii"), tuple(canvas.marks)


def _body(code: str) -> int:
    """Offset after the brace that opens the body; the end when there is none."""
    match = _BODY.search(code)
    return match.end() if match is not None else len(code)
