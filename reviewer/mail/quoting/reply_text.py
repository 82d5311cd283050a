"""A reply line by line: what is quoted, how deep, and what its sender wrote."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

from reviewer.diff.hunk_header import hunk_header, rows_end
from reviewer.mail.quoting import dropped
from reviewer.mail.quoting.marks import Marked, heading, marked
from reviewer.mail.quoting.markup import text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reviewer.mail.message import Message

DIFF_HEAD = (
    *("diff ", "index ", "--- ", "+++ ", "@@ ", "old mode ", "new mode ", "new file mode "),
    *("deleted file mode ", "rename ", "copy ", "similarity ", "dissimilarity ", "Binary files "),
)


class Role(Enum):
    """What a line of a reply is."""

    OWN = auto()  # written by the sender; also blank lines between
    QUOTED = auto()
    SKETCH = auto()  # a hunk without a file name: how the sender would write it, or a quote
    DROPPED = auto()  # attribution, elision, greeting, signature, a diff of the sender's own


class Line(NamedTuple):
    """One line of a reply; `depth` counts the quote marks, which `text` is without."""

    role: Role
    depth: int
    text: str
    unmarked: bool = False  # quoted by its place alone, below the headers of another mail


def read(message: Message) -> tuple[Line, ...]:
    """The lines of a reply. Never raises; linear in the size of the mail."""
    body = text_of(message.html) if message.html and not message.body else message.body
    raw = body.split("\n")
    own_diffs = _own_diffs(raw[: heading(raw)])
    sketches = {at for span in own_diffs if raw[span.start].startswith("@@") for at in span}
    gone = {at for span in own_diffs for at in span} - sketches
    for at in gone:
        raw[at] = ""
    lines = marked(raw)
    attributions = list(dropped.attributions(lines))
    gone.update(attributions)
    for at in attributions:
        _mend_first(lines, at + 1)
    gone.update(dropped.signature(lines) or ())
    gone.update(at for at, line in enumerate(lines) if dropped.is_elision(line.text))
    greeting = _greeting(lines, gone)
    gone.update(() if greeting is None else (greeting,))
    return tuple(
        Line(_role(at in gone, at in sketches, line.depth), *line) for at, line in enumerate(lines)
    )


def _mend_first(lines: list[Marked], at: int) -> None:
    """Some programs lose the mark of the first line of code that is quoted."""
    if at + 1 < len(lines) and not lines[at].depth and lines[at + 1].depth:
        text = lines[at].text
        if text[:1] in (" ", "\t") and text.strip():
            lines[at] = Marked(1, text)


def _role(gone: bool, sketched: bool, depth: int) -> Role:
    if gone:
        return Role.DROPPED
    if sketched:
        return Role.SKETCH
    return Role.QUOTED if depth else Role.OWN


def _own_diffs(lines: Sequence[str]) -> list[range]:
    """Where diffs stand that the sender wrote or attached as text."""
    found: list[range] = []
    at = 0
    while at < len(lines):
        if lines[at].startswith(("diff --git ", "--- ", "@@ -")) and _begins_diff(lines, at):
            stop = _diff_stop(lines, at)
            found.append(range(at, stop))
            at = stop
        else:
            at += 1
    return found


def _begins_diff(lines: Sequence[str], at: int) -> bool:
    line = lines[at]
    if line.startswith("--- "):
        return at + 1 < len(lines) and lines[at + 1].startswith("+++ ")
    return line.startswith("diff --git ") or hunk_header(line) is not None


def _diff_stop(lines: Sequence[str], at: int) -> int:
    """The index after a diff. One whose counts are wrong reaches to the next quote."""
    while at < len(lines):
        header = hunk_header(lines[at])
        if header is not None:
            end = rows_end(lines, at + 1, header)
            at = _loose_stop(lines, at + 1) if end is None else end
        elif lines[at].startswith(DIFF_HEAD) or _blank_before_head(lines, at):
            at += 1
        else:
            break
    return at


def _blank_before_head(lines: Sequence[str], at: int) -> bool:
    return not lines[at] and at + 1 < len(lines) and lines[at + 1].startswith(DIFF_HEAD)


def _loose_stop(lines: Sequence[str], at: int) -> int:
    while at < len(lines) and not lines[at].startswith((">", "@@ ", "diff --git ")):
        if lines[at].rstrip() == "--":
            break
        at += 1
    return at


def _greeting(lines: Sequence[Marked], gone: set[int]) -> int | None:
    """The first line that the sender wrote, if all it does is to greet."""
    for at, line in enumerate(lines):
        if at not in gone and not line.depth and line.text.strip():
            blank_follows = at + 1 < len(lines) and not lines[at + 1].text.strip()
            return at if dropped.is_greeting(line.text, blank_follows) else None
    return None
