"""A diff as files, hunks and rows with the line numbers of both sides. The only importer of unidiff."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Change(StrEnum):
    """What a patch does with a file."""

    MODIFIED = "modified"
    NEW = "new"
    DELETED = "deleted"
    RENAMED = "renamed"  # with or without modified lines
    MODE = "mode"  # only the file mode
    BINARY = "binary"


@dataclass(frozen=True, slots=True)
class Row:
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


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What a patch says about one file. Paths are relative, without `a/` and `b/`, and safe."""

    path: str  # the new path, or the old one of a deleted file
    old_path: str
    change: Change
    hunks: tuple[Hunk, ...]
    old_blob: str | None = None  # abbreviated hex of the `index` line; None when all zeros
    new_blob: str | None = None

    @property
    def is_c(self) -> bool:
        """Whether the file is C source or a C header."""
        return self.path.endswith((".c", ".h"))
