"""The repository that patches are sent from, asked through git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from reviewer.errors import ReviewerError

_LOCAL = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
)
"""What git tells a hook about its repository; it would follow us into any other one."""


def git(cwd: Path, *arguments: str) -> str | None:
    """What git prints, without the last line end; None when it fails.

    Raises ReviewerError without git.
    """
    try:
        done = subprocess.run(["git", "-C", str(cwd), *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        raise ReviewerError("git is not in PATH") from None
    return os.fsdecode(done.stdout).removesuffix("\n") if done.returncode == 0 else None


def leave() -> Path | None:
    """Forget the repository that git named in the environment, and give its git directory."""
    named = os.environ.get("GIT_DIR")
    for name in _LOCAL:
        os.environ.pop(name, None)
    return Path(named).absolute() if named else None


def git_directory(cwd: Path) -> Path:
    """The git directory of the repository, or of the worktree, around `cwd`.

    Raises ReviewerError outside of one.
    """
    found = git(cwd, "rev-parse", "--absolute-git-dir")
    if found is None:
        raise ReviewerError(f"{cwd.absolute()}: not inside a git repository")
    return Path(found)


def hooks_directory(cwd: Path) -> Path:
    """Where git looks for hooks: that of `core.hooksPath`, else of the main repository.

    Raises ReviewerError outside of a repository.
    """
    # A relative core.hooksPath begins where git runs hooks: at the top.
    top = git(cwd, "rev-parse", "--show-toplevel")
    base = Path(top) if top else git_directory(cwd)
    path = git(base, "rev-parse", "--git-path", "hooks")
    if path is None:
        raise ReviewerError(f"{base}: git does not tell where its hooks are")
    return base / path
