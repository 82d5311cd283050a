"""The keys of git config that make b4 ask us, set and unset.

Each value that is added is noted under `reviewer-b4.added`, so that no other is ever removed.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from reviewer.errors import ReviewerError
from reviewer.sending.repository import git

_NOTED = "reviewer-b4.added"
_REVIEW = "b4.review-perpatch-check-cmd"
_PREP = "b4.prep-perpatch-check-cmd"
_AM = "b4.am-perpatch-check-cmd"
_FORMATS = {_REVIEW: "b4", _PREP: "b4-lines", _AM: "b4-lines"}
# b4 runs checkpatch by itself only as long as no command is configured.
_DEFAULTS = {
    _REVIEW: "_builtin_checkpatch",
    _PREP: "./scripts/checkpatch.pl -q --terse --no-summary --mailback --showfile",
}


def install(scope: str, cwd: Path) -> list[str]:
    """Set the keys in `scope`, `--local` or `--global`, and give a line for each value added.

    What b4 would run by itself in this repository goes on running. Raises ReviewerError when git
    does not take a key.
    """
    remove(scope, cwd, missing_ok=True)
    added: list[str] = []
    for key, form in _FORMATS.items():
        for value in (*_defaults(key, cwd), f"{_program()} run - --format {form}"):
            if value not in _values(scope, key, cwd):
                _set(scope, cwd, "--add", key, value)
                _set(scope, cwd, "--add", _NOTED, f"{key} {value}")
                added.append(f"{key} = {value}")
    return added


def remove(scope: str, cwd: Path, *, missing_ok: bool = False) -> list[str]:
    """Unset what `install` set in this scope, and give a line for each value removed.

    Raises ReviewerError when there is nothing, unless `missing_ok`.
    """
    removed = _noted(scope, cwd)
    if not removed and not missing_ok:
        raise ReviewerError(f"git config {scope}: nothing to remove: b4 was not set up here")
    for key, value in removed:
        if value in _values(scope, key, cwd):
            _set(scope, cwd, "--fixed-value", "--unset-all", key, value)
    if removed:
        _set(scope, cwd, "--unset-all", _NOTED)
    return [f"{key}: removed" for key in dict.fromkeys(key for key, _ in removed)]


def status(scope: str, cwd: Path) -> list[str]:
    """A line for each value that `install` set and that is still there."""
    noted = _noted(scope, cwd)
    return [f"{key} = {value}" for key, value in noted if value in _values(scope, key, cwd)]


def _program() -> str:
    """How to call us: by name if possible, for b4 shows the name beside each finding."""
    beside = Path(sys.executable).with_name("reviewer")
    if os.access(beside, os.X_OK):
        return shlex.quote(str(beside))
    # -P: b4 calls us in the work tree, which may hold a module of any name.
    return f"{shlex.quote(sys.executable)} -P -m reviewer"


def _defaults(key: str, cwd: Path) -> list[str]:
    """What b4 runs when nothing is configured, if it would run it here."""
    top = git(cwd, "rev-parse", "--show-toplevel")
    if key not in _DEFAULTS or top is None or git(cwd, "config", "--get-all", key) is not None:
        return []
    return [_DEFAULTS[key]] if os.access(Path(top, "scripts", "checkpatch.pl"), os.X_OK) else []


def _noted(scope: str, cwd: Path) -> list[tuple[str, str]]:
    """Key and value of what was added; a note that names another key is not ours."""
    pairs = [each.partition(" ") for each in _values(scope, _NOTED, cwd)]
    return [(key, value) for key, _, value in pairs if key in _FORMATS]


def _values(scope: str, key: str, cwd: Path) -> list[str]:
    found = git(cwd, "config", scope, "-z", "--get-all", key)
    return [value for value in (found or "").split("\0") if value]


def _set(scope: str, cwd: Path, *arguments: str) -> None:
    if git(cwd, "config", scope, *arguments) is None:
        hint = "" if scope == "--global" else " (outside of a repository, use --global)"
        raise ReviewerError(f"git config {scope} {arguments[-2]}: git does not take it{hint}")
