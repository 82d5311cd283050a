"""A unit: one function, struct or other item of a C file, as text that the grammar can read.

From hunks, a unit is what the mail shows of the item, with synthetic lines where it shows nothing.
From a whole file, it is the item itself. Every real line knows its number in the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from reviewer.c.parse import parse

if TYPE_CHECKING:
    from tree_sitter import Tree

GAP = "__gap__"
"""Prefix of every synthetic identifier: "the mail shows nothing here"."""

_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class Kind(StrEnum):
    """What an item is."""

    FUNCTION = "function"
    STRUCT = "struct"
    ENUM = "enum"
    INITIALISER = "initialiser"
    DECLARATION = "declaration"
    MACRO = "macro"  # a macro list or a macro body: not analysed


@dataclass(frozen=True, slots=True)
class Mark:
    """Kernel spelling that the mask took away or renamed, at its place in the unit's text."""

    start: int  # offset in the unit's text
    end: int  # offset after the last character of it, arguments included
    name: str  # `__rcu`, `__must_hold`, `list_for_each_entry`, `scoped_guard`, ...
    arguments: str | None = None  # the text between its parentheses; None when it has none
    loop: bool = False  # renamed to `while`: an iterator, a scoped_guard, or an unknown block macro


@dataclass(frozen=True)
class Unit:
    """The text of one item, as written and as masked.

    `masked` has the length and the line breaks of `text` and is pure ASCII, so an offset in the
    tree of `masked` is an index into `text`: read structure from the tree, names from `text`.
    """

    kind: Kind
    name: str | None  # of the function or struct; None when the mail does not show it
    text: str
    masked: str
    lines: tuple[int | None, ...]  # row -> line number in the file; None: a synthetic row
    marks: tuple[Mark, ...] = ()  # by `start`
    changed: frozenset[int] = frozenset()  # rows that the patch adds (removes, on the old side)
    alternatives: frozenset[int] = frozenset()  # rows of #if/#else branches that were all kept
    unread: frozenset[int] = frozenset()  # rows that were blanked: macro bodies, dropped branches
    gone: str = ""  # of hunks: the rows around it that only the other side has

    @cached_property
    def tree(self) -> Tree:
        """The syntax tree of `masked`."""
        return parse(self.masked)

    @cached_property
    def words(self) -> frozenset[str]:
        """Every identifier and keyword of `text`, also those in comments and strings."""
        return frozenset(_WORD.findall(self.text))
