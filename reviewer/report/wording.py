"""A finding in the words of a reply: a question, the code that makes it true, one suggestion.

The tone is that of the lists: concrete names, no line numbers, nothing about the author.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.model import Severity, Side, Status
from reviewer.report.plain import plain

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from reviewer.model import Evidence
    from reviewer.review import Annotation

WIDTH = 72
"""Columns of what we write. Code is as long as it is."""

_MOST_EVIDENCE = 3
_LONGEST_TEXT = 2000
_LONGEST_CODE = 200
_GOES_ON = (",", "(", "=", "&&", "||", "?")  # the rest of the statement is in the next line

# The question before the statement, by rule or by family; it has to fit every message there.
_QUESTIONS = {
    "atomic": "Can this sleep here?",
    "err": "Is the error handled right here?",
    "life/removal-in-walk": "Is it safe to remove entries during this walk?",
    "lockless": "Can this race?",
    "locking": "Is the locking right here?",
    "locking/missing-unlock": "Is everything released on this path?",
    "locking/unlocked-list-walk": "What protects this walk?",
    "locking/unlocked-walk": "What protects this walk?",
    "rcu": "Is this safe under RCU?",
    "rcu/sleep-in-reader": "Can this sleep here?",
}
_OTHER_QUESTIONS = {
    Severity.ERROR: "Is this right?",
    Severity.WARNING: "Is this intended?",
}
_NO_BUG = "Not a bug, but"
_OLD_BUG = "This isn't introduced by this patch, but"

# Words that are no names in C, so that their case may change.
_ENGLISH = re.compile(
    r"(?:a|an|and|another|any|every|it|its|no|nobody|nothing|one|only|some|that|the|there|these"
    r"|they|this|use|when|with|without)\b(?![\w(.\[>=-])",
    re.IGNORECASE,
)
_PARTICIPLE = re.compile(r"(?:[a-z]+ed|held|set|taken) ")
_CAPITALISED = re.compile(r"[A-Z][a-z]+ ")
# What a mail program takes for a quote, a signature or the start of the next mail in a mailbox.
_NOT_AT_START = re.compile(r"[>|]|From$|--")


def remark(annotation: Annotation, visible: Container[tuple[Side, int]] = ()) -> list[str]:
    """The lines of the remark: paragraphs with an empty line between, none at the ends.

    `visible` are lines of the same file that are quoted right above: evidence there needs no words.
    """
    finding = annotation.finding
    path = finding.span.path
    paragraphs = [wrapped(_statement(annotation))]
    unseen = [
        each
        for each in finding.evidence
        if each.span.path != path or (each.span.side, each.span.line) not in visible
    ]
    for evidence in unseen[:_MOST_EVIDENCE]:
        paragraphs += _evidence(evidence, path)
    if finding.fix:
        paragraphs.append(wrapped(f"Maybe {_inner(finding.fix.title)}?"))
    lines = [line for paragraph in paragraphs for line in (*paragraph, "")]
    return lines[:-1]


def _statement(annotation: Annotation) -> str:
    """A question that does not assume the answer, and what it is asked for."""
    message = annotation.finding.message
    asks = message.rstrip().endswith("?")
    end = "?" if asks else "."
    if annotation.status is Status.PREEXISTING:
        return f"{_OLD_BUG} {_inner(message)}{end}"
    if annotation.severity is Severity.NOTE:
        return f"{_NO_BUG} {_inner(message)}{end}"
    question = "" if asks else f"{question_for(annotation.rule, annotation.severity)} "
    return f"{question}{_sentence(message)}{end}"


def question_for(rule: str, severity: Severity) -> str:
    """The question that opens a remark of this rule."""
    family = rule.partition("/")[0]
    other = _OTHER_QUESTIONS.get(severity, _OTHER_QUESTIONS[Severity.WARNING])
    return _QUESTIONS.get(rule) or _QUESTIONS.get(family) or other


def _evidence(evidence: Evidence, path: str) -> Iterator[list[str]]:
    """What it shows, and the code; the file is named when it is another one."""
    span = evidence.span
    before = ", before the patch" if span.side is Side.OLD else ""
    yield wrapped(f"{_note(evidence.note)}{before}:")
    yield quoted_code(span.code, span.path if span.path != path else None)


def _note(note: str) -> str:
    note = note.removeprefix("and ")
    return f"It is {_trimmed(note)}" if _PARTICIPLE.match(note) else _sentence(note)


def quoted_code(code: str, path: str | None = None) -> list[str]:
    """Code as a remark shows it, indented by two, below the name of its file."""
    shown = plain(code).strip()
    if len(shown) > _LONGEST_CODE or shown.endswith(_GOES_ON):
        shown = f"{shown[:_LONGEST_CODE]} ..."
    return [f"  {plain(path)}:", f"    {shown}"] if path else [f"  {shown}"]


def _sentence(text: str) -> str:
    """A statement that begins a sentence. A name in C keeps its case."""
    text = _trimmed(text)
    return text[:1].upper() + text[1:] if _ENGLISH.match(text) else text


def _inner(text: str) -> str:
    """A statement that stands inside of a sentence."""
    text = _trimmed(text)
    lowers = _CAPITALISED.match(text) or _ENGLISH.match(text)
    return text[:1].lower() + text[1:] if lowers else text


def _trimmed(text: str) -> str:
    text = " ".join(text[:_LONGEST_TEXT].split())
    return plain(text).rstrip(".?!:; ")


def wrapped(text: str, width: int = WIDTH) -> list[str]:
    """The words in lines of at most `width` columns, unless one word is longer.

    No line begins like a quote or a signature.
    """
    lines: list[str] = []
    for chunk in _chunks(text):
        if lines and len(lines[-1]) + 1 + len(chunk) <= width:
            lines[-1] += f" {chunk}"
        else:
            lines.append(chunk)
    return lines


def _chunks(text: str) -> Iterator[str]:
    """The words, each with those behind it that may not begin a line."""
    words: list[str] = []
    for word in text.split():
        if words and not _NOT_AT_START.match(word):
            yield " ".join(words)
            words = []
        words.append(word)
    if words:
        yield " ".join(words)
