"""Lines as they are compared: by what is written in them, without white space."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

# Soft hyphens, zero-width characters and direction marks.
_INVISIBLE = dict.fromkeys((0xAD, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF))
_WEAK = re.compile(
    r"[+-]?(?:\w{0,3}|[\W_]{0,200}|[{}]{0,2}(?:else|do)[{}]{0,2}|(?:break|return|continue)?;)"
)
_SIGNS = ("+", "-")


class How(IntEnum):
    """How a line found its place, the surest first."""

    EXACT = 0  # in the chain
    FILLED = 1  # equal, between lines of the chain
    WRAPPED = 2  # the first piece of a line that a mailer broke
    TAIL = 3  # a further piece of it
    UNSIGNED = 4  # without the diff's sign
    CUT = 5  # only a part of the line is left
    FUZZY = 6  # nearly the same
    MOVED = 7  # out of order
    GUESS = 8  # other places would fit as well


class Place(NamedTuple):
    """Where a line stands in the document."""

    at: int
    how: How


class Quoted(NamedTuple):
    """A line that looks for its place."""

    key: str
    opens: bool = True  # False: it can only be the rest of the line above it


@dataclass(frozen=True, slots=True)
class Index:
    """A document, made ready to be aligned with any number of texts."""

    keys: tuple[str, ...]
    places: dict[str, list[int]]  # ascending; blank lines have none
    unsigned: dict[str, list[int]]  # the same for keys without their signs
    ordered: tuple[str, ...]  # the different keys, sorted


def key(line: str) -> str:
    """The line without any white space, visible or not: mailers and people change it freely."""
    if not line.isascii():
        line = line.translate(_INVISIBLE)
    return "".join(line.split())


def unsigned(key: str) -> str:
    """A key without the sign of its diff row."""
    return key[1:] if key.startswith(_SIGNS) else key


def is_weak(key: str) -> bool:
    """Whether the line stands in any code: a brace, `else`, `break;`, or next to nothing."""
    return len(key) < 4 or _WEAK.fullmatch(key) is not None


def index(keys: Iterable[str]) -> Index:
    """The document whose lines have these keys."""
    lines = tuple(keys)
    places: dict[str, list[int]] = {}
    without: dict[str, list[int]] = {}
    for at, each in enumerate(lines):
        if each:
            places.setdefault(each, []).append(at)
            without.setdefault(unsigned(each), []).append(at)
    return Index(lines, places, without, tuple(sorted(places)))
