"""Places for the lines that are left over between lines whose place is certain."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, NamedTuple

from reviewer.mail.quoting.lines import How, Place, is_weak

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reviewer.mail.quoting.lines import Index, Quoted

Found = list[Place | None]

_SHORTEST_PIECE = 12  # characters by which a line is known that was cut
_NARROW = 60  # lines of a gap in which similar lines are looked for
_LONGEST = 300  # characters of lines that are compared so
_ALIKE = 0.85
_FEW = 3  # places among which a line that moved may choose


class _Gap(NamedTuple):
    """Lines without a place, and the part of the document in which theirs can be."""

    first: int
    stop: int
    low: int
    high: int  # exclusive


def fill(lines: Sequence[Quoted], document: Index, found: Found, *, loose: bool) -> None:
    """Add to `found`, the places of the chain, those of further lines. No line may be blank."""
    _extend(lines, document, found)
    _strong(lines, document, found)
    _weak(lines, document, found, loose=loose)
    if loose:
        _cut(lines, document, found)
        _similar(lines, document, found)
    _moved(lines, document, found)


def _gaps(lines: Sequence[Quoted], document: Index, found: Found) -> Iterator[_Gap]:
    """The gaps that hold lines and can hold places; `found` may be changed inside them."""
    first, low = 0, 0
    for at in range(len(found) + 1):
        placed = found[at] if at < len(found) else None
        if placed is None and at < len(found):
            continue
        high = len(document.keys) if placed is None else placed.at
        if first < at and low < high:
            yield _Gap(first, at, low, high)
        if placed is not None:
            first, low = at + 1, placed.at + 1


def _extend(lines: Sequence[Quoted], document: Index, found: Found) -> None:
    """From each certain line on downwards, then upwards, as long as both texts are the same."""
    for first, stop, low, high in _gaps(lines, document, found):
        opening = [line for line in range(first, stop) if lines[line].opens]
        below = _run(lines, opening, document.keys, range(low, high)) if low else []
        for line, at in below:
            found[line] = Place(at, How.FILLED)
        if stop < len(lines):
            left = opening[: len(below) - 1 : -1] if below else opening[::-1]
            low = below[-1][1] + 1 if below else low
            for line, at in _run(lines, left, document.keys, range(high - 1, low - 1, -1)):
                found[line] = Place(at, How.FILLED)


def _run(
    lines: Sequence[Quoted], order: Sequence[int], keys: Sequence[str], places: Iterable[int]
) -> list[tuple[int, int]]:
    """Pairs of a line and its place while they are equal; blank places are passed over."""
    filled = (at for at in places if keys[at])
    pairs: list[tuple[int, int]] = []
    for line, at in zip(order, filled, strict=False):
        if lines[line].key != keys[at]:
            break
        pairs.append((line, at))
    return pairs


def _strong(lines: Sequence[Quoted], document: Index, found: Found) -> None:
    """Telling lines take the first place in their gap where they stand."""
    for gap in _gaps(lines, document, found):
        low = gap.low
        for line in range(gap.first, gap.stop):
            key, opens = lines[line]
            if opens and not is_weak(key):
                inside = _inside(document.places.get(key, ()), low, gap.high)
                if inside:
                    found[line] = Place(inside[0], How.FILLED)
                    low = inside[0] + 1


def _inside(places: Sequence[int], low: int, high: int) -> Sequence[int]:
    return places[bisect_left(places, low) : bisect_left(places, high)] if places else ()


def _weak(lines: Sequence[Quoted], document: Index, found: Found, *, loose: bool) -> None:
    """Lines like `}` take the only place in their gap; when there are more, it is a guess."""
    for gap in _gaps(lines, document, found):
        low = gap.low
        for line in range(gap.first, gap.stop):
            key, opens = lines[line]
            places = document.places.get(key) if opens else None
            if not places:
                continue
            start, stop = bisect_left(places, low), bisect_left(places, gap.high)
            if start < stop and (loose or stop - start == 1):
                at = places[start] if gap.low else places[stop - 1]
                found[line] = Place(at, How.FILLED if stop - start == 1 else How.GUESS)
                low = at + 1


def _cut(lines: Sequence[Quoted], document: Index, found: Found) -> None:
    """Lines of which only the beginning, or a part, is left."""
    for gap in _gaps(lines, document, found):
        low = gap.low
        for line in range(gap.first, gap.stop):
            key, opens = lines[line]
            if not opens or len(key) < _SHORTEST_PIECE:
                continue
            at = _begun(key, document, low, gap.high)
            if at is None and gap.high - low <= _NARROW:
                at = next((j for j in range(low, gap.high) if key in document.keys[j]), None)
            if at is not None:
                found[line] = Place(at, How.CUT)
                low = at + 1


def _begun(key: str, document: Index, low: int, high: int) -> int | None:
    """The first line between `low` and `high` that begins with `key`, if it can be told."""
    ordered = document.ordered
    start = bisect_left(ordered, key)
    fits: list[int] = []
    for whole in ordered[start : start + _FEW]:
        if not whole.startswith(key):
            break
        fits += _inside(document.places[whole], low, high)[:1]
    return min(fits, default=None)


def _similar(lines: Sequence[Quoted], document: Index, found: Found) -> None:
    """Lines in which somebody changed a little, where the gap is narrow."""
    for gap in _gaps(lines, document, found):
        if gap.high - gap.low > _NARROW or gap.stop - gap.first > _NARROW:
            continue
        low = gap.low
        for line in range(gap.first, gap.stop):
            key, opens = lines[line]
            if not opens or not _SHORTEST_PIECE <= len(key) <= _LONGEST:
                continue
            at = next((j for j in range(low, gap.high) if _alike(key, document.keys[j])), None)
            if at is not None:
                found[line] = Place(at, How.FUZZY)
                low = at + 1


def _alike(mine: str, theirs: str) -> bool:
    """Whether they begin and end alike, so that what differs is short and at one place."""
    longer = max(len(mine), len(theirs))
    if min(len(mine), len(theirs)) < _ALIKE * longer or _sign(mine) != _sign(theirs):
        return False
    head = _equal(mine, theirs)
    tail = _equal(mine[head:][::-1], theirs[head:][::-1])
    return head + tail >= _ALIKE * longer


def _equal(mine: str, theirs: str) -> int:
    """How many characters at the beginning are the same."""
    pairs = zip(mine, theirs, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(mine), len(theirs)))


def _sign(key: str) -> str:
    return key[0] if key[0] in "+-" else " "


def _moved(lines: Sequence[Quoted], document: Index, found: Found) -> None:
    """Telling lines that are out of order: of few places the one nearest to the line above."""
    near = 0
    for line, place in enumerate(found):
        if place is not None:
            near = place.at
            continue
        key, opens = lines[line]
        if not opens or is_weak(key):
            continue
        places = document.places.get(key, ())
        if 0 < len(places) <= _FEW:
            found[line] = Place(_nearest(places, near), How.MOVED)


def _nearest(places: Sequence[int], near: int) -> int:
    below = bisect_right(places, near)
    around = places[max(below - 1, 0) : below + 1]
    return min(around, key=lambda at: abs(at - near))
