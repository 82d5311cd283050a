"""The comment above a function, and whether it says that the caller holds a lock.

The forms come from the comments of Linux 6.12 in fs, net, block, mm, kernel and drivers/usb.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Said(StrEnum):
    """What a comment says is held."""

    NOTHING = "nothing"
    RCU = "rcu"  # a reader section: others are not kept out
    LOCK = "lock"


LONGEST = 4000
"""Characters above a definition that are read."""

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*if[^\n]*\n", re.MULTILINE)
_STARS = re.compile(r"^[ \t]*[/*][/* \t]*|\*+/\s*\Z", re.MULTILINE)
_LOCK = (
    r"(?:\w*_lock\w*|(?!\w*(?:[bc]|un|dead)lock)\w*lock(?!less)\w*|\w*mutex\w*|mtx|ptl|rtnl"
    r"|(?:\w*_)?sem(?:aphore)?|s?rcu(?:_read_\w+)?)\b"
)
_HELD = re.compile(
    rf"\b(?:with|while|have|hold|holds|holding)\b[^.;]{{0,60}}?\b{_LOCK}"
    rf"|\b{_LOCK}[^.;]{{0,40}}\b(?:held|taken|acquired|locked)\b"
    r"|\bcalled with\b[^.;]{0,60}\bheld\b|\b(?:is|are|must be|should be|already) held\b"
    r"|\b(?:be|is|are|already) locked\b|\blocked by the caller\b"
    r"|\bcallers?\b[^.;]{0,40}\b(?:locked|locks?|holds?|rcu_read_\w*)\b"
    rf"|\bunder\b[^.;]{{0,40}}?\b{_LOCK}|\b(?:in|inside|within)\b[^.;]{{0,20}}\brcu\b"
    r"|\bcritical section\b|\b(?:protected|seriali[sz]ed|guarded|synchroni[sz]ed|locked) by\b"
    rf"|\b(?:requires?|expects?|assumes?)\b[^.;]{{0,40}}?\b{_LOCK}|\bcontext: \w*_lock",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(?:not|no|never|without|returns?|returned|returning|unless|drops?|releases?|takes?)\b"
    r"|n't\b",
    re.IGNORECASE,
)
_BEFORE = 40  # characters in which a denial counts
_READ_LOCK = re.compile(
    r"rcu[_ -](?:read[_ -])?(?:side[_ -])?(?:locking|locked|lock|readlock|critical section)"
    r"(?:\(\))?",
    re.IGNORECASE,
)
_OTHER = re.compile(r"lock|mutex|rtnl|sem\b|semaphore", re.IGNORECASE)
_SENTENCE = re.compile(r"[.;](?:\s|\Z)")
_MAY = re.compile(r"lock|held|hold|mutex|rcu|seriali|guarded|protected|critical", re.IGNORECASE)


def comment_above(text: str, start: int) -> str:
    """The comments that end directly above offset `start`, as words in one line; "" for none.

    An `#if` may stand between, a blank line may not.
    """
    above = text[max(0, start - LONGEST) : start]
    if "*/" not in above:
        return ""
    above = _DIRECTIVE.sub("", above)
    if above.find("/*", 0, above.find("*/")) < 0:
        above = "/*" + above  # it begins in a comment
    parts: list[str] = []
    edge = len(above)
    for found in reversed(list(_COMMENT.finditer(above))):
        between = above[found.end() : edge]
        if between.count("\n") > 1 or (parts and between.strip()):
            break
        parts.append(_STARS.sub(" ", found.group()))
        edge = found.start()
    return " ".join(" ".join(reversed(parts)).split())


def said_held(comment: str) -> Said:
    """What it says is held, or open, whenever the function is called."""
    if _MAY.search(comment) is None:
        return Said.NOTHING
    said = {_claimed(sentence) for sentence in _SENTENCE.split(comment)}
    return next((each for each in (Said.LOCK, Said.RCU) if each in said), Said.NOTHING)


def _claimed(sentence: str) -> Said:
    sentence = _READ_LOCK.sub("rcu", sentence)
    found = Said.NOTHING
    for match in _HELD.finditer(sentence):
        first = max(0, match.start() - _BEFORE)
        if _DENIED.search(sentence, first, match.end()) is None:
            words = sentence[match.start() : match.end() + _BEFORE]
            if "rcu" not in words.lower() or _OTHER.search(words):
                return Said.LOCK
            found = Said.RCU
    return found
