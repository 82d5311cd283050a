"""Which mails belong together, of those that git send-email shows one by one before it sends them.

git 2.41 and later number the mails of one call: they are noted as they come. Before, a series is
what the subjects of the files beside a mail say, `[PATCH n/m]`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.mail.message import read
from reviewer.mail.subject import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from reviewer.mail.subject import Subject

_NOTES = "reviewer-outgoing"
_HEAD = 16384  # bytes that hold the subject
_MOST_SIBLINGS = 1000


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail, and the mails that are sent with it."""

    file: Path
    files: tuple[Path, ...]  # with `file`, in their order
    last: bool  # nothing of it comes after this mail
    counted: bool  # git says so: what is not last can wait


def outgoing(file: Path, environment: Mapping[str, str], git_dir: Path | None) -> Outgoing:
    """What `file` belongs to; `environment` is that of the hook.

    Notes are kept in `git_dir`; without a place for them, or when they do not fit what git counts,
    the subjects tell. Raises OSError when the file cannot be read.
    """
    count = _count(environment)
    if count is None:
        return _numbered(file)
    number, total = count
    noted = _note(file, number, git_dir) if total > 1 else [file]
    if number < total:
        return Outgoing(file, tuple(noted), last=False, counted=True)
    if len(noted) == total and all(each.is_file() for each in noted):
        return Outgoing(file, tuple(noted), last=True, counted=True)
    return Outgoing(file, _numbered(file).files, last=True, counted=True)


def _count(environment: Mapping[str, str]) -> tuple[int, int] | None:
    """Number and total, as git counts the mails; None when it does not."""
    found = [environment.get(f"GIT_SENDEMAIL_FILE_{what}", "") for what in ("COUNTER", "TOTAL")]
    if not all(text.isascii() and text.isdigit() and len(text) < 9 for text in found):
        return None
    number, total = map(int, found)
    return (number, total) if 1 <= number <= total else None


def _note(file: Path, number: int, git_dir: Path | None) -> list[Path]:
    """The mails that this call has shown so far, noted for the next one."""
    if git_dir is None:
        return [file]
    notes = git_dir / _NOTES
    earlier = _noted(notes) if number > 1 else []
    names = [*earlier, str(file)]
    try:
        notes.write_bytes(os.fsencode("\0".join(names)))
    except OSError:
        return [file]
    return [file.parent / name for name in names]


def _noted(notes: Path) -> list[str]:
    try:
        return os.fsdecode(notes.read_bytes()).split("\0")
    except OSError:
        return []


def forget(git_dir: Path | None) -> None:
    """Remove the notes."""
    if git_dir is not None:
        (git_dir / _NOTES).unlink(missing_ok=True)


def _numbered(file: Path) -> Outgoing:
    """The files beside this one with the same version and `m` of `n/m`, by number."""
    own = _subject(file)
    if own.position is None:
        return Outgoing(file, (file,), last=True, counted=False)
    found: dict[int, Path] = {}
    for each in _siblings(file):
        try:
            subject = _subject(each)
        except OSError:
            continue
        number = subject.position
        if number is not None and _series(subject) == _series(own):
            found[number] = _newer(found.get(number), each)
    found[own.position] = file
    files = tuple(found[number] for number in sorted(found))
    return Outgoing(file, files, last=own.position == max(found), counted=False)


def _series(subject: Subject) -> tuple[object, ...]:
    return (subject.of, subject.version, subject.prefixes, subject.reply)


def _siblings(file: Path) -> Iterator[Path]:
    with os.scandir(file.parent) as entries:
        for number, entry in enumerate(entries):
            if number >= _MOST_SIBLINGS:
                return
            if entry.name.endswith(file.suffix) and entry.name[0] != "." and entry.is_file():
                yield file.parent / entry.name


def _subject(file: Path) -> Subject:
    with file.open("rb") as stream:
        return parse(read(stream.read(_HEAD)).subject)


def _newer(known: Path | None, other: Path) -> Path:
    """A series that was formatted again may have left files of other names behind."""
    if known is None:
        return other
    return max(known, other, key=lambda path: (path.stat().st_mtime_ns, path.name))
