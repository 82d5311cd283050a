"""An RCU-protected pointer is read without rcu_dereference().

The compiler may load a plain `t->peer` twice, or use what it points to before it has loaded the
pointer. `rcu_dereference()` orders the two, and lets sparse and lockdep check the reader. Code that
holds the lock of the writers says so with `rcu_dereference_protected()`.

To test the pointer for NULL or to compare it needs no accessor, though `rcu_access_pointer()` says
it better. It is fine to read an object plainly that nobody else can see yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.rcu import (
    declared_rcu,
    inside_accessor,
    is_compared,
    may_use_protected,
    updater_at,
    with_accessor,
)
from reviewer.c.reach import Objects, Reach
from reviewer.c.syntax import Use
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Access


def check(source: Source) -> Iterator[Finding]:
    """Plain loads of a field that is declared `__rcu`."""
    for function in source.touched:
        if sets_up_or_tears_down(function) or not may_use_protected(source, function):
            continue
        objects = Objects(function, source)
        for access in function.accesses:
            declared = declared_rcu(source, access) if access.use is Use.READ else None
            if declared is None or _is_indexed(access) or inside_accessor(function, access.node):
                continue
            if is_compared(access.node) or objects.reach(access.node) is Reach.LOCAL:
                continue
            yield _finding(source, function, access, declared)


def _finding(
    source: Source, function: Function, access: Access, declared: tuple[Evidence, ...]
) -> Finding:
    """No more than a hunch with a lock held, or when only a table says that the field is `__rcu`.

    Writers exclude each other by a lock, so the pointer cannot change under one. The table is of
    one kernel, and the patch may be for another.
    """
    other = None if declared else with_accessor(source, access)
    evidence = declared if other is None else (other,)
    sure = bool(evidence) and not updater_at(function, access.node)
    return Finding(
        span=access.span,
        message=f"{access.text} is protected by RCU; "
        "a plain read lets the compiler load it twice or too late",
        function=function.name,
        evidence=evidence,
        fix=Fix(
            f"use rcu_dereference({access.text}), or rcu_dereference_protected() "
            "with the lock that is held"
        ),
        confidence=None if sure else Confidence.HUNCH,
    )


def _is_indexed(access: Access) -> bool:
    """Whether it is an array of RCU pointers: what is done with the element is not judged."""
    return access.node.parent is not None and access.node.parent.type == "subscript_expression"


rule = Rule(
    title="An RCU pointer is read without rcu_dereference()",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    links=("https://docs.kernel.org/RCU/rcu_dereference.html",),
)
