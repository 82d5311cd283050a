"""Brackets of a chunk: which closers and openers have no partner in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BRACKET = re.compile(r"[(){}\[\]]")


@dataclass(frozen=True, slots=True)
class Brackets:
    """Offsets of brackets without partner, in order of the text."""

    closers: tuple[int, ...]  # innermost first
    openers: tuple[int, ...]  # outermost first


def unmatched(code: str) -> Brackets:
    """A `}` closes what is open within its braces; a `)` counts only outside all braces."""
    stack: list[int] = []
    closers: list[int] = []
    braces = 0
    for match in _BRACKET.finditer(code):
        found = match.group()
        if found in "([":
            stack.append(match.start())
        elif found == "{":
            stack.append(match.start())
            braces += 1
        elif found == "}":
            while stack and code[stack[-1]] != "{":
                stack.pop()
            if stack:
                stack.pop()
                braces -= 1
            else:
                closers.append(match.start())
        else:
            if found == ")":
                while stack and code[stack[-1]] == "[":
                    stack.pop()
            if stack and code[stack[-1]] == ("(" if found == ")" else "["):
                stack.pop()
            elif not stack:
                closers.append(match.start())
    return Brackets(tuple(closers), tuple(stack))


def indent_at(code: str, offset: int) -> int:
    """Columns of white space before the line that holds the offset."""
    start = code.rfind("\n", 0, offset) + 1
    line = code[start : start + 200]
    return len(line[: len(line) - len(line.lstrip(" \t"))].expandtabs(8))


def opening_of(code: str, close: int, reach: int = 4000) -> int:
    """Offset of the `(` that the `)` at `close` closes; -1 when it is not near."""
    depth = 0
    low = max(0, close - reach)
    for at in range(close, low - 1, -1):
        found = code[at]
        if found == ")":
            depth += 1
        elif found == "(":
            depth -= 1
            if depth == 0:
                return at
    return -1
