"""How well comments are placed: `python tests/bench_comments.py [CASES.jsonl MAIL.mbox[.gz]]`.

Each case names a patch, a reply to it, a file and the code that a reader found the reply to be
about. Printed is for how many the range of a comment of that reply holds the code, for how many
the line that it is shown at is within three lines, how many b4's own mapper places, and the CPU
time. With `--threads DIR` also the time that the largest thread there takes as a whole.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from reviewer.diff.patch import FileDiff, parse
from reviewer.mail import mbox
from reviewer.mail.message import read
from reviewer.mail.quote import review_comments
from reviewer.mail.thread import Thread, group
from reviewer.model import Side

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reviewer.mail.comment import ReviewComment

NEAR = 3
SHARED = Path(__file__).parents[2] / "shared"
Files = dict[str, tuple[FileDiff, ...]]


class Case(TypedDict, total=False):
    """What of a line of the cases is read."""

    patch_msgid: str
    comment_msgid: str
    file: str
    quoted: str
    lines: list[str]  # digests, instead of `quoted`


@dataclass(frozen=True)
class Placing:
    """One case: where its code is in the patch (new and old lines), and what was found of it."""

    case: Case
    new: frozenset[int]
    old: frozenset[int]
    held: bool = False
    near: bool = False
    exact: bool = False


@dataclass(frozen=True)
class Figures:
    """All cases whose code is in their patch, and the time that all comments took."""

    placings: tuple[Placing, ...]
    replies: int
    seconds: float

    def count(self, what: str) -> int:
        """For how many cases that is so."""
        return sum(bool(getattr(placing, what)) for placing in self.placings)


def load(path: Path) -> bytes:
    """The bytes of an mbox, unpacked."""
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def thread_of(data: bytes) -> tuple[Thread, Files]:
    """The mails of an mbox, and the files of its patches by message-id."""
    thread = group([read(raw) for raw in mbox.split(data)])
    files: Files = {}
    for revision in thread.revisions:
        for patch in revision.patches:
            parsed = parse(patch.diff, patch.message_id, patch.diff_line, patch.flowed).files
            files[patch.message_id] = files.get(patch.message_id, ()) + parsed
    return thread, files


def measure(cases: Iterable[Case], data: bytes) -> Figures:
    """Place the comments of all mails and compare them with the cases."""
    thread, files = thread_of(data)
    began = time.process_time()
    comments = review_comments(thread, files)
    seconds = time.process_time() - began
    by_mail: dict[str, list[ReviewComment]] = {}
    for comment in comments:
        by_mail.setdefault(comment.message_id, []).append(comment)
    wanted = [placing for case in cases if (placing := _wanted(case, files))]
    placings = [_judged(each, by_mail.get(each.case["comment_msgid"], [])) for each in wanted]
    return Figures(tuple(placings), len(by_mail), seconds)


def _wanted(case: Case, files: Mapping[str, Sequence[FileDiff]]) -> Placing | None:
    digests = _digests(case)
    rows = [
        row
        for file in files.get(case["patch_msgid"], ())
        if file.path == case["file"]
        for hunk in file.hunks
        for row in hunk.rows
        if row.text.strip() and digest(row.text) in digests
    ]
    new = frozenset(row.new for row in rows if row.new is not None)
    old = frozenset(row.old for row in rows if row.old is not None)
    return Placing(case, new, old) if rows else None


def _digests(case: Case) -> set[str]:
    if "lines" in case:
        return set(case["lines"])
    lines = [line[1:] if line[:1] in "+- " else line for line in case["quoted"].split("\n")]
    return {digest(line) for line in lines if line.strip()}


def digest(text: str) -> str:
    """What stands for a line of code in the cases."""
    return hashlib.sha1("".join(text.split()).encode(), usedforsecurity=False).hexdigest()[:16]


def _judged(wanted: Placing, comments: Sequence[ReviewComment]) -> Placing:
    """The case with what its reply's comments say."""
    path = wanted.case["file"]
    anchors = [comment.anchor for comment in comments if comment.anchor.path == path]
    held = any(
        anchor.holds(path, line, side)
        for anchor in anchors
        for side, lines in ((Side.NEW, wanted.new), (Side.OLD, wanted.old))
        for line in lines
    )
    gaps = [
        abs(anchor.line - line)
        for anchor in anchors
        if anchor.line is not None
        for line in (wanted.new if anchor.side is Side.NEW else wanted.old)
    ]
    gap = min(gaps, default=NEAR + 1)
    return Placing(wanted.case, wanted.new, wanted.old, held, gap <= NEAR, gap == 0)


def by_b4(placings: Sequence[Placing], data: bytes) -> tuple[int, int] | None:
    """How many cases b4's mapper puts on the line, and within three lines; None without b4."""
    try:
        from b4.mbox import minimize_thread
        from b4.review import _review
        from liblore.utils import split_mbox
    except ImportError:
        return None
    raw = {read(each).message_id: each for each in mbox.split(data)}
    messages = minimize_thread(split_mbox(data))
    bodies: dict[str, str] = {}
    for message in messages:
        payload = message.get_payload(decode=True)
        text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else str(payload)
        bodies[str(message["Message-ID"]).strip("<> ")] = text
    exact = near = 0
    for placing in placings:
        body = bodies.get(placing.case["comment_msgid"], "")
        patch = raw.get(placing.case["patch_msgid"])
        if patch is None or ("> diff --git " not in body and "> @@ " not in body):
            continue
        found = _review._extract_comments_from_quoted_reply(body)
        _review._resolve_comment_positions(read(patch).body, found)
        gap = min((_gap(placing, each["path"], each["line"]) for each in found), default=NEAR + 1)
        exact, near = exact + (gap == 0), near + (gap <= NEAR)
    return exact, near


def _gap(placing: Placing, path: str, line: int) -> int:
    if path.removeprefix("b/").removeprefix("a/") != placing.case["file"]:
        return NEAR + 1
    lines = placing.old if path.startswith("a/") else placing.new
    return min((abs(line - each) for each in lines), default=NEAR + 1)


def largest(directory: Path) -> tuple[str, int, float]:
    """The largest thread of a directory: its name, its comments and the CPU seconds in all."""
    path = max(directory.glob("*.mbox"), key=lambda each: each.stat().st_size)
    began = time.process_time()
    thread, files = thread_of(load(path))
    comments = review_comments(thread, files)
    return path.name, len(comments), time.process_time() - began


def missed(figures: Figures) -> list[Placing]:
    """The cases whose code no comment's range holds."""
    return [placing for placing in figures.placings if not placing.held]


def cases_of(path: Path) -> list[Case]:
    """One case a line."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="?", type=Path, default=SHARED / "cases/cases.jsonl")
    parser.add_argument("mail", nargs="?", type=Path, default=SHARED / "cases/mail.mbox.gz")
    parser.add_argument("--threads", type=Path, default=SHARED / "threads/real")
    parser.add_argument("--missed", action="store_true", help="list the cases not held")
    options = parser.parse_args()
    data = load(options.mail)
    figures = measure(cases_of(options.cases), data)
    total = len(figures.placings)
    for what, text in (("held", "in the range"), ("near", "within three lines"),
                       ("exact", "on the line")):  # fmt: skip
        print(f"{text:20} {figures.count(what)} of {total} ({figures.count(what) / total:.1%})")
    b4 = by_b4(figures.placings, data)
    print("b4 is not here" if b4 is None else f"b4: on the line {b4[0]}, within three {b4[1]}")
    print(f"{1000 * figures.seconds / figures.replies:.1f} ms of CPU a reply")
    for placing in missed(figures) if options.missed else ():
        print("not held:", placing.case)
    if options.threads.is_dir():
        name, comments, seconds = largest(options.threads)
        print(f"{name}: {comments} comments, {seconds:.2f} s of CPU, reading included")


if __name__ == "__main__":
    main()
