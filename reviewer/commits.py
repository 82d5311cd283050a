"""Commits of the repository one stands in, as the patch mails that git would send of them.

The form of the mails is pinned: what the user's git config, environment or the tree's
attributes say about diffs and mails changes nothing, and no program they name is run.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from reviewer.errors import TargetError
from reviewer.model import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LARGEST = 256 * 1024 * 1024  # bytes of all patches of one range
_REVISION = re.compile(r"\^?[0-9a-f]{40,64}")
_SEPARATOR = re.compile(rb"^(?=From [0-9a-f]{40,64} Mon Sep 17 00:00:00 2001$)", re.MULTILINE)
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)
# Settings that have no option on the command line, or only in some versions of git.
_PINNED = {
    "core.fsmonitor": "false",
    "core.quotePath": "true",
    "diff.mnemonicPrefix": "false",
    "diff.noprefix": "false",
    "diff.orderFile": "/dev/null",
    "diff.relative": "false",
    "diff.suppressBlankEmpty": "false",
    "format.coverLetter": "false",
    "format.encodeEmailHeaders": "true",
    "format.numbered": "auto",
    "format.signOff": "false",
    "format.useAutoBase": "false",
    "log.showSignature": "false",
    # A partial clone would fetch what is missing from a host that the repository names.
    "protocol.allow": "never",
}
# mboxrd: a line of a commit message that begins with "From " cannot look like the next mail.
_FORMAT = (
    "format-patch",
    "--stdout",
    "--pretty=mboxrd",
    "--encoding=UTF-8",
    "--root",
    "--patch",
    "--stat",
    "--full-index",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-binary",
    "--find-renames",
    "--unified=3",
    "--inter-hunk-context=0",
    "--diff-algorithm=default",
    "--submodule=short",
    "--ignore-submodules=none",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--subject-prefix=PATCH",
    "--no-signature",
    "--no-attach",
    "--no-thread",
    "--no-notes",
    "--no-from",
    "--no-to",
    "--no-cc",
    "--no-add-header",
)


def git_directory(cwd: Path) -> str | None:
    """The git directory of the repository around `cwd`; None outside of one.

    Raises FileNotFoundError without git.
    """
    import subprocess

    asked = subprocess.run(
        ["git", "-C", str(cwd), "rev-parse", "--absolute-git-dir"], capture_output=True, check=False
    )
    return os.fsdecode(asked.stdout).rstrip("\n") or None if asked.returncode == 0 else None


def resolve(text: str, cwd: Path) -> tuple[str, ...]:
    """The object ids that git reads in `text`, those to leave out with a `^` before them.

    `text` is a range (`HEAD~3..`, `a..b`, `HEAD^!`) or one commit. Raises TargetError with
    git's reason when it is neither, or names a tree or a file.
    """
    if text.startswith("-"):
        raise TargetError("begins like an option")
    said = _git(cwd, ["rev-parse", "--revs-only", "--end-of-options", text, "--"])
    revisions = tuple(line for line in said.split() if _REVISION.fullmatch(line))
    wanted = [revision for revision in revisions if not revision.startswith("^")]
    if not wanted:
        raise TargetError("git knows no such revision")
    if len(revisions) > 1:
        if len(wanted) == len(revisions):
            raise TargetError("names several commits, but not where their history shall begin")
        return revisions
    # Not `format-patch -1`: asked for a merge, that gives the commit before it.
    parents = _git(cwd, ["rev-parse", "--revs-only", f"{wanted[0]}^@"]).split()
    commit = _git(cwd, ["rev-parse", "--verify", f"{wanted[0]}^{{commit}}"]).strip()
    return (commit, *(f"^{parent}" for parent in parents))


def patches(
    text: str, revisions: Sequence[str], cwd: Path
) -> tuple[list[bytes], tuple[Problem, ...]]:
    """A mail for each commit that `revisions` (of `resolve`) names; `text` is for messages.

    Merges have no patch of their own: they are left out, which is a problem that is told.
    Raises TargetError when nothing is left, or when it is more than LARGEST.
    """
    merges = int(_git(cwd, ["rev-list", "--count", "--merges", *revisions]))
    data = _limited(text, cwd, [*_FORMAT, *revisions])
    if not data:
        why = "only merges, which have no patch of their own" if merges else "no change to any file"
        raise TargetError(f"{text}: nothing to review: {why}")
    mails = [_ESCAPED.sub(rb"\1", mail) for mail in _SEPARATOR.split(data) if mail]
    if not merges:
        return mails, ()
    left_out = f"{merges} merge{'s' if merges > 1 else ''} left out: no patch of their own"
    return mails, (Problem(text, left_out),)


def _git(cwd: Path, arguments: Sequence[str]) -> str:
    """What git prints. Raises TargetError with its first line of complaint."""
    import subprocess

    try:
        done = subprocess.run(
            _command(cwd, arguments), capture_output=True, env=_environment(), check=False
        )
    except FileNotFoundError:
        raise TargetError("git is not in PATH") from None
    if done.returncode != 0:
        raise TargetError(_complaint(done.stderr))
    return os.fsdecode(done.stdout)


def _limited(text: str, cwd: Path, arguments: Sequence[str]) -> bytes:
    """What git prints, as bytes, up to LARGEST."""
    import subprocess
    import tempfile

    with tempfile.TemporaryFile() as errors:
        command = _command(cwd, arguments)
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, env=_environment()
        ) as running:
            assert running.stdout is not None
            data = running.stdout.read(LARGEST + 1)
            if len(data) > LARGEST:
                running.kill()
                raise TargetError(f"{text}: more than {LARGEST >> 20} MB of patches")
        if running.returncode != 0:
            errors.seek(0)
            raise TargetError(f"{text}: git format-patch: {_complaint(errors.read(4096))}")
    return data


def _command(cwd: Path, arguments: Sequence[str]) -> list[str]:
    pinned = [part for key, value in _PINNED.items() for part in ("-c", f"{key}={value}")]
    return ["git", "--no-pager", "-C", str(cwd), *pinned, *arguments]


def _environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS")
    }
    return kept | {"LC_ALL": "C", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}


def _complaint(stderr: bytes) -> str:
    lines = os.fsdecode(stderr).strip().splitlines()
    return f"git: {lines[0].removeprefix('fatal: ')[:200]}" if lines else "git failed"
