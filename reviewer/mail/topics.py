"""What a remark is about, in the families of the rules."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from reviewer.mail import topic_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_TOPICS = 3
"""Topics that are kept of one remark."""

_READ = 4000  # characters; a longer remark is about many things
_MOST_HITS = 3  # a word that is said ten times is no better reason
_WEAK = 0.34  # three different ones make a topic
_CONFIRMED = 0.5  # by the code, what two weak words hint at
_HINTED = 0.6
_ENOUGH = 1.0
_LONGEST_TERM = 3  # words
_LONGEST_WORD = 60

_WORD = re.compile(r"[a-z_][a-z0-9_]*(?:'t\b)?|(?:32|64|1)\b")
_FIXES = re.compile(r"^\s*fixes: |fixes: ?(?:tag|[0-9a-f]{8})|\"fixes:\"", re.MULTILINE)
_ENDINGS = ("s", "es", "ed", "d", "ing", "ly", "er")

_Terms = dict[str, tuple[str, ...]]


def _terms(listed: Mapping[str, str]) -> _Terms:
    """From terms to the families that they speak of."""
    found: _Terms = {}
    for family, terms in listed.items():
        for term in terms.split():
            found[term] = (*found.get(term, ()), family)
    return found


_STRONG_TERMS = _terms(topic_words.STRONG)
_WEAK_TERMS = _terms(topic_words.WEAK)
_NO_TERMS = frozenset(topic_words.NONE.split())
_HAZARDS = frozenset(topic_words.HAZARD.split())


def topics_of(text: str, code: str) -> tuple[str, ...]:
    """The families of rules that a remark on `code` belongs to, the likeliest first.

    At most three, often none. The code confirms what the words hint at; it makes no topic of its
    own, except what a warning of some danger must be about.
    """
    lowered = _FIXES.sub("fixes-tag ", text[:_READ].lower())
    strong, weak, said = _counted(lowered)
    scores = {
        family: min(strong[family], _MOST_HITS) + _WEAK * min(weak[family], _MOST_HITS)
        for family in topic_words.STRONG
    }
    hazard = not said.isdisjoint(_HAZARDS)
    shown, _, _ = _counted(code[:_READ].lower())
    for family, score in scores.items():
        if shown[family] and hazard and family in topic_words.READ_FROM_CODE:
            scores[family] = max(score + _CONFIRMED, _ENOUGH)
        elif shown[family] and score >= _HINTED:
            scores[family] += _CONFIRMED
    ranked = sorted(scores, key=lambda family: -scores[family])
    return tuple(family for family in ranked if scores[family] >= _ENOUGH)[:MOST_TOPICS]


def _counted(text: str) -> tuple[Counter[str], Counter[str], set[str]]:
    """How many strong terms speak of each family, how many different weak ones, and all terms."""
    strong: Counter[str] = Counter()
    weak: Counter[str] = Counter()
    said: set[str] = set()
    for term in _said(text):
        strong.update(_STRONG_TERMS.get(term, ()))
        if term not in said:
            weak.update(_WEAK_TERMS.get(term, ()))
        said.add(term)
    return strong, weak, said


def _said(text: str) -> Iterator[str]:
    """The known terms of a text; of overlapping ones the longest."""
    words = _WORD.findall(text)
    at = 0
    while at < len(words):
        for size in range(min(_LONGEST_TERM, len(words) - at), 0, -1):
            terms = _known(words[at : at + size])
            if terms:
                yield from terms
                break
        at += size


def _known(words: list[str]) -> list[str]:
    """The forms of a phrase that are terms."""
    phrase = "-".join(words)
    forms = _globs(phrase) if "_" in phrase and len(words) == 1 else _stems(phrase)
    found = [form for form in forms if form in _STRONG_TERMS or form in _WEAK_TERMS]
    if not found and (phrase in _NO_TERMS or phrase in _HAZARDS):
        return [phrase]
    return found


def _stems(phrase: str) -> Iterator[str]:
    """The phrase; when it is no term, what is left of it without an ending."""
    yield phrase
    if phrase in _STRONG_TERMS or phrase in _WEAK_TERMS:
        return
    for ending in _ENDINGS:
        if phrase.endswith(ending):
            yield phrase.removesuffix(ending)


def _globs(name: str) -> Iterator[str]:
    """An identifier, its beginnings and its ends at each underscore."""
    yield name
    name = name[:_LONGEST_WORD]
    for at, letter in enumerate(name):
        if letter == "_" and 0 < at < len(name) - 1:
            yield name[: at + 1] + "*"
            yield "*" + name[at:]
