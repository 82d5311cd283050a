"""Mask of attributes and annotations: `__rcu`, `__must_hold(x)`, `__free(x)`, `__init` and kin.

They become blanks; what they said is kept as marks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.masks.words import (
    ATTRIBUTE_CALLS,
    ATTRIBUTES,
    GRAMMAR_WORDS,
    QUALIFIERS,
    TYPE_WORDS,
)

if TYPE_CHECKING:
    from reviewer.c.masks.canvas import Canvas

_WORD = re.compile(r"\b(__\w+|asmlinkage|noin\w+|notrace|SEC|STATIC|INLINE)\b[ \t]*(\()?")
_LAST = re.compile(r"(?:\b[A-Za-z_]\w*|->|[^\w\s])\Z")
_NEXT = re.compile(r"\s*([A-Za-z_*]|\Z)?")
_TYPE_NEXT = re.compile(rf"\s*(?:{TYPE_WORDS})\b")
_ENDS_NEXT = re.compile(r"\s*[=;,]")
_DECLARED = re.compile(
    r"(?:^|[;{}\n])[ \t]*(?:(?:static|const|extern)\s+)*"
    r"(?:(?:struct|union|enum)\s+\w+[\s*]+|(?!struct\b|union\b|enum\b|static\b|const\b|return\b)\w+[\s*]+)"
    r"\w+(?:\[[^\]\n]*\])*\s+\Z"
)
_TYPE_LIKE = re.compile(r"__(?:[us]\d+|[bl]e\d+|\w*sum\d*|\w+_t|int128\w*|builtin_\w+)\Z")
_PREFIX = re.compile(rf"\s*([A-Za-z_]\w*)\s+(?=(?:{TYPE_WORDS})\b)")
_PREFIX_WORDS = frozenset(TYPE_WORDS.split("|"))
_NEAR = 200  # characters looked back for the word before
_WORD_LENGTH = 48


def mask_attributes(canvas: Canvas) -> None:
    """Blank attributes in the whole item."""
    code = canvas.code
    if (
        "__" in code
        or "noin" in code
        or "notrace" in code
        or "INLINE" in code
        or "SEC(" in code
        or "asml" in code
    ):
        for match in _WORD.finditer(code):
            _mask_word(canvas, match)


def mask_prefix(canvas: Canvas) -> None:
    """Blank an unknown word before the type that an item begins with: `STATIC int f(void)`."""
    match = _PREFIX.match(canvas.code)
    if match is not None and match.group(1) not in _PREFIX_WORDS:
        canvas.blank(match.start(1), match.end(1), match.group(1))


def _mask_word(canvas: Canvas, match: re.Match[str]) -> None:
    word = match.group(1)
    start, end = match.span(1)
    if match.group(2):
        if word in ATTRIBUTE_CALLS:
            canvas.blank_call(start, match.start(2), word)
        return
    if word in GRAMMAR_WORDS or not (word in ATTRIBUTES or word[:2] == "__"):
        return
    before = _LAST.search(canvas.code[max(0, start - _NEAR) : start].rstrip()[-_WORD_LENGTH:])
    previous = before.group() if before is not None else ""
    if previous in {"struct", "union", "enum", "goto", ".", "->", "typeof"}:
        return
    if word in ATTRIBUTES or _is_attribute(canvas.code, previous, word, start, end):
        canvas.blank(start, end, word)


def _is_attribute(code: str, previous: str, word: str, start: int, end: int) -> bool:
    """Whether an unknown `__word` is an attribute, by the words around it."""
    if _TYPE_LIKE.match(word):
        return False
    named = previous == ")" or (
        (previous[:1].isalpha() or previous[:1] == "_") and previous not in QUALIFIERS
    )
    following = _NEXT.match(code, end)
    if named and following is not None and following.group(1):
        return previous[:2] != "__" or previous not in ATTRIBUTES
    if _TYPE_NEXT.match(code, end) is not None:
        return True
    if _ENDS_NEXT.match(code, end) is None:
        return False
    return previous == "]" or (
        named and _DECLARED.search(code, max(0, start - _NEAR), start) is not None
    )
