"""A plain atomic_t counts the references of an object.

`refcount_t` does the same and saturates: a reference too many or too few leaks the object with a
warning, where an `atomic_t` that wraps frees it under its users.

It is fine for a counter that starts at zero or below, or that counts something else as well.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.ownership import FREES
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_DROPS = frozenset({"atomic_dec_and_test", "atomic_long_dec_and_test"})
_COUNTER = re.compile(r"& ?(\w+)->(\w*ref\w*|users|usage)\Z")


def check(source: Source) -> Iterator[Finding]:
    """Counters of references on a changed row, whose last drop frees the object."""
    for function in source.touched:
        for call in function.calls:
            counter = None
            if call.name in _DROPS and call.node.start_point[0] in function.unit.changed:
                counter = _COUNTER.match(call.arguments[0]) if call.arguments else None
            freed = _freed(function, call, counter[1]) if counter is not None else None
            if counter is not None and freed is not None:
                yield Finding(
                    span=call.span,
                    message=f"{counter[2]} counts the references of {counter[1]}: with refcount_t "
                    "one too many or too few would be caught",
                    function=function.name,
                    evidence=(Evidence(freed.span, "the last one frees the object"),),
                    fix=Fix("make it a refcount_t and use refcount_dec_and_test()"),
                )


def _freed(function: Function, drop: Call, name: str) -> Call | None:
    """The free of the object in the branch that runs when the last reference is gone."""
    branch = _branch(drop.node)
    frees = (c for c in function.calls if c.name in FREES and name in c.arguments)
    for call in frees if branch is not None else ():
        if branch is not None and branch.start_byte <= call.node.start_byte < branch.end_byte:
            return call
    return None


def _branch(drop: Node) -> Node | None:
    """The branch of `if (atomic_dec_and_test(..))`."""
    condition = drop.parent
    if condition is None or condition.type != "parenthesized_expression":
        return None
    above = condition.parent
    if above is None or above.type != "if_statement":
        return None
    return above.child_by_field_name("consequence")


rule = Rule(
    title="An atomic_t as a reference counter",
    severity=Severity.NOTE,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_DROPS,
    links=("https://docs.kernel.org/core-api/refcount-vs-atomic.html",),
)
