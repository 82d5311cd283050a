"""A free bit of a bitmap is looked for, and then set, in two steps.

`find_first_zero_bit()` takes no lock: two CPUs find the same bit, `set_bit()` of both succeeds, and
both use the number as their own. `test_and_set_bit()` tells which of them was first; the other has
to look again. An IDA, or a lock around both steps, does as well.

It is fine under a lock of the caller, and where only one task hands out the numbers.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from reviewer.c.callees import callers_of
from reviewer.c.context import sets_up_the_whole
from reviewer.c.locks import lock_key
from reviewer.c.onward import follows
from reviewer.c.reach import Objects, Reach
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Assignment, Call

_FINDS = frozenset({"find_first_zero_bit", "find_next_zero_bit"})
_CALLERS = 8
_SEARCHES = 20  # of one function that are looked at
_CALLER_LOCKS = re.compile(r"\A_|_(?:un)?locked(?:_|\Z)|nolock")


def check(source: Source) -> Iterator[Finding]:
    """`n = find_first_zero_bit(map, ...); ...; set_bit(n, map);` with no lock held."""
    for function in source.touched_with(_FINDS):
        free = _callers_without_lock(source, function)
        if _is_alone(function) or free is False:
            continue
        objects = Objects(function, source)
        searches = (each for each in function.assignments if "zero_bit" in each.value)
        for search in islice(searches, _SEARCHES):
            change = _change(function, search)
            if change is None or objects.reach(change.argument_nodes[1]) is not Reach.SHARED:
                continue
            if all(function.flow.at(node).surely_none for node in (search.node, change.node)):
                yield _finding(function, search, change, sure=free is True)


def _is_alone(function: Function) -> bool:
    """Whether its name says that the caller holds the lock, or that nobody else is there."""
    name = function.name
    return name is None or _CALLER_LOCKS.search(name) is not None or sets_up_the_whole(function)


def _callers_without_lock(source: Source, function: Function) -> bool | None:
    """Whether a caller in view surely holds no lock; None: there is none in view."""
    calls = islice(callers_of(source, function.name or ""), _CALLERS)
    free = [caller.flow.at(call.node).surely_none for caller, call in calls]
    return any(free) if free else None


def _is_lent(function: Function, bitmap: str) -> bool:
    """Whether the bitmap is a field, or a parameter, and no object of the function."""
    variable = function.variables.get(bitmap)
    return "->" in bitmap or (variable is not None and variable.parameter)


def _change(function: Function, search: Assignment) -> Call | None:
    """The next set_bit() of what the search has found, in the same bitmap."""
    found = next((c for c in function.calls if c.node == search.value_node), None)
    if found is None or found.name not in _FINDS or found.cut or search.operator != "=":
        return None
    bitmap = lock_key(found.arguments[0])
    if not _is_lent(function, bitmap):
        return None
    for call in function.calls:
        if call.name != "set_bit" or not call.statement or call.cut:
            continue
        if call.arguments[0] != search.target or lock_key(call.arguments[1]) != bitmap:
            continue
        if follows(search.node, call.node):
            return call
    return None


def _finding(function: Function, search: Assignment, change: Call, *, sure: bool) -> Finding:
    return Finding(
        span=change.span,
        message=f"{search.target} was free when it was looked for, and {change.name}() takes it "
        "with no lock held: another CPU can take the same one in between",
        function=function.name,
        evidence=(Evidence(search.span, "looked for here"),),
        fix=Fix("use test_and_set_bit(), and look again when it was set; or an IDA"),
        confidence=Confidence.LIKELY if sure else None,
    )


rule = Rule(
    title="A free bit is looked for and set in two steps",
    severity=Severity.WARNING,
    confidence=Confidence.HUNCH,
    since="0.1",
    check=check,
    triggers=_FINDS,
    links=("https://docs.kernel.org/core-api/wrappers/atomic_bitops.html",),
)
