"""A line of one revision followed into the next, by content.

Both revisions are diffs; what neither shows is not known, so a context line that is not shown any
more is not gone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING

from reviewer.mail.quoting import align
from reviewer.model import Side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reviewer.diff.patch import FileDiff, Row
    from reviewer.mail.quoting.align import Index

_ABOVE, _BELOW = 6, 3  # lines of a hunk that count as near; people write below what they mean
_CLOSE = 4  # lines between which the order counts
_FEWEST_AROUND = 2  # telling context lines by which a place is known
_FAR = 100  # lines; a hunk may be a whole new file
_LONGEST_RUN = 30  # lines that may be wrapped in another way
_MARGIN = 8  # lines around the near ones in which new names are looked for
_WORD = re.compile(r"[A-Za-z_]\w{2,}")


class State(IntEnum):
    """What became of a line; of several answers the smallest is believed."""

    SAME = 0
    CONTEXT = 1  # it was added, and is not any more: it is there without the patch
    CHANGED = 2  # other lines stand in its place
    REORDERED = 3  # it has passed a line beside it, or was carried to another place
    GONE = 4
    UNSEEN = 5  # a context line in a part that is not shown any more

    @property
    def is_away(self) -> bool:
        """Whether the line is not there any more as the patch had it."""
        return self in (State.CONTEXT, State.CHANGED, State.REORDERED, State.GONE)


@dataclass(frozen=True)
class Sheet:
    """What a diff shows of one side of a file."""

    file: FileDiff
    side: Side

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The rows of this side in their order."""
        return tuple(row for hunk in self.file.hunks for row in hunk.rows if self._has(row))

    @cached_property
    def hunks(self) -> tuple[int, ...]:
        """For each row the number of its hunk."""
        return tuple(
            number
            for number, hunk in enumerate(self.file.hunks)
            for row in hunk.rows
            if self._has(row)
        )

    @cached_property
    def index(self) -> Index:
        """The keys of the rows, ready to be aligned with."""
        return align.index(align.key(row.text) for row in self.rows)

    @cached_property
    def lines(self) -> dict[int, int]:
        """From line numbers of the file to indices of rows."""
        numbers = ((self.number(row), at) for at, row in enumerate(self.rows))
        return {number: at for number, at in numbers if number is not None}

    @cached_property
    def names(self) -> frozenset[str]:
        """The identifiers in all rows."""
        return words("\n".join(row.text for row in self.rows))

    @cached_property
    def changed_names(self) -> frozenset[str]:
        """The identifiers in the rows that only this side has."""
        return words(self.changed_text)

    @cached_property
    def changed_text(self) -> str:
        """The rows that only this side has."""
        return "\n".join(row.text for row in self.rows if row.sign == self.own)

    @property
    def own(self) -> str:
        """The sign of the rows that only this side has."""
        return "+" if self.side is Side.NEW else "-"

    def number(self, row: Row) -> int | None:
        """The line number of a row on this side."""
        return row.new if self.side is Side.NEW else row.old

    def _has(self, row: Row) -> bool:
        return row.sign in (" ", self.own)


@dataclass(frozen=True)
class Pairing:
    """A sheet of one revision laid beside a sheet of the next."""

    old: Sheet
    new: Sheet
    images: tuple[int | None, ...]  # for each row of `old` what it became in `new`
    wrapped: frozenset[int]  # rows of `new` that hold the same as before on more or fewer lines

    @cached_property
    def taken(self) -> frozenset[int]:
        """The rows of `new` that were there before."""
        return self.wrapped.union(at for at in self.images if at is not None)


@dataclass(frozen=True, slots=True)
class Trace:
    """What became of a line and of the lines around it."""

    state: State
    near: int = 0  # lines that were lost or inserted around it
    hunk: int = 0  # the same in all of its hunk
    kept: int = 0  # lines of its hunk that are still there
    beside: bool = False  # a line directly above or below it is still there
    before: str = ""  # all of the old text around it
    window: str = ""  # what the new text around it adds


def pair(old: Sheet, new: Sheet) -> Pairing:
    """Lay two sheets side by side."""
    places = align.follow(old.index.keys, new.index)
    images = [None if place is None else place.at for place in places]
    wrapped: set[int] = set()
    for run in _holes(old, images):
        low, high = images[run.start - 1], images[run.stop]
        if low is None or high is None or not low < high - 1 <= low + _LONGEST_RUN:
            continue
        if _joined(old, run) == _joined(new, range(low + 1, high)):
            images[run.start : run.stop] = [low + 1] * len(run)
            wrapped.update(range(low + 1, high))
    return Pairing(old, new, tuple(images), frozenset(wrapped))


def _holes(sheet: Sheet, images: Sequence[int | None]) -> list[range]:
    """Runs of rows that have no image, between two rows of the same hunk that have one."""
    found: list[range] = []
    start = 0
    for at, image in enumerate(images):
        if image is None and sheet.index.keys[at]:
            continue
        if 0 < start < at and sheet.hunks[start - 1] == sheet.hunks[at] and image is not None:
            found.append(range(start, at))
        start = at + 1
    return [run for run in found if len(run) <= _LONGEST_RUN]


def _joined(sheet: Sheet, rows: range) -> str:
    return "".join(sheet.index.keys[at] for at in rows)


def trace(pairing: Pairing, at: int, others: Sequence[Sheet] = ()) -> Trace:
    """Follow row `at` of the older sheet.

    `others` are the sheets of the same file in other patches of the newer series: what is there
    was not lost.
    """
    old, new = pairing.old, pairing.new
    first, last = _hunk(old, at)
    near = range(max(first, at - _ABOVE), min(last, at + _BELOW) + 1)
    whole = range(first, last + 1)
    low, high = _region(pairing, near, whole)
    kept = sum(pairing.images[each] is not None for each in whole)
    return Trace(
        state=_state(pairing, at, whole),
        near=_lost(pairing, near, others) + _inserted(pairing, low, high),
        hunk=_lost(pairing, whole, others) + _inserted(pairing, *_region(pairing, whole, whole)),
        kept=kept,
        beside=any(
            each in whole and pairing.images[each] is not None
            for each in (at - 2, at - 1, at + 1, at + 2)
        ),
        before=_text(old, at - _MARGIN, at + _MARGIN, (" ", old.own)),
        window=_text(new, low - _MARGIN, high + _MARGIN, (new.own,)) if kept else new.changed_text,
    )


def _hunk(sheet: Sheet, at: int) -> tuple[int, int]:
    """The first and the last row of the hunk that holds a row, as far as they are not far off."""
    first = last = at
    while first > max(0, at - _FAR) and sheet.hunks[first - 1] == sheet.hunks[at]:
        first -= 1
    while last + 1 < min(len(sheet.hunks), at + _FAR) and sheet.hunks[last + 1] == sheet.hunks[at]:
        last += 1
    return first, last


def _state(pairing: Pairing, at: int, hunk: range) -> State:
    old, new = pairing.old, pairing.new
    row, image = old.rows[at], pairing.images[at]
    if image is not None:
        state = State.SAME if new.rows[image].sign == row.sign else _signed(row, old)
        moved = _is_reordered(pairing, at, hunk, image) or _is_carried(pairing, at, hunk, image)
        return State.REORDERED if moved else state
    if row.sign == " ":
        return State.UNSEEN
    low, high = _above(pairing, at, hunk), _below(pairing, at, hunk)
    if low is None and high is None:
        return State.GONE
    start = 0 if low is None else low + 1
    stop = len(new.rows) if high is None else high
    filled = new.rows[start:stop]
    if any(each.sign == new.own and each.text.strip() for each in filled):
        return State.CHANGED
    return State.GONE


def _above(pairing: Pairing, at: int, hunk: range) -> int | None:
    """What the nearest row from here upwards that is still there became."""
    images = (pairing.images[each] for each in range(at, hunk[0] - 1, -1))
    return next((image for image in images if image is not None), None)


def _below(pairing: Pairing, at: int, hunk: range) -> int | None:
    """The same downwards."""
    images = (pairing.images[each] for each in range(at, hunk[-1] + 1))
    return next((image for image in images if image is not None), None)


def _is_reordered(pairing: Pairing, at: int, hunk: range, image: int) -> bool:
    """Whether a telling line close by stands on the other side of the row now."""
    keys, rows, own = pairing.old.index.keys, pairing.new.rows, pairing.new.own
    if align.is_weak(keys[at]):
        return False
    for near in range(max(hunk[0], at - _CLOSE), min(hunk[-1], at + _CLOSE) + 1):
        there = pairing.images[near]
        if there is None or there == image or align.is_weak(keys[near]):
            continue
        passed = (near < at) != (there < image)
        if passed and abs(there - image) <= 2 * _CLOSE:
            return own in (rows[image].sign, rows[there].sign)
    return False


def _is_carried(pairing: Pairing, at: int, hunk: range, image: int) -> bool:
    """Whether an added line stands among other code now: none of what was around it is there."""
    old, new = pairing.old, pairing.new
    if old.rows[at].sign == " ":
        return False
    near = range(max(hunk[0], at - _MARGIN), min(hunk[-1], at + _MARGIN) + 1)
    context = (old.index.keys[each] for each in near if old.rows[each].sign == " ")
    around = {key for key in context if not align.is_weak(key)}
    now = new.index.keys[max(0, image - 2 * _MARGIN) : image + 2 * _MARGIN + 1]
    return len(around) >= _FEWEST_AROUND and around.isdisjoint(now)


def _signed(row: Row, old: Sheet) -> State:
    """The same text with another sign."""
    if row.sign == " ":
        return State.SAME if old.side is Side.NEW else State.CHANGED
    # An added line that is context now; or a removal that was taken back.
    return State.CONTEXT if old.side is Side.NEW else State.CHANGED


def _region(pairing: Pairing, rows: range, hunk: range) -> tuple[int, int]:
    """The rows of the newer sheet, both included, that stand where `rows` stood; may be empty."""
    placed = [image for at in rows if (image := pairing.images[at]) is not None]
    low, high = _above(pairing, rows[0], hunk), _below(pairing, rows[-1], hunk)
    low = min(placed, default=None) if low is None else low
    high = max(placed, default=None) if high is None else high
    low, high = (high if low is None else low), (low if high is None else high)
    return (0, -1) if low is None or high is None else (low, high)


def _lost(pairing: Pairing, rows: range, others: Sequence[Sheet]) -> int:
    old = pairing.old
    lost = (
        old.index.keys[at]
        for at in rows
        if pairing.images[at] is None and old.rows[at].sign == old.own and old.index.keys[at]
    )
    return sum(all(key not in other.index.places for other in others) for key in lost)


def _inserted(pairing: Pairing, low: int, high: int) -> int:
    new = pairing.new
    return sum(
        at not in pairing.taken and new.rows[at].sign == new.own and bool(new.index.keys[at])
        for at in range(low, high + 1)
    )


def _text(sheet: Sheet, low: int, high: int, signs: tuple[str, ...]) -> str:
    """The rows between two, both included, that have one of the signs."""
    rows = sheet.rows[max(0, low) : max(0, high + 1)]
    return "\n".join(row.text for row in rows if row.sign in signs)


def words(text: str) -> frozenset[str]:
    """All identifiers and keywords of a text."""
    return frozenset(_WORD.findall(text))
