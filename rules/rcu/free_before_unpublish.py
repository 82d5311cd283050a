"""An object is freed before the RCU pointer to it is cleared.

Until `rcu_assign_pointer(.., NULL)` has run, a new reader can still load the pointer, and between
the free and that store it gets freed memory. Clear the pointer first, wait for a grace period, free
then.

It is fine where no reader is left, as when the structure that holds the pointer is torn down.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.onward import follows
from reviewer.c.reach import Objects
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_CLEARS = frozenset({"rcu_assign_pointer", "RCU_INIT_POINTER"})
_FREES = frozenset({"kfree", "kvfree", "vfree", "kfree_sensitive"})
_READS = re.compile(r"(?:\w*rcu_dereference\w*|rtnl_dereference|rcu_access_pointer)\(\s*")
_NAME = re.compile(r"[A-Za-z_]\w*")


def check(source: Source) -> Iterator[Finding]:
    """Stores of NULL that come after the free of what the pointer leads to."""
    for function in source.touched:
        clears = [c for c in function.calls if c.name in _CLEARS and c.arguments[1:] == ("NULL",)]
        frees = [c for c in function.calls if c.name in _FREES and c.arguments and not c.cut]
        for clear in clears:
            for free in frees:
                if follows(free.node, clear.node) and _is_same(source, function, free, clear):
                    yield _finding(function, free, clear)
                    break


def _is_same(source: Source, function: Function, free: Call, clear: Call) -> bool:
    """Whether the pointer leads to what is freed: read from there, or type and name agree."""
    freed, pointer = free.arguments[0], clear.arguments[0]
    if pointer in freed:
        return True
    if not freed.isidentifier():
        return False
    values = [each.value for each in function.assignments if each.target == freed]
    if any((match := _READS.match(v)) and v[match.end() :].startswith(pointer) for v in values):
        return True
    if any(_READS.match(value) for value in values):
        return False
    field = _NAME.findall(pointer)[-1]
    variable = function.variables.get(freed)
    declared = Objects(function, source).type(clear.argument_nodes[0])
    if declared is not None and variable is not None and declared.name != variable.type.name:
        return False
    return field == freed or (len(freed) > 2 and field.endswith(f"_{freed}"))


def _finding(function: Function, free: Call, clear: Call) -> Finding:
    pointer, freed = clear.arguments[0], free.arguments[0]
    return Finding(
        span=free.span,
        message=f"{free.name}() frees what {pointer} still points to: until it is cleared below, "
        "a reader can load it and use freed memory",
        function=function.name,
        evidence=(Evidence(clear.span, f"{pointer} is cleared only here"),),
        fix=Fix(f"clear {pointer} first, and free {freed} after a grace period"),
        confidence=Confidence.HUNCH if sets_up_or_tears_down(function) else None,
    )


rule = Rule(
    title="An object is freed before its RCU pointer is cleared",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_CLEARS,
    links=(
        "https://docs.kernel.org/RCU/checklist.html",
        "https://docs.kernel.org/RCU/whatisRCU.html",
    ),
)
