"""An RCU pointer is read and replaced in two steps.

`rcu_replace_pointer()` returns the old pointer and publishes the new one, under the condition
that makes both safe. One call says what `rcu_dereference_protected()` followed by
`rcu_assign_pointer()` says in two, and states the lock only once.

Two steps are right where the old object is looked at before the new one is published.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.model import Confidence, Evidence, Finding, Fix, Safety, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Assignment, Call

_READS = frozenset({"rcu_dereference_protected", "rtnl_dereference", "srcu_dereference_protected"})
_LEAVES = re.compile(r"[{}]|\b(?:un)?lock\b|_unlock|\breturn\b|\bgoto\b|__gap__")


def check(source: Source) -> Iterator[Finding]:
    """The store, where the same pointer was read just before it under the same lock."""
    for function in source.touched_with({"rcu_assign_pointer"}):
        stores = [c for c in function.calls if c.name == "rcu_assign_pointer" and not c.cut]
        reads = list(_reads(function)) if stores else []
        for store in stores:
            for call, old in reads:
                if _is_replaced(function, call, old, store):
                    yield _finding(function, call, old, store)


def _reads(function: Function) -> Iterator[tuple[Call, Assignment]]:
    """The calls that read an RCU pointer into a variable."""
    calls = {c.node.id: c for c in function.calls if c.name in _READS and c.arguments}
    for assignment in function.assignments:
        if assignment.operator == "=" and assignment.value_node.id in calls:
            yield calls[assignment.value_node.id], assignment


def _is_replaced(function: Function, read: Call, old: Assignment, store: Call) -> bool:
    """Whether nothing happens between read and store that needs the old pointer or the lock."""
    if read.arguments[0] != store.arguments[0] or read.node.end_byte > store.node.start_byte:
        return False
    between = function.unit.text[read.node.end_byte : store.node.end_byte]
    if _LEAVES.search(between) or re.search(rf"\b{re.escape(old.target)}\b", between):
        return False
    return function.flow.at(read.node).must == function.flow.at(store.node).must


def _finding(function: Function, read: Call, old: Assignment, store: Call) -> Finding:
    pointer, new = store.arguments[:2]
    condition = read.arguments[1] if len(read.arguments) > 1 else "lockdep_rtnl_is_held()"
    return Finding(
        span=store.span,
        message=f"{pointer} is read and then replaced in two steps; "
        "rcu_replace_pointer() does both in one",
        function=function.name,
        evidence=(Evidence(read.span, "the old pointer is read here, under the same lock"),),
        fix=Fix(
            f"write {old.target} = rcu_replace_pointer({pointer}, {new}, {condition})",
            Safety.SUGGEST,
        ),
    )


rule = Rule(
    title="rcu_replace_pointer() written out in two steps",
    severity=Severity.NOTE,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"rcu_assign_pointer"}),
    links=("https://docs.kernel.org/RCU/whatisRCU.html",),
)
