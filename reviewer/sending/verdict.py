"""What was found in a series, remembered while git send-email shows its mails one by one.

Only for a git that does not count them: each mail is then judged by itself, with the whole series
in view, and a series of forty would be reviewed forty times.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_NOTES = "reviewer-verdict"
_SECONDS = 120.0  # a git send-email that began earlier is another one


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which files hold what refuses them, and whether there is anything to be said at all."""

    refused: frozenset[str]  # names without directory
    silent: bool
    checked: bool = True


def key(files: Sequence[Path], wanted: object) -> str:
    """Stands for the names and the contents of the files, and for what is wanted of the review."""
    digest = hashlib.sha256(repr(wanted).encode("utf-8", "backslashreplace"))
    for file in files:
        content = file.read_bytes()
        digest.update(f"\0{len(content)} {file.name}\0".encode("utf-8", "surrogateescape"))
        digest.update(content)
    return digest.hexdigest()


def remember(git_dir: Path | None, name: str, verdict: Verdict) -> None:
    """Keep one verdict in the git directory; where nothing can be written, do without."""
    if git_dir is None:
        return
    noted: dict[str, object] = {
        "key": name,
        "refused": sorted(verdict.refused),
        "silent": verdict.silent,
    }
    noted["checked"] = verdict.checked
    try:
        (git_dir / _NOTES).write_text(json.dumps(noted), encoding="utf-8")
    except OSError:
        return


def recall(git_dir: Path | None, name: str) -> Verdict | None:
    """The verdict that was kept a moment ago under this key."""
    if git_dir is None:
        return None
    notes = git_dir / _NOTES
    try:
        if not 0 <= time.time() - notes.stat().st_mtime < _SECONDS:
            return None
        noted = json.loads(notes.read_text(encoding="utf-8"))
        if noted["key"] != name:
            return None
        return Verdict(frozenset(noted["refused"]), bool(noted["silent"]), noted["checked"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
