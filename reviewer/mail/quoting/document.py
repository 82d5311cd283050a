"""What a reply can quote: a posted patch, or a cover letter, as one list of lines."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from reviewer.mail.quoting.align import Index, index, key
from reviewer.mail.revision import Origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reviewer.diff.patch import FileDiff, Hunk, Row
    from reviewer.mail.message import Message
    from reviewer.mail.revision import Patch

_HUNK = re.compile(r"\s{0,3}@@ ?-(\d{1,9})(?:,\d{1,9})? ?\+(\d{1,9})")
_STAT = re.compile(r" {0,3}(\S[^|]{0,200}?) +\| +(?:\d+ ?[+-]*|Bin\b.{0,60})$")
_SIGNATURE = re.compile(r"^-- ?$", re.MULTILINE)
_STAT_SUM = re.compile(r" {0,3}\d+ files? changed\b")


class Part(Enum):
    """What a line of a patch is."""

    MESSAGE = auto()  # the commit message and what else stands above the diff
    STAT = auto()
    HEAD = auto()  # `diff --git`, `---`, `+++`
    HUNK = auto()  # `@@`
    ROW = auto()


class DocumentLine(NamedTuple):
    """One line of a patch. `hunk` counts from 0 in the file; rows and hunks know theirs."""

    part: Part
    text: str  # of a row without its sign
    path: str | None = None
    hunk: int = -1
    row: Row | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """Lines as one text without white space: finds what a mailer wrapped at other places."""

    text: str
    starts: tuple[int, ...]  # where each of the lines begins

    @classmethod
    def of(cls, keys: Sequence[str]) -> Joined:
        """The lines that have these keys."""
        return cls("".join(keys), tuple(accumulate(map(len, keys), initial=0))[:-1])

    def line_of(self, key: str) -> int | None:
        """The line in which the first occurrence of the key ends."""
        at = self.text.find(key)
        return None if at < 0 else bisect_right(self.starts, at + len(key) - 1) - 1


@dataclass(frozen=True, slots=True)
class Document:
    """A patch mail, a diff that came along with a reply, or a cover letter."""

    message_id: str
    lines: tuple[DocumentLine, ...]
    index: Index
    message: Joined  # the first lines, up to the diffstat
    authors: frozenset[str]  # names and addresses, see `person`
    posted: bool = True  # as a mail of its own, not in or on a reply
    cover: bool = False


def of_patches(patches: Sequence[Patch], files: Sequence[FileDiff], posted: bool) -> Document:
    """The patches that came with one mail. `files` are those of all of them, as parsed."""
    first = patches[0]
    said = [line for patch in patches for line in _above(patch)]
    lines = [_described(line, files) for line in said]
    for file in files:
        lines += _file(file)
    message = first.message
    authors = {person(patch.author) for patch in patches}
    if message is not None:
        authors |= {person(message.author), message.address.lower()}
    return replace(_document(first.message_id, lines, authors), posted=posted)


def of_cover(message: Message) -> Document:
    """A cover letter."""
    body = _SIGNATURE.split(message.body, 1)[0]
    lines = [_described(line, ()) for line in body.split("\n")]
    authors = {person(message.author), message.address.lower()}
    return replace(_document(message.message_id, lines, authors), cover=True)


def _document(message_id: str, lines: Sequence[DocumentLine], authors: Iterable[str]) -> Document:
    keys = [_key(line) for line in lines]
    stop = next((at for at, line in enumerate(lines) if line.part is not Part.MESSAGE), len(lines))
    return Document(
        message_id,
        tuple(lines),
        index(keys),
        Joined.of(keys[:stop]),
        frozenset(authors) - {""},
    )


def person(name: str) -> str:
    """A name as two spellings of it are compared: "Doe, John" is "John Doe"."""
    words = sorted(word.strip(".,\"'()").lower() for word in name.split())
    return " ".join(word for word in words if word)


def line_key(text: str) -> str:
    """The key of a quoted line. Of a hunk header only the first line numbers count."""
    if "@@" in text[:5] and (hunk := _HUNK.match(text)):
        return _hunk_key(int(hunk[1]), int(hunk[2]))
    return key(text)


def _hunk_key(old_start: int, new_start: int) -> str:
    return f"@@-{old_start}+{new_start}@@"


def _key(line: DocumentLine) -> str:
    if line.row is not None:
        return line.row.sign.strip() + key(line.row.text)
    return line_key(line.text)


def _above(patch: Patch) -> list[str]:
    """What stands above the diff. In a reply that is what its sender says, and not the patch."""
    if patch.origin is Origin.INLINE:
        return []
    if patch.message is None or patch.origin is Origin.ATTACHMENT:
        return patch.description.split("\n")
    return patch.message.body.split("\n", patch.diff_line - 1)[: patch.diff_line - 1]


def _described(text: str, files: Sequence[FileDiff]) -> DocumentLine:
    stat = stat_path(text)
    if stat is None:
        return DocumentLine(Part.STAT if _STAT_SUM.match(text) else Part.MESSAGE, text)
    return DocumentLine(Part.STAT, text, _named(stat, files))


def stat_path(text: str) -> str | None:
    """The path of a line of a diffstat, which may be cut in front; None for other lines."""
    if "|" not in text or len(text) > 300:
        return None
    found = _STAT.match(text.rstrip())
    return found[1] if found else None


def _named(path: str, files: Sequence[FileDiff]) -> str | None:
    """The file that a diffstat means by `.../net/core.c`."""
    ending = path.removeprefix("...")
    return next((file.path for file in files if file.path.endswith(ending)), None)


def _file(file: FileDiff) -> Iterator[DocumentLine]:
    old, new = f"a/{file.old_path}", f"b/{file.path}"
    for text in (f"diff --git {old} {new}", f"--- {old}", f"+++ {new}"):
        yield DocumentLine(Part.HEAD, text, file.path)
    for number, hunk in enumerate(file.hunks):
        yield from _hunk(file.path, number, hunk)


def _hunk(path: str, number: int, hunk: Hunk) -> Iterator[DocumentLine]:
    text = f"@@ -{hunk.old_start} +{hunk.new_start} @@ {hunk.section}"
    yield DocumentLine(Part.HUNK, text, path, number)
    for row in hunk.rows:
        yield DocumentLine(Part.ROW, row.text, path, number, row)
