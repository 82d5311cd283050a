"""A diff as files, hunks and rows with the line numbers of both sides.

The only importer of unidiff.

A diff that is as git made it is read whole (`_read_whole`). One that unidiff refuses, or after
whose hunks something stands that may belong to them, is taken apart and mended file by file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from reviewer.diff.extended import extended
from reviewer.diff.hunk_header import hunk_header
from reviewer.diff.layout import GIT, ends_hunk
from reviewer.diff.mend import mended
from reviewer.diff.paths import NOWHERE, refusal, relative, shown
from reviewer.diff.wrapped import stuffed
from reviewer.model import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from unidiff.patch import PatchedFile

    from reviewer.diff.extended import Extended
    from reviewer.diff.hunk_header import HunkHeader
    from reviewer.diff.mend import MendedFile

MOST_PROBLEMS = 20
"""Problems that are listed for one diff; the rest is counted."""

_LONGEST_HEADER = 1000
_MANY_BLANK = "\n" * 1000  # unidiff takes 3 microseconds for each, and no diff has them
_SPACES = " " * 7  # a tab after the sign, as a terminal shows it
_NO_FILE_MODES = ("120000", "160000")  # symbolic link, submodule


class Change(StrEnum):
    """What a patch does with a file."""

    MODIFIED = "modified"
    NEW = "new"
    DELETED = "deleted"
    RENAMED = "renamed"  # or copied; with or without modified lines
    MODE = "mode"  # only the file mode
    BINARY = "binary"


class Row(NamedTuple):
    """One line of a hunk."""

    sign: str  # " ", "+" or "-"
    text: str  # without the sign and the line end
    old: int | None  # line number in the old file; None on a "+" row
    new: int | None  # line number in the new file; None on a "-" row


@dataclass(frozen=True, slots=True)
class Hunk:
    """A run of rows; `section` is the text after the second `@@`."""

    section: str
    old_start: int
    new_start: int
    rows: tuple[Row, ...]
    old_open: bool = False  # the last line of the old side has no line end
    new_open: bool = False


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What a patch says about one file. Paths are relative, without `a/` and `b/`, and safe."""

    path: str  # the new path, or the old one of a deleted file
    old_path: str
    change: Change
    hunks: tuple[Hunk, ...]
    old_blob: str | None = None  # abbreviated hex of the `index` line; None when all zeros
    new_blob: str | None = None
    mode: str | None = None  # as git writes it, "100644"; None when the diff does not say
    complete: bool = True  # False: a hunk of the mail could not be read and is not here

    @property
    def is_c(self) -> bool:
        """Whether the file is C source or a C header."""
        return self.path.endswith((".c", ".h")) and self.mode not in _NO_FILE_MODES


@dataclass(frozen=True, slots=True)
class Parsed:
    """All of a diff that could be read, and what could not."""

    files: tuple[FileDiff, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Draft:
    """A file as read, its names not judged yet."""

    names: tuple[str, str]  # after `---` and `+++`
    extended: Extended
    line: int  # index of its first line in the diff
    hunks: tuple[Hunk, ...]
    complete: bool = True


def parse(diff: str, where: str, first_line: int = 1, flowed: bool = False) -> Parsed:
    """Read a diff. Never raises; what cannot be read is a problem of its own.

    `where` names the mail in the problems; `first_line` is the number of the first line of `diff`
    there; `flowed` says that the mail was sent as format=flowed.
    """
    lines = diff.split("\n")
    if "\r" in diff:
        lines = [line.rstrip("\r") for line in lines]
        diff = "\n".join(lines)
    said: list[str] = []
    drafts = _read_whole(diff, lines)
    if drafts is None:
        drafts = _read_mended(lines, first_line, said)
    if not drafts and not said:
        said.append("no diff found")
    loose = stuffed(_context(drafts), flowed)
    if loose:
        said.append("context lines were stuffed with a space by the mailer; read without it")
    files = [file for draft in drafts if (file := _file(draft, loose, first_line, said))]
    if "\t" not in diff and _tabs_lost(files):
        said.append("white space mangled: the mailer turned tabs into spaces")
    return Parsed(tuple(files), _problems(where, said))


def _read_whole(diff: str, lines: Sequence[str]) -> list[_Draft] | None:
    """The files of a diff whose counts are right; None when there is any doubt of it."""
    diff = diff.rstrip("\n")
    if _MANY_BLANK in diff or any(map(_slow_for_unidiff, lines)):
        return None
    try:
        files = PatchSet(diff, metadata_only=True)
    except (UnidiffParseError, ValueError):
        return None
    starts = [index for index, line in enumerate(lines) if line.startswith("@@")]
    if not files or len(starts) != sum(map(len, files)):
        return None
    drafts: list[_Draft] = []
    taken = 0
    for file in files:
        hunks = _hunks(lines, starts[taken : taken + len(file)])
        if hunks is None:
            return None
        taken += len(file)
        drafts.append(_draft(file, extended(file.patch_info or ()), hunks))
    return drafts


def _slow_for_unidiff(line: str) -> bool:
    """Whether unidiff 1.0.1 runs an expression on the line that takes quadratic time or worse."""
    if line.startswith(GIT):
        return len(line) > _LONGEST_HEADER or "://" in line
    return line.startswith("Binary file") and line.count(" and ") > 3


def _draft(
    file: PatchedFile, info: Extended, hunks: tuple[Hunk, ...], complete: bool = True
) -> _Draft:
    names = file.source_file, file.target_file
    info = replace(info, binary=True) if file.is_binary_file else info
    return _Draft(names, info, (file.diff_line_no or 1) - 1, hunks, complete)


def _read_mended(lines: Sequence[str], first_line: int, said: list[str]) -> list[_Draft]:
    """The files of a diff that had to be taken apart; adds to `said` what was wrong with it."""
    drafts: list[_Draft] = []
    for file in mended(lines, first_line):
        said += file.problems
        if not file.header:
            continue
        hunks = _hunks(file.body, file.starts)
        read = _read_file(file)
        if hunks is None or read is None:
            said.append(f"file at mail line {first_line + file.line} not read: {file.label}")
            continue
        draft = _draft(read, extended(file.header), hunks, file.complete)
        drafts.append(replace(draft, line=file.line))
    return drafts


def _read_file(file: MendedFile) -> PatchedFile | None:
    if any(map(_slow_for_unidiff, file.header)):
        return None
    try:
        (read,) = PatchSet(file.text(), metadata_only=True)
    except (UnidiffParseError, ValueError):
        return None
    return read


def _hunks(lines: Sequence[str], starts: Sequence[int]) -> tuple[Hunk, ...] | None:
    """The hunks whose headers are at `starts`; None when more lines may belong to one of them."""
    hunks: list[Hunk] = []
    for at, following in zip(starts, (*starts[1:], None), strict=False):
        header = hunk_header(lines[at])
        if header is None:
            return None
        hunk, end = _hunk(lines, at + 1, header)
        if not _ends(lines, end, following):
            return None
        hunks.append(hunk)
    return tuple(hunks)


def _ends(lines: Sequence[str], end: int, following: int | None) -> bool:
    """Whether what stands after a hunk is nothing of it; `following` is where the next begins."""
    if end in (following, len(lines)):
        return True
    if following is not None:
        return not any(lines[end:following])
    return not lines[end] or lines[end].rstrip() == "--" or ends_hunk(lines[end])


def _hunk(lines: Sequence[str], at: int, header: HunkHeader) -> tuple[Hunk, int]:
    """The hunk whose rows begin at `at` and are as many as announced, and the index after them.

    The index is that of a row when a line begins with a backslash and is no marker.
    """
    rows: list[Row] = []
    old, new = header.old_start, header.new_start
    old_end, new_end = old + header.old, new + header.new
    bare = {" ": False, "+": False, "-": False}
    while old < old_end or new < new_end or _is_marker(lines, at):
        line = lines[at]
        sign = line[:1] or " "
        if sign == "+":
            rows.append(Row("+", line[1:], None, new))
            new += 1
        elif sign == "-":
            rows.append(Row("-", line[1:], old, None))
            old += 1
        elif sign == " ":
            rows.append(Row(" ", line[1:], old, new))
            old, new = old + 1, new + 1
        elif line.startswith("\\ ") and rows:
            bare[rows[-1].sign] = True
        else:
            break
        at += 1
    old_open, new_open = bare[" "] or bare["-"], bare[" "] or bare["+"]
    section = header.section
    hunk = Hunk(section, header.old_start, header.new_start, tuple(rows), old_open, new_open)
    return hunk, at


def _is_marker(lines: Sequence[str], at: int) -> bool:
    """Whether `\\ No newline at end of file` stands here, in whatever language."""
    return at < len(lines) and lines[at].startswith("\\ ")


def _context(drafts: Iterable[_Draft]) -> Iterator[str]:
    """The text of all context rows."""
    for draft in drafts:
        for hunk in draft.hunks:
            for row in hunk.rows:
                if row.sign == " ":
                    yield row.text


def _file(draft: _Draft, loose: bool, first_line: int, said: list[str]) -> FileDiff | None:
    """The file, or None when nothing may be read of it, which is then added to `said`."""
    info = draft.extended
    old, new = relative(*draft.names)
    if info.source and info.target:
        old, new = info.source, info.target
    place = f"file at mail line {first_line + draft.line}"
    for path in (new, old):
        if reason := refusal(path):
            said.append(f"{place} not read: its path {shown(path)!r} is {reason}")
            return None
    if info.git and draft.complete and not (draft.hunks or info.says_something or old != new):
        said.append(f"{place}: nothing follows the header of {shown(new)}")
        return None
    return FileDiff(
        path=new,
        old_path=old,
        change=_change(draft, old != new),
        hunks=tuple(map(_unstuffed, draft.hunks)) if loose else draft.hunks,
        old_blob=info.old_blob,
        new_blob=info.new_blob,
        mode=info.new_mode or info.old_mode,
        complete=draft.complete,
    )


def _change(draft: _Draft, moved: bool) -> Change:
    info, (source, target) = draft.extended, draft.names
    if info.binary:
        return Change.BINARY
    only = draft.hunks[0] if len(draft.hunks) == 1 and not info.git else None
    if info.new or source == NOWHERE or (only and only.old_start == 0):
        return Change.NEW
    if info.deleted or target == NOWHERE or (only and only.new_start == 0):
        return Change.DELETED
    if moved:
        return Change.RENAMED
    return Change.MODIFIED if draft.hunks or info.old_mode == info.new_mode else Change.MODE


def _unstuffed(hunk: Hunk) -> Hunk:
    rows = (row._replace(text=row.text[1:]) if row.sign == " " else row for row in hunk.rows)
    return replace(hunk, rows=tuple(rows))


def _tabs_lost(files: Iterable[FileDiff]) -> bool:
    """Whether C code is indented with spaces alone."""
    rows = (row for file in files if file.is_c for hunk in file.hunks for row in hunk.rows)
    return sum(row.text.startswith(_SPACES) for row in rows) >= 3


def _problems(where: str, said: Sequence[str]) -> tuple[Problem, ...]:
    problems = [Problem(where, what) for what in said[:MOST_PROBLEMS]]
    if len(said) > MOST_PROBLEMS:
        problems.append(Problem(where, f"and {len(said) - MOST_PROBLEMS} more of this kind"))
    return tuple(problems)
