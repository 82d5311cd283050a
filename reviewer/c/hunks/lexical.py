"""Lexical pass: rows of C to code at the same offsets, comments, strings and directives blanked.

A hunk may begin and end inside a comment or a macro, and shows half of most `#if` pairs, so none
of the three can be left to the grammar.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

LONGEST_LINE = 20_000
"""Characters; a longer line is blanked unread, for the grammar's time grows with it."""

_NEAR = 400  # characters after an #endif where an `else` would stand

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_NOT_BREAK = re.compile(r"[^\n]")
_NOT_CONTINUED = re.compile(r"[^\n\\]|\\(?!\n)")
_QUIET = re.compile(
    r"//[^\n]*"
    r"|/\*(?:[^*]++|\*(?!/))*+(?:\*/)?"
    r'|"(?:[^"\\\n]|\\.)*+"?'
    r"|'(?:[^'\\\n]|\\.)*+'?",
    re.DOTALL,
)
_COMMENT_TAIL = re.compile(r"(?:[ \t]*\*(?:[ \t][^\n]*)?\n|[ \t]*\n)+")
_LOOKS_LIKE_CODE = re.compile(r"[ \t]*\*\s*\w[^=\n]*=[^\n]*;\s*\Z")
_DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*(\w*)(?:[^\\\n]++|\\.)*+", re.MULTILINE | re.DOTALL)
_MACRO_TAIL = re.compile(r"(?:[^\n]*\\[ \t]*\n)+[^\n]*")


@dataclass(frozen=True, slots=True)
class Code:
    """Text and, at the same offsets, its code; row numbers count from 0."""

    text: str  # as written; ends in a line break
    code: str  # ASCII; comments, strings' insides, directives and dropped branches are blank
    starts: tuple[int, ...]  # offset of each row
    unread: frozenset[int]  # rows of macros and of dropped branches
    alternatives: frozenset[int]  # rows of #if/#else branches that are all kept

    def row(self, offset: int) -> int:
        """The row that holds the offset."""
        return bisect_right(self.starts, offset) - 1


def blank(text: str) -> str:
    """Spaces for everything but line breaks."""
    return " " * len(text) if "\n" not in text else _NOT_BREAK.sub(" ", text)


def read(rows: Sequence[str], added: Container[int] = ()) -> Code:
    """The code of consecutive rows. `added` decides which of two `#if` branches is kept."""
    joined = "\n".join(rows)
    if joined.count("\n") != len(rows) - 1:
        joined = "\n".join(row.replace("\n", " ") for row in rows)
    return _read(joined + "\n", added)


def read_text(text: str, changed: Container[int] = ()) -> Code:
    """The code of a whole text; `changed` holds line numbers and decides as `added` in `read`."""
    if not text.endswith("\n"):
        text += "\n"
    if "#" not in text:
        return _read(text, ())
    rows = range(1, text.count("\n") + 1)
    return _read(text, {row - 1 for row in rows if row in changed})


def _read(text: str, added: Container[int]) -> Code:
    widths = (len(row) + 1 for row in text.split("\n")[:-2])
    starts = list(accumulate(widths, initial=0))
    unread: set[int] = set()
    code = _without_long_lines(_plain(text), starts, unread)
    code = _without_comments(code)
    alternatives: frozenset[int] = frozenset()
    if "#" in code or "\\" in code:
        code, found, alternatives = _without_directives(code, starts, added)
        unread |= found
    return Code(text, code, tuple(starts), frozenset(unread), alternatives)


def _plain(text: str) -> str:
    """One ASCII character for each, no control characters."""
    if not text.isascii():
        text = _NOT_ASCII.sub("x", text)
    return _CONTROL.sub(" ", text)


def _without_long_lines(code: str, starts: list[int], unread: set[int]) -> str:
    if len(code) <= LONGEST_LINE:
        return code
    for row, start in enumerate(starts):
        end = starts[row + 1] - 1 if row + 1 < len(starts) else len(code) - 1
        if end - start > LONGEST_LINE:
            code = code[:start] + " " * (end - start) + code[end:]
            unread.add(row)
            if len(unread) > 8:  # each costs a copy
                return _blank_long_lines(code, starts, unread)
    return code


def _blank_long_lines(code: str, starts: list[int], unread: set[int]) -> str:
    rows = code.split("\n")
    for row in range(len(starts)):
        if len(rows[row]) > LONGEST_LINE:
            rows[row] = " " * len(rows[row])
            unread.add(row)
    return "\n".join(rows)


def _without_comments(code: str) -> str:
    head = _head_comment(code)
    if head:
        code = blank(code[:head]) + code[head:]
    return _QUIET.sub(_blanked, code)


def _head_comment(code: str) -> int:
    """Length of the comment that the text begins in, 0 for none."""
    end = code.find("*/")
    if end >= 0 and code.find("/*", 0, end) < 0:
        return end + 2
    tail = _COMMENT_TAIL.match(code)
    if tail is None or "*" not in tail.group():
        return 0
    return 0 if _LOOKS_LIKE_CODE.match(tail.group()) else tail.end()


def _blanked(match: re.Match[str]) -> str:
    found = match.group()
    quote = found[0]
    if quote == "/":
        return blank(found)
    closed = len(found) > 1 and found[-1] == quote
    if len(found) < 2 or (not closed and (quote == "'" or "\n" in found)):
        return blank(found)
    inside = found[1:-1]
    if "\n" in inside:
        return quote + _NOT_CONTINUED.sub(" ", inside) + quote
    return quote + (" " if quote == '"' else "a") * len(inside) + quote


@dataclass(slots=True)
class _Conditional:
    """An `#if` that is not closed yet: where its branches are."""

    never: bool  # `#if 0`, `#ifdef __cplusplus`
    branches: list[tuple[int, int]]
    open: int  # offset where the present branch begins


def _without_directives(
    code: str, starts: list[int], added: Container[int]
) -> tuple[str, set[int], frozenset[int]]:
    """The code without directives; unread rows; rows of branches that were all kept."""
    unread: set[int] = set()
    spans: list[tuple[int, int]] = []
    groups: list[_Conditional] = []
    stack: list[_Conditional] = []
    tail = _MACRO_TAIL.match(code)
    if tail is not None and not code.lstrip().startswith("#"):
        spans.append(tail.span())
        unread.update(_rows(starts, *tail.span()))
    for match in _DIRECTIVE.finditer(code):
        spans.append(match.span())
        word = match.group(1)
        if word == "define":
            unread.update(_rows(starts, *match.span()))
        elif word:
            _conditional(word, match, stack, groups)
    buffer = bytearray(code, "ascii")
    for start, end in spans:
        buffer[start:end] = blank(code[start:end]).encode("ascii")
    alternatives = _choose(buffer, groups, starts, added, unread)
    return buffer.decode("ascii").replace("\\", " "), unread, alternatives


def _rows(starts: list[int], start: int, end: int) -> range:
    return range(bisect_right(starts, start) - 1, bisect_right(starts, max(start, end - 1)))


def _conditional(
    word: str, match: re.Match[str], stack: list[_Conditional], groups: list[_Conditional]
) -> None:
    if word in {"if", "ifdef", "ifndef"}:
        condition = match.group().partition(word)[2].strip()
        never = (word == "if" and condition == "0") or (
            word != "ifndef" and "__cplusplus" in condition
        )
        stack.append(_Conditional(never, [], match.end()))
    elif stack and word in {"else", "elif", "elifdef", "elifndef"}:
        stack[-1].branches.append((stack[-1].open, match.start()))
        stack[-1].open = match.end()
    elif stack and word == "endif":
        closed = stack.pop()
        closed.branches.append((closed.open, match.start()))
        groups.append(closed)


def _choose(
    buffer: bytearray,
    groups: list[_Conditional],
    starts: list[int],
    added: Container[int],
    unread: set[int],
) -> frozenset[int]:
    """Blank the branches that cannot stand together. Inner groups come before outer ones."""
    kept: set[int] = set()
    budget = 8 * len(buffer)  # each level of nesting reads its text again
    for group in groups:
        budget -= group.branches[-1][1] - group.branches[0][0]
        if budget < 0:
            break
        drop = group.branches[:1] if group.never else []
        live = group.branches[len(drop) :]
        if len(live) > 1 and not _stand_together(buffer, live):
            best = max(live, key=lambda span: sum(r in added for r in _inner(starts, span)))
            drop += [span for span in live if span is not best]
        elif len(live) > 1:
            kept.update(row for span in live for row in _inner(starts, span))
        for start, end in drop:
            buffer[start:end] = blank(buffer[start:end].decode("ascii")).encode("ascii")
            unread.update(_inner(starts, (start, end)))
    return frozenset(kept)


def _stand_together(buffer: bytearray, branches: list[tuple[int, int]]) -> bool:
    end = branches[-1][1]
    if buffer[end : end + _NEAR].lstrip().startswith(b"else"):
        return False
    return all(_stands(buffer[start:end]) for start, end in branches)


def _inner(starts: list[int], span: tuple[int, int]) -> range:
    """Rows strictly between two directives."""
    first = bisect_right(starts, span[0])
    return range(first, max(first, bisect_right(starts, span[1]) - 1))


def _stands(branch: bytearray) -> bool:
    """Whether the branch is whole statements or declarations, so that others may follow it."""
    if branch.count(b"{") != branch.count(b"}") or branch.count(b"(") != branch.count(b")"):
        return False
    text = branch.strip()
    return not text or (text[-1] in b";}{:," and text[0] not in b"=?:|&")
