"""What git says of a file between `diff --git` and the first hunk."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.diff.paths import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

_INDEX = re.compile(
    r"index ([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})(?:,[0-9a-f]+)?(?: ([0-7]{6}))?\s*$"
)
_MODE = re.compile(r"(old|new|new file|deleted file) mode ([0-7]{6})\s*$")
_MOVED = re.compile(r"(?:rename|copy) (from|to) (.+?)\s*$")
_LONGEST = 8192


@dataclass(frozen=True, slots=True)
class Extended:
    """The extended header of one file. Ids are abbreviated hex, None when all zeros."""

    git: bool = False
    old_blob: str | None = None
    new_blob: str | None = None
    old_mode: str | None = None
    new_mode: str | None = None
    new: bool = False
    deleted: bool = False
    source: str | None = None  # the path that a rename or a copy is from
    target: str | None = None
    binary: bool = False

    @property
    def says_something(self) -> bool:
        """Whether it describes a change by itself, without hunks."""
        return bool(
            self.new or self.deleted or self.binary or self.source or self.old_mode != self.new_mode
        )


def extended(lines: Iterable[str]) -> Extended:
    """Read the lines of an extended header. Lines that are none of it are passed over."""
    said: dict[str, str | None] = {}
    git = binary = False
    for line in lines:
        if line.startswith("diff --git"):
            git = True
        elif len(line) > _LONGEST:
            continue
        elif match := _INDEX.match(line):
            said["old_blob"], said["new_blob"] = _blob(match[1]), _blob(match[2])
            if match[3]:
                said.setdefault("old mode", match[3])
                said.setdefault("new mode", match[3])
        elif match := _MODE.match(line):
            said[f"{match[1]} mode"] = match[2]
        elif match := _MOVED.match(line):
            said[match[1]] = unquote(match[2])
        elif line.startswith(("GIT binary patch", "Binary files ")):
            binary = True
    return Extended(
        git=git,
        old_blob=said.get("old_blob"),
        new_blob=said.get("new_blob"),
        old_mode=said.get("deleted file mode") or said.get("old mode"),
        new_mode=said.get("new file mode") or said.get("new mode"),
        new="new file mode" in said,
        deleted="deleted file mode" in said,
        source=said.get("from"),
        target=said.get("to"),
        binary=binary,
    )


def _blob(name: str) -> str | None:
    return name if name.strip("0") else None
