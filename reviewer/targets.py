"""What `run` is given to review: told apart by form, and read as raw mails."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reviewer import commits
from reviewer.errors import TargetError
from reviewer.mail import mbox
from reviewer.mail.archives.archive import RawMail, is_message_id, is_url, locate
from reviewer.mail.revision import Origin

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

    from reviewer.model import Problem

ACCEPTED = (
    "wanted a message-id, the URL of a public-inbox message, an mbox, maildir, .patch or .eml "
    "path, - for standard input, or a git revision range such as HEAD~3.."
)
LARGEST = 256 * 1024 * 1024  # bytes of one file, or of all files of one directory
_SUFFIXES = frozenset((".patch", ".eml", ".diff", ".mbox"))
_LOOKS_LIKE_PATH = re.compile(r"(?:\.{0,2}|~[^/]*)/.*|.*\.(?:patch|eml|diff|mbox|mbox\.gz)", re.S)
_MAIL = re.compile(rb">?From |[!-9;-~]{1,76}[ \t]*:[ \t\r\n]")
_DIFF = re.compile(rb"^(?:diff -|--- \S|Index: \S|@@ -\d)", re.MULTILINE)
_SNIFFED = 8192
_LONGEST_SHOWN = 200


class Kind(StrEnum):
    """The forms of a target."""

    MESSAGE_ID = "message-id"
    URL = "URL"
    FILE = "file"  # an mbox, a mail, or a bare diff
    MAILDIR = "maildir"
    DIRECTORY = "directory"  # of .patch, .eml, .diff or .mbox files, as format-patch -o writes
    STDIN = "standard input"
    RANGE = "revision range"


@dataclass(frozen=True, slots=True)
class Target:
    """A target and what it was found to be."""

    text: str  # as given
    kind: Kind
    cwd: Path  # where a range is understood
    path: Path | None = None
    revisions: tuple[str, ...] = ()  # object ids of a range, `^` before those left out


@dataclass(frozen=True, slots=True)
class Loaded:
    """The raw mails of a target, in order."""

    target: Target
    mails: tuple[RawMail, ...]
    origin: Origin = Origin.MAIL  # COMMIT for a range
    problems: tuple[Problem, ...] = ()


def classify(text: str, cwd: Path) -> Target:
    """What kind of target `text` is, seen from the directory `cwd`.

    What exists as a path is that path; else it is a URL, a message-id, or what git understands
    as commits, in this order. Raises TargetError for anything else.
    """
    if text == "-":
        return Target(text, Kind.STDIN, cwd)
    path = cwd / text if text.strip() else None
    if path is not None and (mode := _mode(path)) is not None:
        return Target(text, _path_kind(path, mode), cwd, path)
    if is_url(text):
        locate(text)
        return Target(text, Kind.URL, cwd)
    if _LOOKS_LIKE_PATH.fullmatch(text):
        raise TargetError(f"{_shown(text)}: no such file or directory")
    if is_message_id(text):
        return Target(text, Kind.MESSAGE_ID, cwd)
    try:
        revisions = commits.resolve(text, cwd)
    except (TargetError, ValueError) as error:  # ValueError: a NUL in an argument
        raise TargetError(f"{_shown(text)}: not a target ({error}); {ACCEPTED}") from None
    return Target(text, Kind.RANGE, cwd, revisions=revisions)


def _mode(path: Path) -> int | None:
    """The mode of what is there; None when nothing is, or it can be no path at all."""
    try:
        return path.stat().st_mode
    except PermissionError as error:
        raise TargetError(f"{_shown(str(path))}: {error.strerror}") from None
    except (OSError, ValueError):
        return None


def _path_kind(path: Path, mode: int) -> Kind:
    if not stat.S_ISDIR(mode):
        return Kind.FILE
    if (path / "cur").is_dir() and (path / "new").is_dir():
        return Kind.MAILDIR
    return Kind.DIRECTORY


def load(
    target: Target,
    *,
    stdin: BinaryIO | None = None,
    revisions: bool = True,
    nocache: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Loaded:
    """Read the mails of `target`.

    `revisions`, `nocache` and `progress` are those of `mail.fetch.fetch`. Raises TargetError
    for what cannot be read or holds no mail and no diff, FetchError for what cannot be fetched.
    """
    match target.kind:
        case Kind.MESSAGE_ID | Kind.URL:
            from reviewer.mail.fetch import fetch

            found = fetch(target.text, revisions=revisions, nocache=nocache, progress=progress)
            return Loaded(target, found.mails, problems=found.problems)
        case Kind.RANGE:
            raws, problems = commits.patches(target.text, target.revisions, target.cwd)
            return _loaded(target, raws, Origin.COMMIT, problems)
        case Kind.STDIN:
            return _loaded(target, _mails("standard input", _stdin(stdin)))
        case _:
            return _loaded(target, _from_path(target))


def _loaded(
    target: Target,
    raws: list[bytes],
    origin: Origin = Origin.MAIL,
    problems: tuple[Problem, ...] = (),
) -> Loaded:
    return Loaded(target, tuple(map(RawMail, raws)), origin, problems)


def _from_path(target: Target) -> list[bytes]:
    path, name = target.path, _shown(target.text)
    assert path is not None
    try:
        if target.kind is Kind.FILE:
            with path.open("rb") as stream:
                return _mails(name, _bounded(name, stream, LARGEST))
        raws = mbox.read_maildir(path) if target.kind is Kind.MAILDIR else _directory(name, path)
    except OSError as error:
        raise TargetError(f"{name}: cannot be read: {error.strerror or error}") from None
    if not raws:
        raise TargetError(f"{name}: the {target.kind} has no mail in it")
    return raws


def _directory(name: str, path: Path) -> list[bytes]:
    files = sorted(file for file in path.iterdir() if _is_patch_file(file))
    if not files:
        raise TargetError(f"{name}: neither a maildir nor a directory with .patch or .eml files")
    room = LARGEST
    raws: list[bytes] = []
    for file in files:
        with file.open("rb") as stream:
            data = _bounded(name, stream, room)
        room -= len(data)
        raws += _mails(_shown(f"{name.rstrip('/')}/{file.name}"), data)
    return raws


def _is_patch_file(file: Path) -> bool:
    return file.suffix in _SUFFIXES and file.is_file() and not file.is_symlink()


def _stdin(stdin: BinaryIO | None) -> bytes:
    if stdin is None:
        import sys

        stdin = sys.stdin.buffer
    return _bounded("standard input", stdin, LARGEST)


def _bounded(name: str, stream: BinaryIO, room: int) -> bytes:
    """All of the stream, unpacked when it is gzip (as archives give an mbox)."""
    data = stream.read(room + 1)
    if data.startswith(b"\x1f\x8b"):
        data = _unpacked(name, data, room)
    if len(data) > room:
        raise TargetError(f"{name}: more than {LARGEST >> 20} MB")
    return data


def _unpacked(name: str, data: bytes, room: int) -> bytes:
    import gzip
    import io
    import zlib

    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            return packed.read(room + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise TargetError(f"{name}: damaged gzip: {error}") from None


def _mails(name: str, data: bytes) -> list[bytes]:
    """The mails in `data`: a mail, an mbox, or a bare diff."""
    text = data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    if not text.strip():
        raise TargetError(f"{name}: is empty")
    if b"\0" in text[:_SNIFFED]:
        raise TargetError(f"{name}: binary (or UTF-16); wanted a mail, an mbox or a diff")
    if not _MAIL.match(text) and not _DIFF.search(text):
        raise TargetError(f"{name}: holds neither a mail, an mbox nor a diff")
    return mbox.split(text)


def _shown(text: str) -> str:
    """The text as it may stand in a message: one line, of bounded length."""
    printable = "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text
    )
    if len(printable) > _LONGEST_SHOWN:
        return printable[:_LONGEST_SHOWN] + "..."
    return printable or "(empty)"
