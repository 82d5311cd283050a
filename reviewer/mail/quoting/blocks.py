"""The comments in a reply: runs of its sender's own lines, and what is quoted above each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.mail.quoting import dropped
from reviewer.mail.quoting.reply_text import DIFF_HEAD, Line, Role

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Block:
    """One comment. `quoted` are the lines of the reply between the comment before and this one."""

    text: str
    quoted: range
    end: int  # the index of the line after it
    trailers: bool = False  # it holds nothing else


def blocks(lines: Sequence[Line], known: Sequence[bool], author: str) -> list[Block]:
    """The comments of a reply by `author`.

    `known` says of each line whether its place is known: a line without marks is then the rest of
    a quoted one, and a quoted line is certainly quoted.
    """
    roles = _roles(lines, known)
    runs = _runs(lines, roles)
    found: list[Block] = []
    above = 0
    for number, run in enumerate(runs):
        own = [_written(lines[at]) if roles[at] is Role.OWN else "" for at in run]
        if number == len(runs) - 1:
            own = dropped.without_closing(own, author) or ([] if number else own)
        own = [text for text in own if not dropped.is_copy_note(text)]
        said = [text for text in own if not dropped.is_trailer(text)]
        bare = not any(text.strip() for text in said)
        text = "\n".join(own if bare else said).strip("\n").rstrip()
        if text.strip():
            found.append(Block(_folded(text), range(above, run.start), run.stop, bare))
            above = run.stop
    return found


def _roles(lines: Sequence[Line], known: Sequence[bool]) -> list[Role]:
    """The roles once it is known which lines are quoted for certain."""
    roles = [line.role for line in lines]
    for at, line in enumerate(lines):
        if line.role in (Role.OWN, Role.SKETCH) and known[at]:
            roles[at] = Role.QUOTED
        elif line.role is Role.QUOTED and not known[at] and _is_prose(lines, at):
            roles[at] = Role.OWN
    _find_unmarked(lines, known, roles)
    return roles


def _is_prose(lines: Sequence[Line], at: int) -> bool:
    """Whether `> 40, all of it` is a line of text that was wrapped at a bad place."""
    around = (lines[at - 1], lines[at + 1]) if 0 < at < len(lines) - 1 else ()
    alone = bool(around) and all(each.role is Role.OWN and each.text.strip() for each in around)
    return alone and lines[at].depth == 1


def _find_unmarked(lines: Sequence[Line], known: Sequence[bool], roles: list[Role]) -> None:
    """Comments between lines that are quoted without marks, when nearly all of those are known."""
    region = [
        at
        for at, line in enumerate(lines)
        if line.unmarked and line.text.strip() and not line.text.startswith(DIFF_HEAD)
    ]
    sure = [at for at in region if known[at]]
    if 2 * len(sure) < len(region) or not sure:
        return
    for at in region:
        if sure[0] < at < sure[-1] and not known[at] and roles[at] is Role.QUOTED:
            roles[at] = Role.OWN


def _runs(lines: Sequence[Line], roles: Sequence[Role]) -> list[range]:
    """The sender's lines between quoted ones, from the first to the last that is not blank."""
    runs: list[range] = []
    start = stop = -1
    for at, (role, line) in enumerate(zip(roles, lines, strict=True)):
        if not line.text.strip():
            continue
        if role is Role.OWN:
            start, stop = (at if start < 0 else start), at + 1
        elif role is Role.QUOTED and start >= 0:
            runs.append(range(start, stop))
            start = -1
    return [*runs, range(start, stop)] if start >= 0 else runs


def _written(line: Line) -> str:
    return f"> {line.text}" if line.depth and not line.unmarked else line.text.rstrip()


def _folded(text: str) -> str:
    """The text with one blank line where there were several."""
    lines = text.split("\n")
    kept = [line for at, line in enumerate(lines) if line.strip() or (at and lines[at - 1].strip())]
    return "\n".join(kept)
