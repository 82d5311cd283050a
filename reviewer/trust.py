"""Which Python rules of a repository may run: those whose every byte the user has pinned.

A rule in Python runs as the user who runs `reviewer`; there is no sandbox. So such a file of a
repository never runs until `reviewer rules trust` pins its hash, outside of the repository, in
`$XDG_STATE_HOME/reviewer/trust.toml`. One changed byte, and the file is untrusted again.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reviewer.errors import ReviewerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_HEAD = """\
# Python rules of repositories that may run as you. Written by `reviewer rules trust`.
"""


@dataclass(frozen=True, slots=True)
class Pin:
    """One file of one repository, with the content that may run."""

    repository: str  # absolute path
    path: str  # within the repository
    sha256: str


def digest(content: bytes) -> str:
    """SHA-256 as 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def digest_of_all(pins: Iterable[Pin]) -> str:
    """One digest over paths and contents, that a CI job can be given."""
    lines = sorted(f"{pin.sha256}  {pin.path}\n" for pin in pins)
    return digest("".join(lines).encode("utf-8", "surrogateescape"))


def state_file() -> Path:
    """Where the pins are kept."""
    given = os.environ.get("XDG_STATE_HOME", "")
    state = Path(given) if Path(given).is_absolute() else Path.home() / ".local" / "state"
    return state / "reviewer" / "trust.toml"


def pins() -> frozenset[Pin]:
    """All pins; none when nothing was ever trusted.

    ReviewerError when the file cannot be read: a damaged file trusts nothing.
    """
    path = state_file()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return frozenset()
    except OSError as error:
        raise ReviewerError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:  # of TOML or of UTF-8
        raise ReviewerError(f"{path}: damaged ({error}); remove it and trust again") from None
    listed = table.get("file", [])
    if not isinstance(listed, list):
        raise ReviewerError(f"{path}: file: wanted a list of tables; remove it and trust again")
    return frozenset(_pin(entry, path) for entry in listed)


def _pin(entry: object, path: Path) -> Pin:
    keys = ("repository", "path", "sha256")
    values = [entry.get(key) for key in keys] if isinstance(entry, dict) else []
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) != len(keys):
        wanted = ", ".join(keys)
        raise ReviewerError(f"{path}: an entry without {wanted}; remove it and trust again")
    return Pin(*texts)


def keep(repository: str, files: Sequence[Pin]) -> None:
    """Pin these files of the repository, and no others of it. None at all: trust it no more.

    ReviewerError when it cannot be written.
    """
    path = state_file()
    kept = [pin for pin in pins() if pin.repository != repository]
    every = sorted({*kept, *files}, key=lambda pin: (pin.repository, pin.path))
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace(path, _HEAD + "".join(map(_entry, every)))
    except OSError as error:
        raise ReviewerError(f"{path}: cannot be written: {error.strerror}") from None


def _replace(path: Path, text: str) -> None:
    """All or nothing: a reader never sees half of the file."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".trust-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _entry(pin: Pin) -> str:
    values = {"repository": pin.repository, "path": pin.path, "sha256": pin.sha256}
    lines = [f"{key} = {_quoted(value)}" for key, value in values.items()]
    return "\n[[file]]\n" + "".join(f"{line}\n" for line in lines)


def _quoted(text: str) -> str:
    """A basic string of TOML."""
    safe = (c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in text)
    return f'"{"".join(safe)}"'
