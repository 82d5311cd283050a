"""The keys of git config that we read: what each may be, and what it is without being set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from reviewer.model import Confidence, Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    Value = str | bool | float | Path | Severity | Confidence

FORMATS = ("terminal", "json", "mail", "html", "sarif", "gcc", "b4", "b4-lines", "b4-agent")
COMMENTS = ("all", "open", "none")
COLORS = ("auto", "always", "never")
HOOK_BLOCKS = ("error", "warning", "never")
LONGEST_HOOK = 600
"""Seconds; the most that `reviewer.hookTimeout` may ask for."""

_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0", "")


@dataclass(frozen=True, slots=True)
class Key:
    """One key of `reviewer.*`. `read` raises ValueError for a value that it may not have."""

    name: str  # as it is documented; git ignores the case
    read: Callable[[str], Value]
    wanted: str
    default: str  # in words; "" for none
    what: str
    many: bool = False  # every value counts, not the last alone
    code: bool = False  # names code to run, so no repository may set it


def _word(words: tuple[str, ...], text: str) -> str:
    if text.lower() not in words:
        raise ValueError
    return text.lower()


def _flag(text: str) -> bool:
    return _word((*_TRUE, *_FALSE), text) in _TRUE


def _severity(text: str) -> Severity:
    return Severity[_word(tuple(each.name.lower() for each in Severity), text).upper()]


def _confidence(text: str) -> Confidence:
    return Confidence[_word(tuple(each.name.lower() for each in Confidence), text).upper()]


def _path(text: str) -> Path:
    """An absolute path: a relative one would mean another place in each directory."""
    try:
        path = Path(text).expanduser()
    except RuntimeError as error:  # there is no such home
        raise ValueError from error
    if not path.is_absolute() or "\0" in text:
        raise ValueError
    return path


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError
    return text


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= LONGEST_HOOK:
        raise ValueError
    return seconds


def _one_of(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _choice(name: str, words: tuple[str, ...], default: str, what: str) -> Key:
    return Key(name, partial(_word, words), _one_of(words), default, what)


_FLAG = "true or false"
_PLACE = "an absolute path, or one from ~ on"
_GLOB = "the id of a rule, a family, or a glob"

KEYS = (
    Key("minSeverity", _severity, "note, warning or error", "note", "the least severe to show"),
    Key(
        *("minConfidence", _confidence, "hunch, likely or certain", "likely"),
        what="the least sure to show",
    ),
    Key("all", _flag, _FLAG, "false", "also hunches, and what was wrong before the patch"),
    Key("rule", _text, _GLOB, "", "only these rules", many=True),
    Key("skipRule", _text, _GLOB, "", "all but these rules", many=True),
    Key("tree", _path, _PLACE, "", "the git repository that has the files"),
    Key("revisions", _flag, _FLAG, "true", "also older and newer revisions of the series"),
    _choice("comments", COMMENTS, "all", "what people said in the thread"),
    _choice("format", FORMATS, "terminal", "the form of the report"),
    _choice("color", COLORS, "auto", "colours at a terminal"),
    Key(
        *("rules", _path, _PLACE, "", "a directory with rules of your own"),
        many=True,
        code=True,
    ),
    Key(
        *("facts", _path, _PLACE, "", "the tables of your own kernel tree"),
        code=True,
    ),
    _choice("hookBlock", HOOK_BLOCKS, "error", "from which severity on the hook refuses a mail"),
    Key(
        *("hookTimeout", _seconds, f"seconds, at most {LONGEST_HOOK}", "20"),
        what="after that the hook lets a series go unchecked",
    ),
)
"""All of them but `reviewer.rule.*`, in the order of the documentation."""

SEVERITIES = tuple(each.name.lower() for each in Severity)
CONFIDENCES = tuple(each.name.lower() for each in Confidence)
_STATES = ("on", "off")
RULE_WANTED = {
    "severity": _one_of(SEVERITIES),
    "confidence": _one_of(CONFIDENCES),
    "enabled": _FLAG,
}
"""What `reviewer.rule.ID.NAME` may be, by NAME."""

FAMILY_WANTED = ", ".join((*_STATES, *SEVERITIES, *CONFIDENCES))
"""The words that `reviewer.rule.FAMILY` is made of."""


def rule_words(name: str, value: str) -> str:
    """What the value of `reviewer.rule.ID.NAME` says: `on`, `off`, a severity or a confidence.

    ValueError when it is none of `RULE_WANTED`.
    """
    if name == "enabled":
        return "on" if _flag(value) else "off"
    return _word(SEVERITIES if name == "severity" else CONFIDENCES, value)


def family_words(value: str) -> str:
    """The words of `reviewer.rule.FAMILY`; ValueError when one is not known, or there is none."""
    words = value.replace(",", " ").split()
    if not words:
        raise ValueError
    return " ".join(_word((*_STATES, *SEVERITIES, *CONFIDENCES), word) for word in words)
