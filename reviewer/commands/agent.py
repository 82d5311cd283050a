"""`reviewer b4-agent`: what a review agent does for `b4 review`, on the branch that b4 made.

b4 shows what we write on the hunk lines, beside the comments of people, as soon as the branch is
opened, or at once when we are its `b4.review-agent-command`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reviewer.errors import ReviewerError
from reviewer.sending.repository import git

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from reviewer.review import Threshold
    from reviewer.run import Result

    Object = dict[str, object]

_PREFIX = "b4/review/"
_MARKER = "--- b4-review-tracking ---"
_COMMIT = re.compile(r"[0-9a-f]{40,64}")


@dataclass(frozen=True, slots=True)
class ReviewBranch:
    """A branch of b4 review: the commits of a series, and above them one that holds b4's notes."""

    commits: str  # the range of the series
    directory: Path  # where b4 looks for what an agent wrote
    said: Mapping[int, str]  # what b4 has from us, by number of the patch


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `reviewer b4-agent`."""
    what = "write findings where b4 review shows them on the hunk lines"
    agent = commands.add_parser("b4-agent", help=what, description=what)
    agent.add_argument("--branch", metavar="BRANCH", help="of b4 review (default: the current one)")
    agent.add_argument("prompt", nargs="*", help="what b4 tells an agent to do; it is not read")
    agent.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    from reviewer.commands.gate import complain
    from reviewer.run import Request, review
    from reviewer.sending.settings import settings

    cwd = Path()
    branch, wanted = find(cwd, arguments.branch), settings(cwd)
    complain(wanted)
    request = Request(
        (branch.commits,), only=wanted.only, skip=wanted.skip, comments=False, cwd=cwd
    )
    written = _write(review(request), wanted.threshold, branch.directory, branch.said)
    print("\n".join(map(str, written)) or "nothing to say")
    return 0


def write(result: Result, threshold: Threshold, directory: Path | None = None) -> list[Path]:
    """Write the files of `--format b4-agent`, and give their paths; none when nothing is found.

    Without a directory they go where `b4 review` reads them for the branch one stands on.
    Raises ReviewerError when that is no branch of b4 review, or nothing can be written.
    """
    if directory is not None:
        return _write(result, threshold, directory, {})
    branch = find(Path())
    return _write(result, threshold, branch.directory, branch.said)


def _write(
    result: Result, threshold: Threshold, directory: Path, said: Mapping[int, str]
) -> list[Path]:
    from reviewer.report.b4_agent import render

    posted = [each for each in result.review.revisions if each.revision.answers is None]
    files = render(posted[-1], threshold, said) if posted else {}
    try:
        if files and _is_of_others(directory):
            raise ReviewerError(f"{directory}: holds the review of another agent; open b4 review")
        if files:
            directory.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (directory / name).write_text(content, encoding="utf-8")
    except OSError as error:
        raise ReviewerError(f"{directory}: cannot be written: {error.strerror}") from None
    return [directory / name for name in files]


def _is_of_others(directory: Path) -> bool:
    from reviewer.report.b4_agent import IDENTITY

    identity = directory / "identity.txt"
    return identity.exists() and identity.read_text("utf-8", "replace").strip() != IDENTITY


def find(cwd: Path, name: str | None = None) -> ReviewBranch:
    """A branch of b4 review, the current one by default. Raises ReviewerError when it is none."""
    top = git(cwd, "rev-parse", "--show-toplevel")
    if top is None:
        raise ReviewerError(f"{cwd.absolute()}: not inside the work tree of a git repository")
    name = name or git(cwd, "symbolic-ref", "--short", "HEAD") or "HEAD"
    if not name.startswith(_PREFIX):
        raise ReviewerError(f"{name}: not a branch of b4 review; wanted {_PREFIX}...")
    tip = git(cwd, "rev-parse", "--verify", f"refs/heads/{name}^{{commit}}")
    message = git(cwd, "log", "-1", "--format=%B", tip) if tip else None
    if tip is None or message is None:
        raise ReviewerError(f"{name}: there is no such branch")
    series, patches = _notes(message, name)
    commits = _range(series, tip)
    if commits is None:
        raise ReviewerError(f"{name}: the notes of b4 do not say where the series begins")
    # b4 looks for the directory there, whatever git says of a linked worktree.
    directory = Path(top, ".git", "b4-review", tip)
    return ReviewBranch(commits, directory, _said(patches))


def _notes(message: str, name: str) -> tuple[Object, list[object]]:
    """What b4 keeps of the series and of its patches, as JSON in the message of its commit."""
    lines = message.partition(_MARKER)[2].splitlines()
    try:
        notes = json.loads("\n".join(line for line in lines if not line.startswith("#")))
    except (ValueError, RecursionError):
        raise ReviewerError(f"{name}: its last commit does not hold the notes of b4") from None
    notes = _object(notes)
    patches = notes.get("patches")
    return _object(notes.get("series")), patches if isinstance(patches, list) else []


def _range(series: Object, tip: str) -> str | None:
    """The commits of the series, without those that it needs and the notes of b4."""
    for key, before in (("first-patch-commit", "~1"), ("base-commit", "")):
        commit = series.get(key)
        if isinstance(commit, str) and _COMMIT.fullmatch(commit):
            return f"{commit}{before}..{tip}~1"
    return None


def _said(patches: list[object]) -> dict[int, str]:
    """What b4 took from us before, by number of the patch."""
    from reviewer.report.b4_agent import ADDRESS

    said: dict[int, str] = {}
    for number, patch in enumerate(patches, start=1):
        ours = _object(_object(_object(patch).get("reviews")).get(ADDRESS))
        comments = ours.get("comments")
        texts = (
            [_object(each).get("text") for each in comments] if isinstance(comments, list) else []
        )
        said[number] = "\n".join(str(each) for each in (*texts, ours.get("note", "")))
    return said


def _object(value: object) -> Object:
    return value if isinstance(value, dict) else {}
