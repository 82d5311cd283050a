"""An atomic variable is read and written in two steps.

Each step is atomic, the pair is not: what another CPU adds in between is lost. `atomic_add()` and
its kin do it in one step; `atomic_add_unless()`, `atomic_dec_if_positive()` and `atomic_cmpxchg()`
do it under a condition.

It is fine under a lock that all writers take, and for a variable with one writer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.flow import Kind
from reviewer.c.locks import lock_key
from reviewer.model import Confidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_SET = re.compile(r"(atomic(?:64|_long)?)_set\Z")
_LOCKS = frozenset({Kind.SPIN, Kind.MUTEX, Kind.RWSEM, Kind.OTHER})


def check(source: Source) -> Iterator[Finding]:
    """`atomic_set(v, atomic_read(v) + n)` with no lock in view."""
    for function in source.touched:
        for call in function.calls:
            kind = _SET.match(call.name)
            if kind is None or len(call.arguments) != 2 or call.cut:
                continue
            if _reads_itself(kind[1], call) and not _excluded(function, call):
                yield Finding(
                    span=call.span,
                    message=f"{call.name}() of what {kind[1]}_read() gave is not atomic: "
                    f"an update of {lock_key(call.arguments[0])} in between is lost",
                    function=function.name,
                    fix=Fix(f"use {kind[1]}_add() or another operation that does it in one step"),
                )


def _reads_itself(kind: str, call: Call) -> bool:
    read = f"{kind}_read({lock_key(call.arguments[0])})"
    return read in "".join(call.arguments[1].split()).replace("&", "")


def _excluded(function: Function, call: Call) -> bool:
    may = function.flow.at(call.node).may
    return sets_up_or_tears_down(function) or any(lock.kind in _LOCKS for lock in may)


rule = Rule(
    title="An atomic variable is read and set in two steps",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"atomic_set", "atomic64_set", "atomic_long_set"}),
    links=("https://docs.kernel.org/core-api/wrappers/atomic_t.html",),
)
