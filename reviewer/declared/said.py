"""What a declarative rule says: its evidence, and what the variables of its message stand for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reviewer.model import Evidence

VARIABLE = re.compile(r"\$([A-Z_][A-Z0-9_]*)")
"""A metavariable in a message."""

NAMELESS = "this function"
"""What a function is called whose name the mail hides."""

_LONGEST_NAME = 80  # characters of one expression in a message
_LONGEST_MESSAGE = 400


@dataclass(frozen=True, slots=True)
class Said:
    """Evidence, and what variables of the message stand for."""

    evidence: tuple[Evidence, ...] = ()
    texts: dict[str, str] = field(default_factory=dict)

    def __add__(self, other: Said) -> Said:
        return Said(self.evidence + other.evidence, self.texts | other.texts)


def substituted(template: str, texts: Mapping[str, str]) -> str:
    """One line of at most `_LONGEST_MESSAGE` printable characters."""
    full = VARIABLE.sub(lambda match: _shortened(texts[match[1]], _LONGEST_NAME), template)
    full = full.replace(f"{NAMELESS}()", NAMELESS)
    printable = "".join(c if c.isprintable() else " " for c in full)
    return _shortened(" ".join(printable.split()), _LONGEST_MESSAGE)


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."
