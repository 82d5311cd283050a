"""The text of a file before and after a patch: from the objects of a git repository, or the mail.

Only objects are read, never the work tree. pygit2 reads them in this process: no program that the
configuration of a repository names is run, and nothing is fetched.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.diff.apply import apply, only_side, revert
from reviewer.diff.patch import Change
from reviewer.errors import TargetError
from reviewer.model import Context

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pygit2.repository import Repository

    from reviewer.diff.patch import FileDiff

LARGEST = 4 * 1024 * 1024
"""Bytes of the largest blob that is read."""

_MARKS = (".git", "objects")
_NO_FILES = {0o120000: "a symbolic link", 0o160000: "a submodule"}

Overlay = dict[str, str | None]
"""What earlier patches of a series made of a path; None when that is not known."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Both sides of a file with LF line ends; None for a side that does not exist.

    With Context.BLOB they are whole. Otherwise both are None and `reason` says why.
    """

    old: str | None
    new: str | None
    context: Context
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Tree:
    """A git repository that blobs are read from."""

    path: Path
    repository: Repository


def open_tree(path: Path) -> Tree | None:
    """The repository that `path` is in, or None when it is in none.

    Raises TargetError when there is one which cannot be opened, as one of another user cannot.
    """
    if not _may_be_inside(path):
        return None
    import pygit2  # 60 ms: not before there is something to open

    found = None
    try:
        found = pygit2.discover_repository(str(path.resolve()))
        return Tree(path, pygit2.Repository(found)) if found else None
    except pygit2.GitError as error:
        what = f"{path}: git repository cannot be opened: {error}"
        if found and "not owned" in str(error):
            top = found.rstrip("/").removesuffix("/.git")
            what += f"; if you trust it: git config --global --add safe.directory {top}"
        raise TargetError(what) from error


def knows_any(tree: Tree, files: Iterable[FileDiff]) -> bool:
    """Whether the repository has a blob that one of the files names."""
    blobs = (blob for file in files for blob in (file.old_blob, file.new_blob) if blob)
    return any(_knows(tree, blob) for blob in blobs)


def texts_of(file: FileDiff, tree: Tree | None, overlay: Overlay) -> Texts:
    """The text of a file before and after the patch.

    The old text is what earlier patches of the series left (`overlay`, see `remember`), the blob
    of the `index` line, or the file at HEAD: the first to which the hunks apply exactly.
    """
    if file.change is Change.BINARY:
        return Texts(None, None, Context.NONE, "binary")
    if file.mode and (what := _NO_FILES.get(int(file.mode, 8))):
        return Texts(None, None, Context.NONE, what)
    if not file.complete:
        return Texts(None, None, Context.HUNKS, "a hunk of the mail could not be read")
    if not file.hunks:
        return Texts(None, None, Context.NONE, "no line is changed")
    if file.change is Change.NEW and (new := only_side(file, "+")) is not None:
        return Texts(None, new, Context.BLOB)
    if file.change is Change.DELETED and (old := only_side(file, "-")) is not None:
        return Texts(old, None, Context.BLOB)
    return _found(file, tree, overlay)


def remember(overlay: Overlay, file: FileDiff, texts: Texts) -> None:
    """Note in `overlay` what the patch made of the file, for the later patches of the series."""
    if texts.context is Context.BLOB:
        overlay[file.path] = texts.new
    elif file.change is Change.RENAMED and not file.hunks and file.old_path in overlay:
        overlay[file.path] = overlay[file.old_path]
    elif file.change is not Change.MODE:
        overlay[file.path] = None


def blob_id(text: str) -> str:
    """The id that git gives to a file with this text in UTF-8."""
    data = text.encode("utf-8", "surrogateescape")
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class _Read:
    """A text that may be the old one; or why there is none."""

    text: str | None = None
    reason: str | None = None
    after: bool = False  # it is the new one


def _may_be_inside(path: Path) -> bool:
    try:
        place = path.resolve()
        return any((above / name).exists() for above in (place, *place.parents) for name in _MARKS)
    except (OSError, RuntimeError):  # no permission; a loop of links
        return False


def _knows(tree: Tree, name: str) -> bool:
    try:
        return name in tree.repository
    except (KeyError, ValueError):  # ambiguous, or too short to tell
        return False


def _found(file: FileDiff, tree: Tree | None, overlay: Overlay) -> Texts:
    reasons: list[str] = []
    for read in _readings(file, tree, overlay):
        if read.text is None:
            reasons += [read.reason] if read.reason else []
            continue
        other = revert(read.text, file) if read.after else apply(read.text, file)
        if other is not None:
            old, new = (other, read.text) if read.after else (read.text, other)
            return Texts(old, new, Context.BLOB, read.reason)
        reasons.append("the hunks do not fit the file in the repository")
    return Texts(None, None, Context.HUNKS, reasons[0] if reasons else "no git tree")


def _readings(file: FileDiff, tree: Tree | None, overlay: Overlay) -> Iterator[_Read]:
    """Texts that may be one side of the file, the surest first."""
    earlier = overlay.get(file.old_path)
    if earlier is not None and file.old_blob and blob_id(earlier).startswith(file.old_blob):
        yield _Read(earlier)
    if tree and file.old_blob:
        yield _blob_text(tree, file.old_blob)
    if earlier is not None:
        yield _Read(earlier)
    if tree and file.new_blob:
        after = _blob_text(tree, file.new_blob)
        yield _Read(after.text, after.reason, after=True)
    if tree and file.old_path not in overlay:
        yield _at_head(tree, file.old_path)


def _blob_text(tree: Tree, name: str) -> _Read:
    """The text of the blob with this abbreviated id."""
    from pygit2 import GitError
    from pygit2.enums import ObjectType

    try:
        full = tree.repository.expand_id(name)
        kind, size = tree.repository.odb.read_header(full)
        if kind != ObjectType.BLOB:
            return _Read(reason=f"{name} is no blob in this repository")
        if size > LARGEST:
            return _Read(reason=f"blob {name} is larger than {LARGEST >> 20} MB")
        return _decoded(tree.repository.odb.read(full)[1])
    except (GitError, KeyError, ValueError, OSError):
        return _Read(reason=f"this repository has no blob {name}")


def _at_head(tree: Tree, path: str) -> _Read:
    from pygit2 import GitError
    from pygit2.enums import ObjectType

    try:
        entry = tree.repository.head.peel(ObjectType.TREE)[path]
    except (GitError, KeyError, ValueError, TypeError):
        return _Read(reason=f"HEAD has no {path}")
    if entry.filemode in _NO_FILES:
        return _Read(reason=f"{path} is {_NO_FILES[entry.filemode]} at HEAD")
    read = _blob_text(tree, str(entry.id))
    if read.text is None:
        return read
    return _Read(read.text, "the file at HEAD; the diff names no blob that is here")


def _decoded(data: bytes) -> _Read:
    if b"\0" in data:
        return _Read(reason="binary")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return _Read(
        "\n".join(line.rstrip("\r") for line in text.split("\n")) if "\r" in text else text
    )
