"""Where the files and hunks of a diff stand, found without trust in its counts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.diff.hunk_header import hunk_header, rows_end

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reviewer.diff.hunk_header import HunkHeader

GIT = "diff --git "
_VERSION = re.compile(r"\d+\.\d")


@dataclass(frozen=True, slots=True)
class HunkPlace:
    """The lines of one hunk: its header is at `at`, what follows reaches up to `stop`."""

    at: int
    stop: int
    header: HunkHeader | None  # None when the `@@` line cannot be read
    exact: bool  # the announced rows end at `stop`
    last: bool  # no further hunk or file follows


@dataclass(frozen=True, slots=True)
class FilePlace:
    """The lines of one file: its header from `at` up to the first hunk, and the hunks."""

    at: int
    stop: int  # the index after the header
    hunks: tuple[HunkPlace, ...]


def files(lines: Sequence[str]) -> Iterator[FilePlace]:
    """The files of a diff in their order. Hunks before any file header make a file of no lines."""
    at = _skip_to_start(lines, 0)
    while at < len(lines):
        stop = _header_stop(lines, at)
        hunks: list[HunkPlace] = []
        following = stop
        while following < len(lines) and lines[following].startswith("@@"):
            hunks.append(_hunk(lines, following))
            following = _skip_to_start(lines, hunks[-1].stop)
        yield FilePlace(at, stop, tuple(hunks))
        at = _skip_to_start(lines, following)


def _hunk(lines: Sequence[str], at: int) -> HunkPlace:
    header = hunk_header(lines[at])
    end = rows_end(lines, at + 1, header) if header else None
    stop = _skip_to_start(lines, at + 1 if end is None else end)
    last = stop == len(lines)
    if end is not None and _clean(lines, end, stop, last):
        return HunkPlace(at, end, header, exact=True, last=last)
    stop = _skip_to_start(lines, at + 1)
    last = stop == len(lines)
    return HunkPlace(at, _before_signature(lines, at, stop), header, exact=False, last=last)


def _clean(lines: Sequence[str], end: int, stop: int, last: bool) -> bool:
    """Whether nothing between the end of a hunk and the next header can belong to the hunk."""
    if end >= stop or lines[end].rstrip() == "--":
        return True
    if last:
        return not lines[end]
    return not any(lines[end:stop]) or ends_hunk(lines[end])


def ends_hunk(line: str) -> bool:
    """Whether a line that stands after the rows of a hunk is usual there, and none of its rows."""
    return line.startswith(("diff ", "@@ -", "--- ", "Index: ", "index ", "==="))


def _skip_to_start(lines: Sequence[str], at: int) -> int:
    """The index of the next line that begins a file or a hunk, or the number of lines."""
    while at < len(lines) and not _starts(lines, at):
        at += 1
    return at


def _starts(lines: Sequence[str], at: int) -> bool:
    line = lines[at]
    return line.startswith("@@") or _starts_file(lines, at)


def _starts_file(lines: Sequence[str], at: int) -> bool:
    line = lines[at]
    return line.startswith((GIT, "diff --cc ", "diff --combined ")) or _names(lines, at)


def _names(lines: Sequence[str], at: int) -> bool:
    """Whether `---` and `+++` lines stand here and a hunk follows: no rows look like that."""
    return (
        lines[at].startswith("--- ")
        and at + 2 < len(lines)
        and lines[at + 1].startswith("+++ ")
        and lines[at + 2].startswith("@@")
    )


def _header_stop(lines: Sequence[str], at: int) -> int:
    """The index after the header of the file that begins at `at`."""
    if lines[at].startswith("@@"):
        return at
    if not lines[at].startswith("diff "):
        return at + 2
    stop = at + 1
    while stop < len(lines) and not lines[stop].startswith("@@"):
        if _names(lines, stop):
            return stop + 2
        if _starts_file(lines, stop):
            return stop
        stop += 1
    return stop


def _before_signature(lines: Sequence[str], at: int, stop: int) -> int:
    """`stop`, or the index of the `-- ` line that separates the signature of the mail.

    The line can also be a row; a signature is followed by git's version, or by nothing like rows.
    """
    signature = stop
    for index in range(stop - 1, at, -1):
        if lines[index].rstrip() == "--":
            signature = index
        elif lines[index].startswith(("+", "-")):
            break
    for index in range(at + 1, signature - 1):
        if lines[index].rstrip() == "--" and _VERSION.match(lines[index + 1]):
            return index
    return signature
