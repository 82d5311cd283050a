"""Cut C code into its items at column 0. Kernel code is laid out by column, so a missing line or an
unbalanced brace in one item cannot reach the next.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_COLUMN_0 = re.compile(r"\n[A-Za-z_{}][^\n]*")
_INSIDE = re.compile(
    r"\n(?:(?:if|for|while|return|goto|break|switch|do|else|case|default|continue)\b"
    r"|\w+[ \t]*:(?!:))"
)
_CONTINUES = re.compile(r"\n\}[ \t]*(?:else\b|while\b|[,{)]|[^\n]*\{[ \t]*$)")
_CALL = re.compile(r"\s*[A-Za-z_]\w*[ \t]*\(")
_TO_SEMICOLON = re.compile(r"(?:[^;\n{}]*\n){0,4}[^;\n{}]*;[^\n]*")
_LIST_OPENER = re.compile(r"\s*+[^(]{0,400}?\{")
_COMMENTS = 4  # directly above an item, one under the other
_LONGEST = 200  # characters between the end of a comment and the item
_BETWEEN = re.compile(r"[ \t]*\n(?:[ \t]*#[ \t]*if[^\n]*\n)*\Z")


@dataclass(frozen=True, slots=True)
class Item:
    """A stretch of code: one item, or what is left of one that began above."""

    start: int
    end: int
    head: bool  # began above the text
    closed: bool  # ends within the text


@dataclass(slots=True)
class _Open:
    """The item that is being read, and what is known of it up to `seen`."""

    start: int
    head: bool
    seen: int
    braces: int = 0
    parens: int = 0
    body: bool = False
    last: str = ""

    def look(self, code: str, to: int) -> None:
        part = code[self.seen : to]
        opened = part.count("{")
        self.braces += opened - part.count("}")
        self.parens += part.count("(") - part.count(")")
        self.body = self.body or opened > 0
        self.last = part.rstrip()[-1:] or self.last
        self.seen = to


def cut(code: str, top: bool = False, text: str = "") -> list[Item]:
    """The items in order, without those that hold no code. `top`: nothing is above the text.

    With the `text` that the code is of, a comment directly above an item belongs to it.
    """
    items: list[Item] = []
    item = _Open(0, not top, 0)
    for match in _COLUMN_0.finditer("\n" + code):
        at = match.start()
        if at < item.start:
            continue
        line = match.group()
        if line[1] == "}":
            if _CONTINUES.match(line) is None:
                end = _item_end(code, at, line)
                items.append(Item(item.start, end, item.head, True))
                item = _Open(end, False, end)
        elif line[1] != "{" and _INSIDE.match(line) is None:
            item.look(code, at)
            if not _unfinished(item, code, line):
                end = _comment_start(text, code, item.start, at)
                items.append(Item(item.start, end, item.head, _is_closed(item, code)))
                item = _Open(end, False, end)
    item.look(code, len(code))
    items.append(Item(item.start, len(code), item.head, _is_closed(item, code)))
    return [found for found in items if code[found.start : found.end].strip()]


def _comment_start(text: str, code: str, start: int, at: int) -> int:
    """Where the comments begin that end directly above the line at `at`; `at` without any.

    An `#if` may stand between.
    """
    for _ in range(_COMMENTS):
        end = text.rfind("*/", max(start, at - _LONGEST), at)
        if end < 0 or _BETWEEN.match(text, end + 2, at) is None:
            break
        opening = max(start, text.rfind("/*", start, end))
        first = text.rfind("\n", start, opening) + 1 or start
        if code[first:at].strip():
            break
        at = first
    return at


def _item_end(code: str, at: int, line: str) -> int:
    """The end of the line with the closing brace, or of its `} name;`."""
    end = at + len(line) - 1
    if line[2:].strip() and ";" not in line:
        further = _TO_SEMICOLON.match(code, at + 1)
        if further is not None:
            end = further.end()
    return min(end + 1, len(code))


def _unfinished(item: _Open, code: str, line: str) -> bool:
    """Whether a column-0 line that begins with a word still belongs to the open item."""
    if not item.last:
        return False
    if item.body:
        if item.parens > 0 and not item.head:
            return True
        is_list = item.braces > 0 and not item.head
        return is_list and line.rstrip()[-1] in ";," and _is_list(code, item.start)
    if item.parens > 0:
        return True
    if item.last == ")":
        return _CALL.match(code, item.start) is None
    return item.last not in ";}"


def _is_list(code: str, start: int) -> bool:
    """Whether the item is a struct, enum or initialiser: no parenthesis before its brace."""
    return _LIST_OPENER.match(code, start) is not None


def _is_closed(item: _Open, code: str) -> bool:
    if item.head:
        return False
    if item.last == ")" and not item.body:
        return item.parens <= 0 and _CALL.match(code, item.start) is not None
    return item.braces <= 0 and item.parens <= 0 and item.last in ";})"
