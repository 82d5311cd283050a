"""Functions that are entered with a spinlock held, as they or the kernel say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.facts import spinlocked
from reviewer.c.locks import lock_key
from reviewer.model import Evidence

if TYPE_CHECKING:
    from reviewer.c.function import Function
    from reviewer.c.source import Source

ASSERTS = frozenset({"lockdep_assert_held", "assert_spin_locked", "assert_raw_spin_locked"})
"""The words of a function that says so itself."""

_SPINS = re.compile(
    r"(?:raw_)?(?:spin|read|write)_(?:try)?lock(?:_irqsave|_irq|_bh)?(?:_nested)?\Z"
)
_TAKES = re.compile(r"\b(\w+)\s*\(\s*&?([^(),;]{1,80})")
_LAST = re.compile(r"(\w+)\s*\Z")


def entered_with_spinlock(source: Source, function: Function) -> tuple[str, Evidence | None] | None:
    """The lock, and where the function asserts it; None when it gives the lock back, or not known.

    Of `lockdep_assert_held()` the file tells what sort of lock it is: how it takes it elsewhere.
    """
    if "unlock" in function.unit.text:
        return None
    for call in function.calls if not ASSERTS.isdisjoint(function.words) else ():
        if call.name not in ASSERTS or call.cut or not call.arguments:
            continue
        key = lock_key(call.arguments[0])
        if call.name != "lockdep_assert_held" or _is_spinlock(source, key):
            return key, Evidence(call.span, f"{key} is held here, a spinlock")
    known = spinlocked(function.name or "")
    return None if known is None else (known, None)


def _is_spinlock(source: Source, key: str) -> bool:
    name = _LAST.search(key)
    taken = source.fact(_taken).get(name[1], set()) if name is not None else set[str]()
    return bool(taken) and all(_SPINS.match(each) for each in taken)


def _taken(source: Source) -> dict[str, set[str]]:
    """The functions by which the file takes each lock, by the last name of the lock."""
    found: dict[str, set[str]] = {}
    for unit in source.function_units:
        if "lock" not in unit.masked:
            continue
        for match in _TAKES.finditer(unit.masked):
            name = _LAST.search(match[2]) if "lock" in match[1] else None
            if name is not None and "assert" not in match[1] and "unlock" not in match[1]:
                found.setdefault(name[1], set()).add(match[1])
    return found
