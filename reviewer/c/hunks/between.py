"""Hunks that break off within a comment and go on in it: no code is hidden between them."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reviewer.diff.patch import Hunk

_HIDDEN = 2
"""Rows: the end of a comment, code and the beginning of the next one take three at least."""

_NEAR = 12  # rows of a comment that are looked at
_OPENS = re.compile(r"\s*/\*")
_INSIDE = re.compile(r"\s*\*(?!/)(?:\s|\Z)")


def joined(hunks: Sequence[Hunk]) -> Sequence[Hunk]:
    """The hunks, of which those that are apart only by rows of one comment are one.

    The rows that the mail does not show are written as rows of the comment, with their numbers.
    """
    if not any(_hidden(one, other) for one, other in pairwise(hunks)):
        return hunks
    found = [hunks[0]]
    for hunk in hunks[1:]:
        hidden = _hidden(found[-1], hunk)
        if hidden and _breaks_off(found[-1]) and _goes_on(hunk):
            found[-1] = _one(found[-1], hunk, hidden)
        else:
            found.append(hunk)
    return found


def _hidden(one: Hunk, other: Hunk) -> int:
    """How many rows are between two hunks; 0 when none or too many."""
    last = one.rows[-1] if one.rows else None
    if last is None or last.sign != " " or last.old is None or last.new is None:
        return 0
    old, new = other.old_start - last.old - 1, other.new_start - last.new - 1
    return old if old == new and 0 < old <= _HIDDEN else 0


def _breaks_off(hunk: Hunk) -> bool:
    """Whether the last rows, which both sides have, are those of a comment that is not over."""
    for row in reversed(hunk.rows[-_NEAR:]):
        if row.sign != " " or "*/" in row.text:
            return False
        if _OPENS.match(row.text):
            return True
        if not _INSIDE.match(row.text):
            return False
    return False


def _goes_on(hunk: Hunk) -> bool:
    """Whether the first rows, which both sides have, are those of a comment that ends in view."""
    for row in hunk.rows[:_NEAR]:
        if row.sign != " ":
            return False
        if "*/" in row.text:
            return row.text.lstrip().startswith("*")
        if not _INSIDE.match(row.text):
            return False
    return False


def _one(first: Hunk, second: Hunk, hidden: int) -> Hunk:
    last = first.rows[-1]
    old, new = last.old or 0, last.new or 0  # `_hidden` has asked for them
    rows = [last._replace(text=" *", old=old + at, new=new + at) for at in range(1, hidden + 1)]
    return replace(
        first,
        rows=(*first.rows, *rows, *second.rows),
        old_open=second.old_open,
        new_open=second.new_open,
    )
