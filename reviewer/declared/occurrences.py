"""Where else in a function patterns match, with the variables that a match has bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reviewer.c.function import Function
    from reviewer.c.pattern import Match, Pattern


def occurrences(patterns: Iterable[Pattern], function: Function) -> tuple[Match, ...]:
    """Every place where one of the patterns matches, whatever its variables stand for."""
    text = function.unit.text
    return tuple(
        match
        for pattern in patterns
        if all(word in text for word in pattern.words)
        for match in pattern.match(function)
    )


def agreeing(found: Iterable[Match], match: Match) -> Iterator[Match]:
    """Those that are another place than the match, where its variables are the same texts."""
    return (other for other in found if agrees(other, match))


def agrees(other: Match, match: Match) -> bool:
    """Whether it is another place, where the variables of the match are the same texts."""
    if other.node.id == match.node.id:
        return False
    bound = match.bindings
    return all(
        name not in bound or bound[name].text == each.text for name, each in other.bindings.items()
    )
