"""The heaviest chain of line pairs that runs downwards in two texts at once."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from reviewer.mail.quoting.lines import How, Index, Place, is_weak, unsigned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reviewer.mail.quoting.lines import Quoted

_MOST_PLACES = 12  # a line that stands at more places tells nothing
_MOST_PAIRS = 60_000  # beyond, only lines that stand at one place make pairs
_LONGEST = 4000  # characters of a line that others are joined to
_MOST_PIECES = 4  # that a mailer made of one line
_LONG = 30  # characters from which on a line is as telling as it can be
_NEIGHBOUR = 0.35  # weight of a neighbour that agrees, against 1 of the line itself


class _Candidate(NamedTuple):
    """Where a line, or the line that it begins, may stand."""

    how: How
    pieces: int  # lines that were joined
    places: Sequence[int]


class _Pair(NamedTuple):
    line: int
    at: int
    weight: float


_NOWHERE = _Candidate(How.EXACT, 1, ())


def place(lines: Sequence[Quoted], document: Index, *, loose: bool) -> list[Place | None]:
    """The places of the lines that are certain. No line may be blank.

    `loose` also joins lines that a mailer broke, and finds lines that have lost their sign.
    """
    candidates = _candidates(lines, document, loose=loose)
    found: list[Place | None] = [None] * len(lines)
    for pair in _heaviest(_pairs(lines, candidates, document)):
        how, pieces, _ = candidates[pair.line]
        found[pair.line] = Place(pair.at, how)
        for tail in range(pair.line + 1, pair.line + pieces):
            found[tail] = Place(pair.at, How.TAIL)
    return found


def _candidates(lines: Sequence[Quoted], document: Index, *, loose: bool) -> list[_Candidate]:
    found = [_NOWHERE] * len(lines)
    at = 0
    while at < len(lines):
        each = lines[at]
        if each.opens and not is_weak(each.key):
            found[at] = _candidate(lines, at, document, loose=loose)
        at += found[at].pieces
    return found


def _candidate(lines: Sequence[Quoted], at: int, document: Index, *, loose: bool) -> _Candidate:
    key = lines[at].key
    if places := document.places.get(key):
        return _Candidate(How.EXACT, 1, places)
    if not loose:
        return _NOWHERE
    joined = key
    for pieces in range(2, min(_MOST_PIECES, len(lines) - at) + 1):
        if len(joined) > _LONGEST:
            break
        joined += lines[at + pieces - 1].key
        if places := document.places.get(joined):
            return _Candidate(How.WRAPPED, pieces, places)
    if places := document.unsigned.get(unsigned(key)):
        return _Candidate(How.UNSIGNED, 1, places)
    return _NOWHERE


def _pairs(
    lines: Sequence[Quoted], candidates: Sequence[_Candidate], document: Index
) -> list[_Pair]:
    """All pairs by line, and those of a line from the bottom of the document up."""
    most = _MOST_PLACES
    counts = (len(each.places) for each in candidates)
    if sum(count for count in counts if count <= most) > _MOST_PAIRS:
        most = 1
    keys, size = document.keys, len(document.keys)
    pairs: list[_Pair] = []
    opening = [each.key for each in lines if each.opens]
    above = 0  # lines of `opening` above this one
    for line, (_, pieces, places) in enumerate(candidates):
        above += line > 0 and lines[line - 1].opens
        if not places or len(places) > most:
            continue
        telling = 0.3 + min(len(lines[line].key), _LONG) / _LONG
        share = telling / len(places)
        tails = sum(each.opens for each in lines[line + 1 : line + pieces])
        around = _neighbours(opening, above, above + tails)
        for at in reversed(places):
            agree = 0
            for by, beside in around:
                if 0 <= at + by < size and keys[at + by] == beside:
                    agree += 1
            pairs.append(_Pair(line, at, share + _NEIGHBOUR * agree * telling))
    return pairs


def _neighbours(keys: Sequence[str], first: int, last: int) -> list[tuple[int, str]]:
    """The keys two lines up and down from a line in pieces, by their distance."""
    near = ((-2, first - 2), (-1, first - 1), (1, last + 1), (2, last + 2))
    return [(by, keys[at]) for by, at in near if 0 <= at < len(keys)]


def _heaviest(pairs: Sequence[_Pair]) -> list[_Pair]:
    """Pairs that increase strictly on both sides and weigh most together.

    `pairs` are in the order that `_pairs` gives. O(n log n): `ends` are the places in the document
    where a chain may end, ascending, `totals` what the heaviest chain up to there weighs, also
    ascending, since an end that is lower down and not heavier is of no use.
    """
    ends: list[int] = []
    totals: list[float] = []
    tops: list[int] = []
    before: list[int] = []
    for number, (_, at, weight) in enumerate(pairs):
        spot = bisect_left(ends, at)
        total = weight + (totals[spot - 1] if spot else 0.0)
        before.append(tops[spot - 1] if spot else -1)
        useless = spot
        while useless < len(ends) and totals[useless] <= total:
            useless += 1
        if useless == spot < len(ends) and ends[spot] == at:
            continue
        ends[spot:useless], totals[spot:useless], tops[spot:useless] = [at], [total], [number]
    chain: list[_Pair] = []
    here = tops[-1] if tops else -1
    while here >= 0:
        chain.append(pairs[here])
        here = before[here]
    return chain[::-1]
