"""An RCU-protected pointer is set by a plain assignment.

A reader can follow the new pointer before the stores that filled the object are visible.
`rcu_assign_pointer()` orders them. To clear the pointer, or while the object that holds it cannot
be reached yet, `RCU_INIT_POINTER()` is enough, and sparse knows it too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.rcu import declared_rcu, may_use_protected, with_accessor
from reviewer.c.reach import Objects, Reach
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Access, Assignment


def check(source: Source) -> Iterator[Finding]:
    """Plain stores to a field that is declared `__rcu`, in an object that others can reach."""
    for function in source.touched:
        if sets_up_or_tears_down(function) or not may_use_protected(source, function):
            continue
        objects = Objects(function, source)
        for store in function.assignments:
            access = None if store.declares else objects.access(store.target_node)
            declared = declared_rcu(source, access) if access else None
            if declared is None or store.operator != "=" or _says_so(function, store):
                continue
            if access is not None and objects.reach(store.target_node) is Reach.SHARED:
                yield _finding(source, function, access, store, declared)


def _says_so(function: Function, store: Assignment) -> bool:
    """Whether the value is cast to `__rcu` or comes from an RCU accessor: the author knows."""
    start, end = store.value_node.start_byte, store.value_node.end_byte
    marked = any(m.name == "__rcu" and start <= m.start < end for m in function.unit.marks)
    return marked or "rcu" in store.value.lower()


def _finding(
    source: Source,
    function: Function,
    access: Access,
    store: Assignment,
    declared: tuple[Evidence, ...],
) -> Finding:
    """A hunch when only a table says that the field is `__rcu`: the patch may be for another tree.

    A NULL points to nothing that could be seen too early: what is wrong then is only the spelling.
    """
    other = None if declared else with_accessor(source, access)
    evidence = declared if other is None else (other,)
    clears = store.value == "NULL"
    late = "after a plain store a reader can see the pointer before what it points to"
    what = "a plain NULL hides that from sparse and lockdep" if clears else late
    return Finding(
        span=store.span,
        message=f"{store.target} is protected by RCU; {what}",
        function=function.name,
        evidence=evidence,
        fix=Fix(_fix(store)),
        severity=Severity.NOTE if clears else None,
        confidence=None if evidence else Confidence.HUNCH,
    )


def _fix(store: Assignment) -> str:
    setter = "RCU_INIT_POINTER" if store.value == "NULL" else "rcu_assign_pointer"
    return f"use {setter}({store.target}, {store.value})"


rule = Rule(
    title="An RCU pointer is set by a plain assignment",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    links=("https://docs.kernel.org/RCU/checklist.html",),
)
