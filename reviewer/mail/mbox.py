"""Files that hold many mails: mbox (mboxrd, mboxo, git format-patch --stdout) and maildir."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING

from reviewer.errors import TargetError

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 256 * 1024 * 1024  # bytes of all mails of one maildir

# A line of a commit message may begin with "From "; a separator has a date, and a field below it.
_SEPARATOR = re.compile(
    rb"\nFrom [^\n]{1,300}?(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? [^\n]{0,40}?\d\d:\d\d[^\n]{0,60}"
    rb"\r?\n(?=>?From |[!-9;-~]{1,76}[ \t]*:)"
)
_FORMATTED = re.compile(rb"\n?From [0-9a-f]{40,64} Mon Sep 17 00:00:00 2001\r?\n")
_SHOWN = re.compile(
    rb"^commit [0-9a-f]{40,64}\b[^\n]{0,200}\n(?:Merge: [^\n]*\n)?Author: ", re.MULTILINE
)
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)
_PART_HEADER = re.compile(
    rb"--\S[^\n]*\nContent-[^\n]*\n(?:[!-9;-~]{1,76}:[^\n]*\n|[ \t][^\n]*\n)*", re.IGNORECASE
)
_LONGEST_PART_HEADER = 2000


def split(data: bytes) -> list[bytes]:
    """The mails of an mbox in their order, each from its `From ` line on; a lone mail as it is.

    The commits that `git log -p` prints are taken for mails as well.

    Lines that mbox writers escaped (`>From `) are restored, except in the output of
    git format-patch, which does not escape.
    """
    data = data.lstrip(b"\r\n")
    if not data:
        return []
    if _SHOWN.match(data):
        return _cut(data, [match.start() for match in _SHOWN.finditer(data)])
    if not data.startswith(b"From "):
        return [data]
    mails = _cut(data, [0, *_starts(data)])
    return [mail if _FORMATTED.match(mail) else _unescape(mail) for mail in mails]


def _cut(data: bytes, starts: list[int]) -> list[bytes]:
    return [data[start:end] for start, end in zip(starts, [*starts[1:], len(data)], strict=True)]


def _starts(data: bytes) -> list[int]:
    """Where the separators are, except the first."""
    starts: list[int] = []
    for match in _SEPARATOR.finditer(data):
        position = match.start()
        blank = data.endswith((b"\n", b"\n\r", b"\r\n\r"), 0, position)
        # Without a signature git ends a file at the last hunk row: there is no empty line.
        if (blank or _FORMATTED.match(match[0])) and not _in_part_header(data, position):
            starts.append(position + 1)
    return starts


def _in_part_header(data: bytes, position: int) -> bool:
    """Whether the empty line above ends the header of a MIME part: a patch file is attached."""
    above = data[max(0, position - _LONGEST_PART_HEADER) : position].replace(b"\r", b"")
    above = above.rstrip(b"\n") + b"\n"
    return _PART_HEADER.fullmatch(above, above.rfind(b"\n--") + 1) is not None


def _unescape(mail: bytes) -> bytes:
    return _ESCAPED.sub(rb"\1", mail) if b">From " in mail else mail


def read_maildir(path: Path) -> list[bytes]:
    """The mails of a maildir, cur and new together, sorted by file name.

    Links that lead out of the directory and files that are no regular files are not read.
    Raises TargetError when this is no maildir, cannot be read, or holds more than LARGEST bytes.
    """
    folders = [path / name for name in ("cur", "new")]
    if not all(folder.is_dir() for folder in folders):
        raise TargetError(f"{path}: not a maildir: it has no cur and new directories")
    mails: list[bytes] = []
    room = LARGEST
    try:
        root = path.resolve(strict=True)
        files = [file for folder in folders for file in folder.iterdir()]
        for file in sorted(files, key=lambda file: (file.name, file.parent.name)):
            if _is_own_file(file, root):
                room -= file.stat().st_size
                if room < 0:
                    raise TargetError(f"{path}: holds more than {LARGEST >> 20} MB of mail")
                mails.append(file.read_bytes())
    except OSError as error:
        raise TargetError(f"{path}: cannot be read: {error.strerror or error}") from error
    return mails


def _is_own_file(file: Path, root: Path) -> bool:
    """Whether this is a regular file (not a pipe, which would block) below the maildir."""
    try:
        target = file.resolve(strict=True)
        regular = stat.S_ISREG(target.stat().st_mode)
    except (OSError, RuntimeError):  # a link to nothing, or to itself
        return False
    return regular and target.is_relative_to(root) and not file.name.startswith(".")
