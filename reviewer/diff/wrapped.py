"""Hunks that a mailer wrapped or stuffed with spaces, put together again where that is certain.

A mailer breaks a line at a space and puts the rest, its tail, on a line of its own. A tail is
joined only where the line above was long enough to be broken there, and only when the hunk then
has exactly as many rows as its header announces.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import comb
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reviewer.diff.hunk_header import HunkHeader

SHORTEST_WRAP = 64
"""No mailer wraps before this column; RFC 3676 recommends 66 to 78."""
LONGEST_ROW = 4000
"""Characters of the longest row that tails are joined to: bounds the work on hostile text."""

_MOST_SURPLUS = 50
_SIGNS = ("+", "-", " ")
_NOT_AFTER_A_SPACE = ("\t", "{", "}", "#")  # in kernel code; a label or ` * text` may stand there
_FINISHED = (";", "{", "}", "*/")


@dataclass(frozen=True, slots=True)
class Repaired:
    """A hunk as it was before it was mailed; `reason` says why it could not be read."""

    header: HunkHeader
    rows: tuple[str, ...] = ()  # with their signs
    joined: tuple[int, ...] = ()  # indexes of the tails
    unsigned: int = 0  # rows of context that had lost their sign
    note: str | None = None  # what is odd about a hunk that was read all the same
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Walk:
    """Rows read from a place on; `old` and `new` are the lines that are still announced."""

    rows: tuple[str, ...]
    joined: tuple[int, ...]
    unsigned: int
    end: int
    old: int
    new: int

    @property
    def fits(self) -> bool:
        """Whether the rows are as many as announced."""
        return self.old == 0 and self.new == 0


def repair(header: HunkHeader, lines: Sequence[str], at: int, stop: int, last: bool) -> Repaired:
    """The hunk whose header is the line before `at`, from the lines up to `stop`.

    `last` says that text may follow: the hunk is the last of the mail.
    """
    header, first, tails = _whole_header(header, lines, at, stop)
    walk = _walk(header, lines, first, stop)
    if walk.fits and not _goes_on(lines, walk.end, stop, last):
        return _as_announced(header, walk, tails)
    doubtful = _signed_tails(lines, first, stop)
    for other in _other_readings(header, lines, first, stop, doubtful):
        if other.fits and not _goes_on(lines, other.end, stop, last):
            return _as_announced(header, other, tails)
    if walk.fits and header.old and not doubtful:
        note = f"{_row_count(lines, walk.end, stop)} lines after its announced end were not read"
        return replace(_as_announced(header, walk, tails), note=note)
    return _recounted(header, lines, first, stop, last, bool(doubtful))


def stuffed(context: Iterable[str], flowed: bool) -> bool:
    """Whether a mailer put a space before each line that began with one (RFC 3676, section 4.4).

    Takes the context rows of a mail without their signs. `flowed` is the mail's own word for it;
    without it, some rows must look as no kernel code does when it is not stuffed.
    """
    score = 0
    for text in context:
        if text and text[0] != " ":
            return False
        if text[1:2] in _NOT_AFTER_A_SPACE:
            score += 2
        elif text[1:2].isalpha() and not text.endswith(":"):
            score += 1
    return score >= (1 if flowed else 4)


def broken_here(line: str, tail: str) -> bool:
    """Whether a mailer may have broken a text between these two lines."""
    return bool(line) and _width(line) + _first_word(tail) > SHORTEST_WRAP


def _width(line: str) -> int:
    """Columns of the line, at most."""
    return len(line) + 7 * line.count("\t")


def _first_word(tail: str) -> int:
    """Length of the space and the word that had no place on the line above."""
    return 1 + len(tail.lstrip().partition(" ")[0])


def join(line: str, tail: str) -> str:
    """The text that was broken between the two lines."""
    return line + tail if line.endswith(" ") else f"{line} {tail}"


def _whole_header(
    header: HunkHeader, lines: Sequence[str], at: int, stop: int
) -> tuple[HunkHeader, int, tuple[int, ...]]:
    """The header with its tails, the index of the first row, and the indexes of the tails."""
    first = at
    while first < stop and _is_tail(header.section, lines, first):
        header = replace(header, section=join(header.section, lines[first]))
        first += 1
    return header, first, tuple(range(at, first))


def _is_tail(row: str, lines: Sequence[str], at: int) -> bool:
    """Whether the line is more of `row`. A lone backslash is: it ends a line of a macro."""
    line = lines[at]
    if line[:1] in ("", *_SIGNS, "\t", ">") or line.startswith("\\ ") or len(row) > LONGEST_ROW:
        return False
    return broken_here(lines[at - 1], line)


def _walk(
    header: HunkHeader,
    lines: Sequence[str],
    at: int,
    stop: int,
    tails: frozenset[int] = frozenset(),
    bare: bool = False,
) -> _Walk:
    """Read rows until the counts are reached or no row follows.

    The lines `tails` are taken for tails whatever they begin with; with `bare`, a line without
    sign is a row of context.
    """
    old, new = header.old, header.new
    rows: list[str] = []
    joined: list[int] = []
    unsigned = 0
    while at < stop and old >= 0 and new >= 0:
        line = lines[at]
        sign = line[:1]
        done = old == 0 and new == 0
        if rows and line.startswith("\\ "):
            rows.append(line)
        elif rows and (at in tails or (not bare and _is_tail(rows[-1], lines, at))):
            if done and at not in tails and rows[-1].endswith(_FINISHED):
                break
            rows[-1] = join(rows[-1], line)
            joined.append(at)
        elif done or (sign not in ("", *_SIGNS, "\t") and not bare):
            break
        else:
            lost = sign not in ("", *_SIGNS)
            unsigned += lost
            rows.append(" " + line if lost else line or " ")
            old -= sign != "+"
            new -= sign != "-"
        at += 1
    return _Walk(tuple(rows), tuple(joined), unsigned, at, old, new)


def _other_readings(
    header: HunkHeader, lines: Sequence[str], at: int, stop: int, doubtful: Sequence[int]
) -> Iterator[_Walk]:
    """Readings for which there is a reason in the text, and of which only one is possible."""
    signs = {line[0] for line in lines[at:stop] if line}
    if " " not in signs and "\t" in signs:
        yield _walk(header, lines, at, stop, bare=True)
    tails = _forced(header, lines, at, stop, doubtful)
    if tails:
        yield _walk(header, lines, at, stop, tails)


def _signed_tails(lines: Sequence[str], at: int, stop: int) -> tuple[int, ...]:
    """The lines that begin as a row does, but may be tails.

    A mailer wraps all lines at one width. So no line is broken that is shorter, with the next
    word, than another line is whole.
    """
    stop = _rows_stop(lines, at, stop)
    raw = max((len(line) for line in lines[at:stop] if " " in line[1:].strip()), default=0)
    wide = max((_width(line) for line in lines[at:stop] if " " in line[1:].strip()), default=0)
    return tuple(
        index
        for index in range(at + 1, stop)
        if lines[index][:1] in _SIGNS
        and broken_here(lines[index - 1], lines[index])
        and (
            len(lines[index - 1]) + _first_word(lines[index]) > raw
            or _width(lines[index - 1]) + _first_word(lines[index]) > wide
        )
    )


def _forced(
    header: HunkHeader, lines: Sequence[str], at: int, stop: int, doubtful: Sequence[int]
) -> frozenset[int]:
    """The doubtful lines that must be tails for the counts to fit; none when there is a choice."""
    inside = [lines[index][:1] for index in range(at, _rows_stop(lines, at, stop))]
    old = sum(sign in ("", " ", "-") for sign in inside) - header.old
    new = sum(sign in ("", " ", "+") for sign in inside) - header.new
    if min(old, new) < 0 or not 0 < max(old, new) <= _MOST_SURPLUS:
        return frozenset()
    by_sign = {sign: [at for at in doubtful if lines[at][0] == sign] for sign in _SIGNS}
    added, removed, kept = (len(by_sign[sign]) for sign in _SIGNS)
    ways = {
        both: comb(removed, old - both) * comb(added, new - both) * comb(kept, both)
        for both in range(min(old, new) + 1)
    }
    if sum(ways.values()) != 1:
        return frozenset()
    both = next(number for number, count in ways.items() if count)
    taken = {"+": new - both, "-": old - both, " ": both}
    return frozenset(index for sign in _SIGNS if taken[sign] for index in by_sign[sign])


def _rows_stop(lines: Sequence[str], at: int, stop: int) -> int:
    """The index after the last line that begins as a row does."""
    while stop > at and lines[stop - 1][:1] not in _SIGNS:
        stop -= 1
    return stop


def _as_announced(header: HunkHeader, walk: _Walk, tails: tuple[int, ...]) -> Repaired:
    return Repaired(header, walk.rows, tails + walk.joined, walk.unsigned)


def _recounted(
    header: HunkHeader, lines: Sequence[str], at: int, stop: int, last: bool, doubtful: bool
) -> Repaired:
    """The hunk as found: the counts are wrong, but every line of it shows what it is."""
    allowed = ("", *_SIGNS) if header.old else ("+",)
    end, tight = at, _without_blank_end(lines, at, stop)
    while end < tight and (lines[end][:1] in allowed or lines[end].startswith("\\ ")):
        end += 1
    rows = tuple(line or " " for line in lines[at:end])
    old = sum(row[0] in " -" for row in rows)
    new = sum(row[0] in " +" for row in rows)
    what = _miscount(header, old, new)
    surplus = old > header.old or new > header.new
    unsure = surplus and (doubtful or "" in lines[at:end])
    if not rows or unsure or _foreign(lines, end, tight, last):
        return Repaired(header, reason=f"{what}; not read")
    return Repaired(replace(header, old=old, new=new), rows, note=f"{what}; read as found")


def _miscount(header: HunkHeader, old: int, new: int) -> str:
    if header.old != old:
        return f"{header.old} lines announced for the old side, {old} found"
    return f"{header.new} lines announced for the new side, {new} found"


def _foreign(lines: Sequence[str], at: int, tight: int, last: bool) -> bool:
    """Whether what follows the rows may belong to the hunk. Text may follow the last one."""
    if at >= tight or not last:
        return at < tight
    if lines[at][:1] not in ("", ">") and broken_here(lines[at - 1], lines[at]):
        return True
    while at < tight and lines[at]:
        if lines[at][0] in _SIGNS:
            return True
        at += 1
    return False


def _goes_on(lines: Sequence[str], at: int, stop: int, last: bool) -> bool:
    """Whether more rows follow the announced ones."""
    if not last:
        return any(lines[index][:1] in _SIGNS for index in range(at, stop))
    return at < stop and lines[at][:1] in _SIGNS


def _row_count(lines: Sequence[str], at: int, stop: int) -> int:
    return sum(lines[index][:1] in _SIGNS for index in range(at, stop))


def _without_blank_end(lines: Sequence[str], at: int, stop: int) -> int:
    while stop > at and not lines[stop - 1].strip():
        stop -= 1
    return stop
