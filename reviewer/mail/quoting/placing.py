"""Where each quoted line of a reply comes from: a patch, or what somebody said before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from reviewer.mail.quoting.align import How, Place, Quoted, align, is_weak, key
from reviewer.mail.quoting.document import Joined, Part, line_key
from reviewer.mail.quoting.reply_text import Line, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reviewer.mail.quoting.document import Document

_SHORTEST_PROSE = 12  # characters by which a line is known that was wrapped anew
_MOST_PROSE = 300  # lines that are looked for so
_LONGEST_PROSE = 60_000
_PROVEN = 3  # lines of the patch in a reply, that they are quoted without marks
_FEWEST_STRANGERS = 2  # lines that another patch of the series must have to be looked at
_TAILS = 3  # lines below a quoted one that may be the rest of it
_SURE = (How.EXACT, How.FILLED, How.WRAPPED, How.UNSIGNED, How.MOVED)
_DIFF_LINE = re.compile(r"[+-](?![+-]{2} )\s*\S|@@ -\d|diff --git ")


class Spot(NamedTuple):
    """The place of a quoted line: a line of one of the documents."""

    document: int  # index in the documents that the reply may quote
    at: int
    how: How


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a reply says itself, to be found again in the replies to it."""

    lines: Mapping[str, int]  # number of the comment by key of a line
    joined: Joined
    comments: tuple[int, ...]  # number of the comment by line of `joined`

    @classmethod
    def of(cls, texts: Sequence[str]) -> Spoken:
        """The comments of one mail, in their order."""
        keys = [(key(line), number) for number, text in enumerate(texts)
                for line in text.split("\n")]  # fmt: skip
        keys = [(each, number) for each, number in keys if each]
        lines = dict(reversed(keys))
        return cls(lines, Joined.of([each for each, _ in keys]), tuple(n for _, n in keys))

    def number(self, quoted: str) -> int | None:
        """The comment that holds the quoted line, given by its key."""
        if quoted in self.lines:
            return self.lines[quoted]
        if not _SHORTEST_PROSE <= len(quoted) <= len(self.joined.text) <= _LONGEST_PROSE:
            return None
        line = self.joined.line_of(quoted)
        return None if line is None else self.comments[line]


def spots(lines: Sequence[Line], documents: Sequence[Document]) -> list[Spot | None]:
    """For each line of a reply its place in one of the documents, the nearest one first.

    A line that the sender wrote has a place when it is the rest of a wrapped quote.
    """
    quoted = _candidates(lines, _bare_quotes(lines, documents))
    placed = [align(quoted, document.index) for document in documents]
    found: list[Spot | None] = [None] * len(lines)
    for run in _runs(lines, quoted) if len(documents) > 1 else [range(len(lines))]:
        best = _best(run, quoted, placed)
        for at in run:
            place = placed[best][at] if placed else None
            found[at] = None if place is None else Spot(best, *place)
    _find_prose(quoted, documents, found)
    _find_header_tails(quoted, documents, found)
    return found


def _bare_quotes(lines: Sequence[Line], documents: Sequence[Document]) -> set[int]:
    """Lines of a patch that stand in the reply without any marks, when that is proven."""
    bare = {
        at
        for at, (role, _, text, _) in enumerate(lines)
        if role is Role.SKETCH or (role is Role.OWN and text.startswith(("+", "-", "@@ ")))
    }
    proven = 0
    for at in bare:
        quote = line_key(lines[at].text)
        signed = quote.startswith(("+", "-", "@@")) and not is_weak(quote)
        proven += signed and any(quote in document.index.places for document in documents)
    return bare if proven >= _PROVEN and 4 * proven >= len(bare) else set()


def _candidates(lines: Sequence[Line], bare: set[int]) -> list[Quoted]:
    """All lines as the aligner takes them: blank where a line cannot have a place."""
    found: list[Quoted] = []
    tails = 0
    for at, (role, _, text, _) in enumerate(lines):
        if role is Role.QUOTED or at in bare:
            tails = _TAILS if text.strip() else 0
            found.append(Quoted(line_key(text)))
        elif role is Role.OWN and tails and text.strip():
            tails -= 1
            found.append(Quoted(key(text), opens=False))
        else:
            tails = 0
            found.append(Quoted("", opens=False))
    return found


def _runs(lines: Sequence[Line], quoted: Sequence[Quoted]) -> Iterator[range]:
    """Lines that are quoted from one mail, as far as the marks tell."""
    start, depth = 0, 0
    for at, line in enumerate(lines):
        if not quoted[at].opens or not quoted[at].key:
            continue
        if line.depth != depth or line.text.startswith(("diff --git ", "@@ -")):
            if at > start:
                yield range(start, at)
            start, depth = at, line.depth
    yield range(start, len(lines))


def _best(run: range, quoted: Sequence[Quoted], placed: Sequence[Sequence[Place | None]]) -> int:
    """The document in which most lines of the run stand; of equals the first."""
    counts = [sum(_tells(quoted[at].key, places[at]) for at in run) for places in placed]
    return max(range(len(counts)), key=counts.__getitem__, default=0)


def _tells(key: str, place: Place | None) -> bool:
    return place is not None and place.how in _SURE and not is_weak(key)


def _find_prose(
    quoted: Sequence[Quoted], documents: Sequence[Document], found: list[Spot | None]
) -> None:
    """Lines of a commit message that were wrapped anew."""
    tries = _MOST_PROSE
    for at, (quote, opens) in enumerate(quoted):
        if found[at] is None and opens and len(quote) >= _SHORTEST_PROSE and tries:
            tries -= 1
            for number, document in enumerate(documents):
                known = len(document.message.text) <= _LONGEST_PROSE
                line = document.message.line_of(quote) if known else None
                if line is not None:
                    found[at] = Spot(number, line, How.WRAPPED)
                    break


def _find_header_tails(
    quoted: Sequence[Quoted], documents: Sequence[Document], found: list[Spot | None]
) -> None:
    """The rest of a wrapped hunk header, whose key is its line numbers alone."""
    for at in range(1, len(quoted)):
        above = found[at - 1]
        if above is None or found[at] is not None or not quoted[at].key:
            continue
        line = documents[above.document].lines[above.at]
        if line.part is Part.HUNK and key(line.text).endswith(quoted[at].key):
            found[at] = Spot(above.document, above.at, How.TAIL)


def holders(
    lines: Sequence[Line], found: Sequence[Spot | None], others: Callable[[], Sequence[Document]]
) -> list[Document]:
    """Those of the other documents that have lines of a diff which are quoted and not found.

    `others` is only called when there are such lines: two at least, one may be anybody's.
    """
    strangers = [
        line_key(line.text)
        for line, spot in zip(lines, found, strict=True)
        if spot is None and line.role is Role.QUOTED and _DIFF_LINE.match(line.text)
    ]
    if len(strangers) < _FEWEST_STRANGERS:
        return []
    return [
        other
        for other in others()
        if sum(each in other.index.places for each in strangers) >= _FEWEST_STRANGERS
    ]
