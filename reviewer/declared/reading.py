"""Reading patterns out of the tables of a declarative rule."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.pattern import compile_pattern
from reviewer.declared.keys import nearest
from reviewer.declared.said import VARIABLE
from reviewer.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reviewer.c.pattern import Pattern
    from reviewer.declared.keys import Table

_CALLED = re.compile(r"(\w+)\s*\(")


def read_pattern(table: Table, key: str, text: str) -> Pattern:
    """Compile a pattern; RuleError names file and key."""
    try:
        return compile_pattern(text)
    except RuleError as error:
        raise table.error(key, str(error)) from None


def read_patterns(table: Table, key: str) -> tuple[Pattern, ...]:
    """A pattern, or a list of alternatives."""
    return tuple(read_pattern(table, key, text) for text in table.texts(key))


def called(pattern: Pattern) -> str | None:
    """The name of the function when the pattern is a call by name, else None."""
    name = _CALLED.match(pattern.text)
    return name[1] if name is not None and name[1] == pattern.trigger else None


def check_names(table: Table, key: str, known: Iterable[str]) -> None:
    """Refuse a text that uses variables which nothing binds."""
    names = frozenset(known)
    for name in VARIABLE.findall(table.text(key)):
        if name not in names:
            every = [f"${each}" for each in names]
            what = f"${name} is not bound by every pattern of `match`"
            raise table.error(key, f"{what}; {nearest(f'${name}', every)}")
