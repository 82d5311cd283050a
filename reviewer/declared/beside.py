"""What a declarative rule may ask of the rest of the function: its table `beside`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from reviewer.declared.occurrences import agrees, occurrences
from reviewer.declared.reading import called, read_patterns
from reviewer.declared.said import Said, substituted
from reviewer.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reviewer.c.function import Function
    from reviewer.c.pattern import Match, Pattern
    from reviewer.declared.keys import Table

_KEYS = ("match", "note", "before")


@dataclass(frozen=True, slots=True)
class Beside:
    """The table, checked. `before`: only what stands in front of the match counts."""

    patterns: tuple[Pattern, ...]
    note: str
    before: bool = False

    @property
    def binds(self) -> frozenset[str]:
        """The variables that it gives to the message."""
        names = frozenset.intersection(*(pattern.variables for pattern in self.patterns))
        return names | ({"BESIDE"} if all(map(called, self.patterns)) else frozenset())

    @property
    def words(self) -> tuple[str | None, ...]:
        """A word of each pattern, one of which a function must have for the rule to speak."""
        return tuple(pattern.trigger for pattern in self.patterns)


class Candidate(NamedTuple):
    """A place that one of the patterns matches, and the name of the function called there."""

    match: Match
    name: str


def read_beside(table: Table) -> Beside:
    """Read the table."""
    table.only(_KEYS)
    before = table.true("before") if "before" in table else False
    return Beside(read_patterns(table, "match"), table.text("note"), before)


def candidates(beside: Beside, function: Function) -> tuple[Candidate, ...]:
    """What the patterns match anywhere in the function, in the order of the text."""
    text = function.unit.text
    found = [
        Candidate(match, called(pattern) or "")
        for pattern in beside.patterns
        if pattern.trigger is None or pattern.trigger in text
        for match in occurrences((pattern,), function)
    ]
    return tuple(sorted(found, key=lambda each: each.match.node.start_byte))


def of_beside(
    beside: Beside, match: Match, found: Sequence[Candidate], texts: dict[str, str]
) -> Said | None:
    """The first of the candidates that speaks of the same things as the match; None: there is none.

    `texts` is what the variables of the note stand for.
    """
    for other, called_name in found:
        late = beside.before and other.node.end_byte > match.node.start_byte
        if late or not agrees(other, match):
            continue
        bound = {name: each.text for name, each in other.bindings.items()}
        bound["BESIDE"] = f"{called_name}()"
        note = substituted(beside.note, texts | bound)
        return Said((Evidence(other.span, note),), bound)
    return None
