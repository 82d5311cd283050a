"""Where a diff stands in the text of a mail, and what is said above it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from textwrap import dedent

# A line that may begin a diff. Quoted (`> diff --git`) and indented ones do not.
_CANDIDATE = re.compile(r"^(?:diff -[-\w]|Index: \S|--- \S)", re.MULTILINE)
# What must follow: the mailer may have wrapped the long lines of a diff's head.
_HEAD_LINE = (
    r"(?:index [0-9a-f]{4,}[.,]|--- \S|(?:old|new|new file|deleted file) mode \d"
    r"|(?:dis)?similarity index|rename from|copy from|GIT binary patch|Binary files )"
)
_AFTER_DIFF = re.compile(r".*\n(?:.*\n){0,3}?" + _HEAD_LINE)
_AFTER_INDEX = re.compile(r".*\n(?:={20,}\n|.*\n)?(?:--- \S|diff -)")
_AFTER_OLD = re.compile(r".*\n(?:.*\n)??\+\+\+ ?\S.*\n(?:.*\n){0,2}?@@ -\d")
_SIGNATURE = re.compile(r"^--(?: $|(?=\n\d{1,3}\.\d[^\n]{0,40}(?:\n\n|\n?\Z)))", re.MULTILINE)

_SCISSORS = re.compile(
    r"^[- \t]*(?:8<|>8|%<|>%|\u2702)[- \t]*-.*$|^-[- \t]*(?:8<|>8|%<|>%)[- \t]*$", re.MULTILINE
)
_SEPARATOR = re.compile(r"^---[ \t]*$", re.MULTILINE)
_BODY_HEADER = re.compile(
    r"\n*(?:From [0-9a-f]{40,64} Mon Sep 17 .*\n)?"
    r"((?:(?:From|Subject|Date|Cc|To): .*\n(?:[ \t]+\S.*\n)*){1,40})(?:[ \t]*\n|\Z)"
)
# What git show prints, up to the title, which is the subject already.
_SHOWN = re.compile(r"commit [0-9a-f]{40,64}\b.*\n(?:[A-Z][A-Za-z]*:.*\n){1,9}\n {4}.*\n")
_BODY_FIELD = re.compile(r"^(From|Subject): (.*(?:\n[ \t]+\S.*)*)", re.MULTILINE)
_QUOTED_LINE = re.compile(r"^>.*$", re.MULTILINE)
# Programs that quote without marks put the whole patch below one of these.
_WHOLE_MAIL_BELOW = re.compile(
    r"^(?:-{3,} ?(?:Original|Forwarded|Urspr|Weitergeleitet|Mensaje|Messaggio)"
    r"|Begin forwarded message|From: .*\n(?:Sent|Gesendet|Enviado): )",
    re.MULTILINE | re.IGNORECASE,
)
_INTERDIFF = re.compile(r"^(?:Interdiff|Range-diff|Diff(?:erence)?)\b.{0,60}:[ \t]*$", re.MULTILINE)
_CHANGED = re.compile(r"^[+-].*", re.MULTILINE)
_NEW_FILE = re.compile(r"^\+\+\+ (\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Embedded:
    """A diff and its place in a text."""

    diff: str  # from its first line to the signature, or to the end of the text
    line: int  # of its first line, from 1
    above: str  # the text before it


@dataclass(frozen=True, slots=True)
class Preamble:
    """What stands above a diff: the commit message, and the headers that belong to it."""

    text: str
    author: str | None = None  # of an in-body "From:" line, as written
    subject: str | None = None  # of an in-body "Subject:" line


def find(text: str) -> Embedded | None:
    """The first diff that stands in a text by itself: not quoted, not indented, a file named."""
    for candidate in _CANDIDATE.finditer(text):
        start = candidate.start()
        if _follows(text, start):
            end = _end(text, start)
            return Embedded(text[start:end], text.count("\n", 0, start) + 1, text[:start])
    return None


def _follows(text: str, start: int) -> bool:
    if text.startswith("---", start):
        return _AFTER_OLD.match(text, start) is not None
    if text.startswith("Index", start):
        return _AFTER_INDEX.match(text, start) is not None
    return _AFTER_DIFF.match(text, start) is not None


def _end(text: str, start: int) -> int:
    """Where the signature begins that follows the last hunk, else the end of the text.

    A row that removes the line "- " looks like a signature, but other rows follow it.
    """
    last = max(text.rfind(mark, start) for mark in ("\n@@ -", "\ndiff --git ", "\n+++ "))
    for signature in _SIGNATURE.finditer(text, max(last, start)):
        after = text[signature.end() + 1 : signature.end() + 2]
        if after not in (" ", "+", "-", "\\", "\t"):
            return signature.start()
    return len(text)


def preamble(above: str, *, reply: bool = False) -> Preamble:
    """The commit message in the text above a diff, as git would cut it.

    It begins below the last scissors line, loses the headers at its top, and ends at `---`.
    In a reply without scissors it is only what was written below the last quoted line.
    """
    start = max((match.end() for match in _SCISSORS.finditer(above)), default=0)
    if reply and not start:
        start = max((match.end() for match in _QUOTED_LINE.finditer(above)), default=0)
    text = above[start:].lstrip("\n")
    if shown := _SHOWN.match(text):
        return Preamble(dedent(text[shown.end() :]).strip())
    author = subject = None
    if head := _BODY_HEADER.match(text):
        named = {name: " ".join(value.split()) for name, value in _BODY_FIELD.findall(head[1])}
        author, subject = named.get("From"), named.get("Subject")
        text = text[head.end() :]
    separator = _SEPARATOR.search(text)
    return Preamble(text[: separator.start() if separator else len(text)].strip(), author, subject)


def quotes_whole_mail(above: str) -> bool:
    """Whether the diff below belongs to another mail that was quoted without marks."""
    scissors = max((match.end() for match in _SCISSORS.finditer(above)), default=0)
    return _WHOLE_MAIL_BELOW.search(above, scissors) is not None


def is_interdiff(above: str) -> bool:
    """Whether the diff below shows the difference to the last version, as in a cover letter."""
    return _INTERDIFF.search(above) is not None


def changes(diff: str) -> str:
    """The changed lines without white space: equal for copies of a patch that mailers re-wrote."""
    return "".join("".join(_CHANGED.findall(diff)).split())


def new_files(diff: str) -> tuple[str, ...]:
    """The paths behind `+++`, as written: two copies of one patch name the same files."""
    return tuple(_NEW_FILE.findall(diff))
