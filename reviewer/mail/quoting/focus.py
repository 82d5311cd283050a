"""Which of the quoted lines a comment is about: the one that shares its words."""

from __future__ import annotations

import re
from math import sqrt
from typing import TYPE_CHECKING

from reviewer.mail.quoting.align import is_weak, key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reviewer.diff.patch import Row

_WORD = re.compile(r"[A-Za-z_]\w+")
_DECLARATION = re.compile(r"\s*(?:struct )?\w+ [\w\s*,\[\]]{1,200};")
_INNER_CAPITAL = re.compile(r"[a-z][A-Z]")
_QUOTES = ("`", "'", '"')
_LONGEST_TEXT = 8000
_MOST_WORDS = 150
_MOST_ROWS = 60  # above the comment; further up a line weighs nothing
_FADE = 0.85  # for each telling line below
_CHANGED = 1.15
_CODE_VALUE, _QUOTED_VALUE, _PLAIN_VALUE = 3.0, 2.5, 0.6
_ENOUGH = 2.2
_NEAR = 4


def words(text: str) -> dict[str, float]:
    """The words of a comment and how much they tell: names in code more than plain words."""
    values: dict[str, float] = {}
    text = text[:_LONGEST_TEXT]
    for word in _WORD.finditer(text):
        if len(values) >= _MOST_WORDS:
            break
        name = word[0]
        values[name] = max(values.get(name, 0.0), _value(text, word))
    return values


def _value(text: str, word: re.Match[str]) -> float:
    name = word[0]
    before = text[max(word.start() - 2, 0) : word.start()]
    after = text[word.end() : word.end() + 2]
    if (
        "_" in name
        or after.startswith("(")
        or "->" in (before, after)
        or any(map(str.isdigit, name))
        or _INNER_CAPITAL.search(name)
    ):
        return _CODE_VALUE
    if before[-1:] in _QUOTES and after[:1] in _QUOTES:
        return _QUOTED_VALUE
    return _PLAIN_VALUE if len(name) > 2 else 0.0


def focus(rows: Sequence[Row], text: str) -> tuple[Row, bool]:
    """The row that a comment is about, and whether its words say so.

    `rows` are those quoted above the comment, at least one. When no row shares enough with the
    text, it is the last telling one that the patch changes, if it is near, else the last telling.
    """
    near = rows[-_MOST_ROWS:]
    values = words(text)
    names = [set(_WORD.findall(row.text)) & values.keys() for row in near]
    counts: dict[str, int] = {}
    for each in names:
        for name in each:
            counts[name] = counts.get(name, 0) + 1
    best, best_score, fade = near[-1], 0.0, 1.0
    for row, shared in zip(reversed(near), reversed(names), strict=True):
        score = fade * sum(values[name] / sqrt(counts[name]) for name in shared)
        score *= 1.0 if row.sign == " " else _CHANGED
        if score > best_score:
            best, best_score = row, score
        if tells(row):
            fade *= _FADE
    return (best, True) if best_score >= _ENOUGH else (_last(near), False)


def tells(row: Row) -> bool:
    """Whether the row is more than a brace or the like."""
    return not is_weak(key(row.text))


def _last(rows: Sequence[Row]) -> Row:
    """The last changed row of the last few that tell something, else the last that tells."""
    telling = [row for row in rows if tells(row)]
    changed = (row for row in reversed(telling[-_NEAR:]) if row.sign != " ")
    return next(changed, telling[-1] if telling else rows[-1])


def most_shared(rows: Sequence[Row], text: str) -> Row | None:
    """The added row that shares most names with a comment to which nothing was quoted.

    Names that begin alike count a little: rcu_replace_pointer is near to rcu_assign_pointer.
    """
    values = {name: value for name, value in words(text).items() if value >= _QUOTED_VALUE}
    stems = {stem for name in values if (stem := _stem(name))}
    best, best_score = None, 0.0
    for row in rows:
        if row.sign != "+":
            continue
        names = set(_WORD.findall(row.text))
        score = sum(values[name] for name in names & values.keys())
        score += sum(_stem(name) in stems for name in names - values.keys())
        score *= 0.5 if _DECLARATION.fullmatch(row.text) else 1.0
        if score > best_score:
            best, best_score = row, score
    return best


def _stem(name: str) -> str:
    """The first and the last word of a name of three or more: what its relatives share."""
    parts = name.strip("_").split("_")
    return f"{parts[0]}_{parts[-1]}" if len(parts) >= 3 else ""
