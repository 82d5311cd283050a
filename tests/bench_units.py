"""How well and how fast hunks become units. `python tests/bench_units.py MBOX.. [--tree DIR]`.

Prints the share of added C lines outside parse errors, the share of added function code in a
function without error, and milliseconds of CPU a patch. With a kernel tree it also compares, for
patches whose pre-image is in the tree, what is said of each added line from the hunks with what is
said from the whole file: the function's name, and the statements around it.
"""

from __future__ import annotations

import argparse
import email
import email.policy
import gzip
import hashlib
import random
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reviewer.c.hunks.faults import unit_errors
from reviewer.c.unit import GAP, Kind, Unit
from reviewer.c.units import units_of_hunks, units_of_text
from reviewer.diff.patch import FileDiff, Hunk, Row, parse
from reviewer.model import Side

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tree_sitter import Node

_FROM = re.compile(rb"(?m)^From \S.*\n")
_DIFF = re.compile(r"^(?:diff --git|--- \S)", re.MULTILINE)
_REPLY = re.compile(r"\s*re:", re.IGNORECASE)
_HEADING = re.compile(r"[A-Za-z_$](?!\w*[ \t]*:)")
_AROUND = frozenset(
    {
        "if_statement",
        "else_clause",
        "for_statement",
        "while_statement",
        "do_statement",
        "switch_statement",
        "case_statement",
    }
)


@dataclass(frozen=True)
class Quality:
    """Counts of added lines."""

    patches: int
    added: int
    in_error: int
    unread: int
    function: int  # code in functions
    function_bad: int  # of it, in a function with an error
    milliseconds: float  # CPU a patch, units and trees of one side

    @property
    def outside_errors(self) -> float:
        """Share of the added lines, in per cent."""
        return 100 - 100 * self.in_error / max(1, self.added)

    @property
    def in_good_function(self) -> float:
        """Share of the added function code, in per cent."""
        return 100 - 100 * self.function_bad / max(1, self.function)


def patches(path: Path) -> Iterator[list[FileDiff]]:
    """The C files of each patch mail of an mbox; replies are left out."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    for raw in _FROM.split(data):
        message = email.message_from_bytes(raw, policy=email.policy.compat32)
        if _REPLY.match(str(message.get("Subject", ""))):
            continue
        text = "".join(_text(part) for part in message.walk())
        if _DIFF.search(text):
            files = [file for file in parse(text, str(path)).files if file.is_c and file.hunks]
            if files:
                yield files


def _text(part: email.message.Message) -> str:
    payload = part.get_payload(decode=True)
    if part.get_content_maintype() != "text" or not isinstance(payload, bytes):
        return ""
    return payload.decode(part.get_content_charset() or "utf-8", "replace")


def measure(mails: Sequence[Sequence[FileDiff]], side: Side = Side.NEW) -> Quality:
    """Build and parse the units of all patches, then count."""
    begun = time.process_time()
    read = [[units_of_hunks(file.hunks, side) for file in files] for files in mails]
    for unit in _flat(read):
        if unit.kind is not Kind.MACRO:
            _ = unit.tree
    spent = time.process_time() - begun
    count: Counter[str] = Counter()
    for unit in _flat(read):
        _count(unit, count)
    sign = "+" if side is Side.NEW else "-"
    hunks = [hunk for files in mails for file in files for hunk in file.hunks]
    return Quality(
        len(mails),
        sum(row.sign == sign for hunk in hunks for row in hunk.rows),
        count["in_error"],
        count["unread"],
        count["function"],
        count["function_bad"],
        1000 * spent / max(1, len(mails)),
    )


def _flat(read: Sequence[Sequence[Sequence[Unit]]]) -> Iterator[Unit]:
    return (unit for files in read for units in files for unit in units)


def _count(unit: Unit, count: Counter[str]) -> None:
    if unit.kind is Kind.MACRO:
        count["unread"] += len(unit.changed)
        return
    errors = unit_errors(unit)
    count["unread"] += len(unit.changed & unit.unread)
    count["in_error"] += len(unit.changed & errors)
    if unit.kind is Kind.FUNCTION:
        rows = unit.masked.split("\n")
        code = sum(1 for row in unit.changed if rows[row].strip())
        count["function"] += code
        count["function_bad"] += code if errors else 0


def compare(mails: Sequence[Sequence[FileDiff]], tree: Path) -> Counter[str]:
    """Added lines in functions, and those of which hunks and whole file say different things."""
    count: Counter[str] = Counter()
    for file in (file for files in mails for file in files):
        old = _pre_image(file, tree)
        new = _applied(file, old) if old is not None else None
        if new is None:
            continue
        _compare_file(file.hunks, new, count)
    return count


def sample(tree: Path, files: int) -> Counter[str]:
    """The same for hunks cut at random, from fixed seeds, out of whole files of the tree."""
    count: Counter[str] = Counter()
    chosen = random.Random(1)
    for path in chosen.sample(sorted(tree.rglob("*.c")), files):
        rows = path.read_text("utf-8", "replace").split("\n")
        starts = range(8, len(rows) - 16, 120)
        cuts = sorted(chosen.randrange(start, start + 8) for start in starts)
        hunks = [
            _cut(rows, at, chosen.randint(1, 6)) for at in chosen.sample(cuts, min(6, len(cuts)))
        ]
        _compare_file(sorted(hunks, key=lambda hunk: hunk.new_start), rows, count)
    return count


def _cut(rows: Sequence[str], at: int, added: int) -> Hunk:
    """A hunk that adds the rows from `at`, with three rows around and the header git would give."""
    lines = [
        Row("+" if 0 <= row - at < added else " ", rows[row], row + 1, row + 1)
        for row in range(at - 3, min(len(rows), at + added + 3))
    ]
    above = (row for row in reversed(rows[: at - 3]) if _HEADING.match(row))
    return Hunk(next(above, "")[:80], at - 2, at - 2, tuple(lines))


def _compare_file(hunks: Sequence[Hunk], new: Sequence[str], count: Counter[str]) -> None:
    count["files"] += 1
    rows = [row for hunk in hunks for row in hunk.rows if row.new is not None]
    numbers = {row.new for row in rows if row.new is not None and row.sign == "+"}
    shown = {row.new for row in rows if row.new is not None}
    from_hunks = _said(units_of_hunks(hunks, Side.NEW))
    from_whole = _said(units_of_text("\n".join(new), numbers))
    for line in sorted(numbers & (from_hunks.keys() | from_whole.keys())):
        _compare_line(line, from_hunks.get(line), from_whole.get(line), shown, count)


@dataclass(frozen=True)
class _Said:
    """What is said of a line: its function, the kind of its statement, the statements around."""

    function: str | None
    statement: str
    around: tuple[tuple[str, int | None], ...]  # with the line where each begins, None: not shown


def _compare_line(
    line: int, hunk: _Said | None, whole: _Said | None, shown: set[int], count: Counter[str]
) -> None:
    count["lines"] += 1
    if hunk is None or whole is None:
        count["in one only"] += 1
        return
    count["name"] += hunk.function != whole.function
    count["statement"] += hunk.statement != whole.statement
    visible = {entry for entry in whole.around if entry[1] in shown}
    claimed = {entry for entry in hunk.around if entry[1] is not None}
    false = claimed - set(whole.around)
    missed = visible - claimed
    unconditional = bool(whole.around) and not hunk.around
    count["false ancestor"] += bool(false)
    count["missed ancestor"] += bool(missed)
    count["looks unconditional"] += unconditional
    count["looks conditional"] += bool(hunk.around) and not whole.around
    count["structure"] += bool(false or missed or unconditional)


def _said(units: Sequence[Unit]) -> dict[int, _Said]:
    """By line number, for the changed lines of functions that hold code."""
    found: dict[int, _Said] = {}
    for unit in units:
        if unit.kind is not Kind.FUNCTION or not unit.changed:
            continue
        rows = unit.masked.split("\n")
        for row in unit.changed:
            number, text = unit.lines[row], rows[row]
            if number is not None and text.strip(" \t{}"):
                column = len(text) - len(text.lstrip(" \t{}"))
                found[number] = _said_at(unit, row, column)
    return found


def _said_at(unit: Unit, row: int, column: int) -> _Said:
    node: Node | None = unit.tree.root_node.descendant_for_point_range((row, column), (row, column))
    statement = ""
    around = []
    while node is not None:
        statement = statement or (node.type if node.type.endswith("statement") else "")
        if node.type in _AROUND and node.start_point[0] != row:
            line = unit.lines[node.start_point[0]]
            around.append((node.type, line))
        node = node.parent
    name = None if unit.name is None or unit.name.startswith(GAP) else unit.name
    return _Said(name, statement, tuple(around))


def _pre_image(file: FileDiff, tree: Path) -> list[str] | None:
    path = tree / file.old_path
    if not file.old_blob or not path.is_file():
        return None
    data = path.read_bytes()
    blob = hashlib.sha1(b"blob %d\x00" % len(data) + data).hexdigest()
    return data.decode("utf-8", "replace").split("\n") if blob.startswith(file.old_blob) else None


def _applied(file: FileDiff, old: list[str]) -> list[str] | None:
    new: list[str] = []
    at = 0
    for hunk in file.hunks:
        start = hunk.old_start - 1 if any(row.old for row in hunk.rows) else hunk.old_start
        new.extend(old[at:start])
        before = [row.text for row in hunk.rows if row.sign != "+"]
        at = start + len(before)
        if old[start:at] != before:
            return None
        new.extend(row.text for row in hunk.rows if row.sign != "-")
    return [*new, *old[at:]]


def main(arguments: Sequence[str]) -> int:
    """Print the figures; with `--check`, 1 when they are not as good as they should be."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("mbox", nargs="+", type=Path)
    options.add_argument("--tree", type=Path, help="a kernel tree, for the comparison")
    options.add_argument("--check", action="store_true", help="fail below 99.9 % and 99 %")
    given = options.parse_args(arguments)
    mails = [files for path in given.mbox for files in patches(path)]
    good = True
    for side in Side:
        quality = measure(mails, side)
        good = good and quality.outside_errors >= 99.9 and quality.in_good_function >= 99
        print(f"{side.value}: {quality.patches} patches, {quality.added} changed lines of C")
        print(f"  outside parse errors          {quality.outside_errors:.3f} %")
        print(f"  function code without error   {quality.in_good_function:.2f} %")
        print(
            f"  not read (macros and such)    {100 * quality.unread / max(1, quality.added):.2f} %"
        )
        print(f"  CPU a patch                   {quality.milliseconds:.2f} ms")
    if given.tree is not None:
        _print_comparison("patches of the mails", compare(mails, given.tree))
        _print_comparison("hunks cut from the tree", sample(given.tree, 600))
    return 1 if given.check and not good else 0


def _print_comparison(of: str, count: Counter[str]) -> None:
    lines = max(1, count["lines"])
    print(f"{of} against whole files: {count['files']} files, {lines} added lines in functions")
    for what in (
        "name",
        "in one only",
        "statement",
        "structure",
        "false ancestor",
        "missed ancestor",
        "looks unconditional",
        "looks conditional",
    ):
        print(f"  {what:22} {count[what]:5} {100 * count[what] / lines:.2f} %")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
