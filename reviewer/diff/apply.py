"""The text after a patch from the text before it, or the reverse: exactly, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reviewer.diff.patch import FileDiff, Hunk


def apply(text: str, file: FileDiff) -> str | None:
    """The text after the patch; None when a hunk does not fit at the line that it names.

    Lines end in LF. Nothing is searched for: a hunk that fits only at another line would leave
    all findings at line numbers that the mail does not have.
    """
    return _applied(text, file.hunks, "-", "+")


def revert(text: str, file: FileDiff) -> str | None:
    """The text before the patch; None when a hunk does not fit at the line that it names."""
    return _applied(text, file.hunks, "+", "-")


def only_side(file: FileDiff, sign: str) -> str | None:
    """The whole of a file that a patch adds ("+") or deletes ("-"); None when rows are missing."""
    if len(file.hunks) != 1 or any(row.sign != sign for row in file.hunks[0].rows):
        return None
    hunk = file.hunks[0]
    if (hunk.new_start if sign == "+" else hunk.old_start) != 1:
        return None
    lines = [row.text for row in hunk.rows]
    return "\n".join(lines) + ("" if _is_open(hunk, sign) else "\n")


def _applied(text: str, hunks: tuple[Hunk, ...], gone: str, come: str) -> str | None:
    lines = text.split("\n")
    is_open = lines[-1] != ""
    if not is_open:
        lines.pop()
    result: list[str] = []
    done = 0
    for hunk in hunks:
        before = [row.text for row in hunk.rows if row.sign != come]
        after = [row.text for row in hunk.rows if row.sign != gone]
        at = _index(hunk, gone, before)
        result += lines[done:at]
        fits = done <= at <= len(lines) and lines[at : at + len(before)] == before
        if not fits or len(result) != _index(hunk, come, after):
            return None
        result += after
        done = at + len(before)
        if done == len(lines):
            if bool(before) and is_open != _is_open(hunk, gone):
                return None
            is_open = _is_open(hunk, come)
    result += lines[done:]
    return "\n".join(result) + ("" if is_open or not result else "\n")


def _index(hunk: Hunk, sign: str, lines: list[str]) -> int:
    """Where the lines of one side begin, from 0; an empty side names the line above it."""
    start = hunk.old_start if sign == "-" else hunk.new_start
    return start - 1 if lines else start


def _is_open(hunk: Hunk, sign: str) -> bool:
    return hunk.old_open if sign == "-" else hunk.new_open
