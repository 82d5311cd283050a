"""A diff that cannot be read as it is, as one small correct diff for each file of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

from reviewer.diff.layout import GIT, files
from reviewer.diff.paths import LONGEST, NOWHERE, relative, shown
from reviewer.diff.wrapped import broken_here, join, repair

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reviewer.diff.layout import FilePlace, HunkPlace

_KNOWN = (
    *("index ", "old mode ", "new mode ", "new file mode ", "deleted file mode "),
    *("rename ", "copy ", "similarity ", "dissimilarity ", "---", "+++"),
    *("Binary files ", "GIT binary patch"),
)
_CONTINUED = ("---", "+++", "rename from", "rename to", "copy from", "copy to")


@dataclass(frozen=True, slots=True)
class MendedFile:
    """One file of a diff: its header, its hunks with correct counts, and what was found wrong."""

    label: str  # its name, fit for a message
    line: int  # index of its first line in the mail's diff
    header: tuple[str, ...]
    names: tuple[str, str] | None  # as they stand after `---` and `+++`
    hunks: tuple[tuple[str, ...], ...]  # header line and rows
    complete: bool  # no hunk was left out
    problems: tuple[str, ...] = ()

    def text(self) -> str:
        """The file as a diff that is right."""
        head = (f"--- {self.names[0]}", f"+++ {self.names[1]}") if self.names else self.header
        return "\n".join([*head, *self.body, ""])

    @property
    def body(self) -> list[str]:
        """The lines of all hunks."""
        return [line for hunk in self.hunks for line in hunk]

    @property
    def starts(self) -> list[int]:
        """The indexes of the hunk headers in `body`."""
        return [0, *accumulate(map(len, self.hunks))][: len(self.hunks)]


def mended(lines: Sequence[str], first_line: int) -> Iterator[MendedFile]:
    """The files of a diff. Problems name lines by their number in the mail.

    `first_line` is the number of the first of `lines` there.
    """
    for place in files(lines):
        yield _file(lines, place, first_line)


def _file(lines: Sequence[str], place: FilePlace, first_line: int) -> MendedFile:
    header = _header(lines, place)
    names = _names(header)
    label = _label(header, names)
    file = MendedFile(label, place.at, header, names, (), complete=True)
    if not header:
        line = first_line + place.at
        return replace(file, problems=(f"hunk at mail line {line} belongs to no file",))
    problems: list[str] = []
    joined: list[int] = []
    unsigned = 0
    hunks: list[tuple[str, ...]] = []
    for number, hunk in enumerate(place.hunks, 1):
        name = f"hunk {number} of {label} at mail line {first_line + hunk.at}"
        rows, tails, lost, what = _hunk(lines, hunk)
        joined += tails
        unsigned += lost
        problems += [f"{name}: {what}"] if what else []
        hunks += [rows] if rows else []
    if joined:
        problems.append(f"{label}: {_joined([first_line + index for index in joined])}")
    if unsigned:
        problems.append(f"{label}: {unsigned} context lines had lost their first space")
    complete = len(hunks) == len(place.hunks)
    return replace(file, hunks=tuple(hunks), complete=complete, problems=tuple(problems))


def _hunk(
    lines: Sequence[str], place: HunkPlace
) -> tuple[tuple[str, ...], tuple[int, ...], int, str | None]:
    """Header and rows (none when unreadable), the tails joined, the signs lost, and what is odd."""
    if place.header is None:
        return (), (), 0, f"header not readable: {shown(lines[place.at])!r}"
    if place.exact:
        return tuple(line or " " for line in lines[place.at : place.stop]), (), 0, None
    result = repair(place.header, lines, place.at + 1, place.stop, place.last)
    if result.reason:
        return (), (), 0, result.reason
    rows = (result.header.line(), *result.rows)
    return rows, result.joined, result.unsigned, result.note


def _header(lines: Sequence[str], place: FilePlace) -> tuple[str, ...]:
    """The lines of the header, those that the mailer wrapped joined."""
    header: list[str] = []
    for line in lines[place.at : place.stop]:
        if header and _continues(header[-1], line):
            header[-1] = join(header[-1], line)
        elif len(line) <= 3 * LONGEST and (not header or line.startswith(_KNOWN)):
            header.append(line)
    return tuple(header)


def _continues(above: str, line: str) -> bool:
    if (
        not line
        or len(above) > LONGEST
        or line.startswith(("--- ", "+++ ", "index ", "new ", "old ", "deleted "))
    ):
        return False
    if above.rstrip() in _CONTINUED:
        return True
    return above.startswith(GIT) and " b/" not in above and broken_here(above, line)


def _names(header: Sequence[str]) -> tuple[str, str] | None:
    source = next((line[4:] for line in header if line.startswith("--- ")), None)
    target = next((line[4:] for line in header if line.startswith("+++ ")), None)
    if source is None or target is None:
        return None
    return source.partition("\t")[0], target.partition("\t")[0]


def _label(header: Sequence[str], names: tuple[str, str] | None) -> str:
    if names is not None:
        old, new = relative(*names)
        return shown(old if names[1] == NOWHERE else new)
    return shown(header[0].rpartition(" ")[2].removeprefix("b/")) if header else "no file"


def _joined(numbers: Sequence[int]) -> str:
    listed = ", ".join(str(number) for number in numbers[:10])
    more = f" and {len(numbers) - 10} more" if len(numbers) > 10 else ""
    noun, verb = ("line", "was") if len(numbers) == 1 else ("lines", "were")
    return f"{len(numbers)} {noun} wrapped by the mailer {verb} joined (mail lines {listed}{more})"
