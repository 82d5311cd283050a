"""What a rule is: a constant that names a bad pattern, and a function that finds it.

A Python rule is a module with a docstring (why it is wrong, how to fix it, when it is fine), a
generator `check(source)` and `rule = Rule(...)`. A declarative rule is a TOML file that
`reviewer.declarative` turns into the same value. No base class, no registry, no state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reviewer.model import Confidence, Finding, Severity

if TYPE_CHECKING:
    from reviewer.c.source import Source

Check = Callable[["Source"], Iterable[Finding]]
"""Reads one side of one file, which it must not change, and yields what it finds.

It runs on the text before and after the patch; the engine tells what the patch introduced. A rule
that `compares` runs on the text after it alone.
"""


class Need(StrEnum):
    """The least that a rule must see to say anything."""

    HUNK = "hunk"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `id` and `explanation` are filled in by the loader.

    A rule that `compares` reads `Source.before` too. It runs on the new side alone, where one of
    its triggers occurs on either side, so that all it says is introduced by the patch.
    """

    title: str  # names the bad pattern, at most 60 characters
    severity: Severity
    confidence: Confidence  # of its findings, unless a finding says otherwise
    since: str  # the release that brought it
    check: Check
    triggers: frozenset[str] = (
        frozenset()
    )  # runs only where one of these words occurs; empty: always
    needs: Need = Need.HUNK
    compares: bool = False  # the new side with the old one
    links: tuple[str, ...] = ()  # kernel documents that it comes from
    explanation: str = ""  # the docstring of the module, or the key of the TOML file
    id: str = ""  # from the path: rules/rcu/plain_read.py is rcu/plain-read

    @property
    def family(self) -> str:
        """The part of the id before the slash."""
        return self.id.partition("/")[0]
