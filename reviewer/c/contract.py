"""Locks that a function leaves held on purpose, as far as the text around it shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.locks import IDENTIFIER, names_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from reviewer.c.flow import Exit, Held
    from reviewer.c.function import Function
    from reviewer.c.syntax import Call

_CALL = re.compile(r"\(?(\w+)\((.*)\)\)?\Z", re.DOTALL)


def given_away(
    function: Function, way_out: Exit, held: Held, callee: Callable[[str], Function | None]
) -> bool:
    """Whether a function called under the lock gives it back, or may do so in `return f(x)`.

    `callee` finds a function in view by its name. Of one that is not in view nothing is said but
    where it has the last word: it is what the exit returns, and gets the object of the lock.
    """
    last = _CALL.match(way_out.value)
    if last is not None and _root(held.key) in names_in(last[2]) and callee(last[1]) is None:
        return True
    return any(
        _gives_back(callee(call.name), held)
        for call in function.calls
        if not call.loop and not call.guard and _under(function, call, held)
    )


def _root(key: str) -> str:
    found = IDENTIFIER.search(key)
    return "" if found is None else found[0]


def _under(function: Function, call: Call, held: Held) -> bool:
    return any(
        (each.family, each.key) == (held.family, held.key)
        for each in function.flow.at(call.node).may
    )


def _gives_back(function: Function | None, held: Held) -> bool:
    """Whether a function releases a lock of that sort that its caller holds."""
    if function is None:
        return False
    if any(_same_field(text, held.key) for text in function.releases):
        return True
    return any(
        family == held.family and _same_field(key, held.key)
        for family, key in function.flow.dropped
    )


def _same_field(one: str, other: str) -> bool:
    """Whether two names of a lock can be of one: the last field is the same."""
    first, second = IDENTIFIER.findall(one), IDENTIFIER.findall(other)
    return (first[-1:] or [""]) == (second[-1:] or [""])
