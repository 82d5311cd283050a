"""An SRCU section is left with another struct or index than it was entered with.

`srcu_read_unlock()` counts down a counter of its struct, that of the index. With a wrong one the
section is never left: `synchronize_srcu()` waits for ever, or, on the other struct, not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.locks import lock_key
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_UNLOCKS = {
    "srcu_read_lock": "srcu_read_unlock",
    "srcu_read_lock_notrace": "srcu_read_unlock_notrace",
    "srcu_read_lock_nmisafe": "srcu_read_unlock_nmisafe",
    "srcu_down_read": "srcu_up_read",
}


def check(source: Source) -> Iterator[Finding]:
    """Unlocks that no lock of the function fits."""
    for function in source.touched:
        shown = not function.has_gap
        for lock, unlock in _UNLOCKS.items():
            locks = [call for call in function.calls if call.name == lock and not call.cut]
            for call in function.calls if locks and shown else ():
                if call.name == unlock and len(call.arguments) == 2:
                    yield from _judged(function, locks, call)


def _judged(function: Function, locks: list[Call], unlock: Call) -> Iterator[Finding]:
    struct, index = lock_key(unlock.arguments[0]), unlock.arguments[1]
    same = [lock for lock in locks if lock_key(lock.arguments[0]) == struct]
    given = {_index(function, lock) for lock in same}
    if not same and len(locks) == 1 and _index(function, locks[0]) == index:
        other = lock_key(locks[0].arguments[0])
        if not _aliases(function, struct, other):
            message = f"{unlock.name}() leaves {struct}, but {other} was entered"
            yield _finding(function, locks[0], unlock, message, f"pass &{other}")
    elif given and None not in given and index not in given and _is_own(function, index):
        message = f"{index} is not what {same[0].name}() of {struct} has returned"
        fix = f"pass {next(iter(sorted(filter(None, given))))}"
        yield _finding(function, same[0], unlock, message, fix)


def _index(function: Function, lock: Call) -> str | None:
    """The variable that the index goes to."""
    for store in function.assignments:
        if store.value_node == lock.node:
            return store.target
    return None


def _aliases(function: Function, one: str, other: str) -> bool:
    """Whether a variable of either was assigned in the function: it may be the same struct."""
    roots = {one.split("->")[0].split(".")[0], other.split("->")[0].split(".")[0]}
    return len(roots) > 1 or any(store.target in roots for store in function.assignments)


def _is_own(function: Function, index: str) -> bool:
    """Whether it is a local variable that gets no index in any other way."""
    variable = function.variables.get(index)
    if variable is None or variable.parameter:
        return False
    return not any(
        index in store.target or f"&{index}" in function.unit.text
        for store in function.assignments
        if "srcu" not in store.value and store.target == index and not store.value.isdigit()
    )


def _finding(function: Function, lock: Call, unlock: Call, message: str, fix: str) -> Finding:
    return Finding(
        span=unlock.span,
        message=message,
        function=function.name,
        evidence=(Evidence(lock.span, "the section is entered here"),),
        fix=Fix(fix),
    )


rule = Rule(
    title="An SRCU section is left by another struct or index",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(_UNLOCKS.values()),
    links=("https://docs.kernel.org/RCU/checklist.html",),
)
