"""An RCU-protected pointer is read without rcu_dereference().

The compiler may load a plain `t->peer` twice, or use what it points to before it has loaded the
pointer. `rcu_dereference()` orders the two, and lets sparse and lockdep check the reader. Code that
holds the lock of the writers says so with `rcu_dereference_protected()`.

Testing the pointer for NULL needs no accessor, though `rcu_access_pointer()` says it better. It is
fine to read an object plainly that nobody else can see yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.rcu import declared_rcu, inside_accessor
from reviewer.c.reach import Objects, Reach
from reviewer.c.syntax import Use
from reviewer.model import Confidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.source import Source
    from reviewer.c.syntax import Access


def check(source: Source) -> Iterator[Finding]:
    """Plain loads of a field that is declared `__rcu`."""
    for function in source.touched:
        if sets_up_or_tears_down(function):
            continue
        objects = Objects(function, source)
        for access in function.accesses:
            declared = declared_rcu(source, access) if access.use is Use.READ else None
            if declared is None or _is_indexed(access) or inside_accessor(function, access.node):
                continue
            if objects.reach(access.node) is not Reach.LOCAL:
                yield Finding(
                    span=access.span,
                    message=f"{access.text} is protected by RCU; "
                    "a plain read lets the compiler load it twice or too late",
                    function=function.name,
                    evidence=declared,
                    fix=Fix(
                        f"use rcu_dereference({access.text}), or rcu_dereference_protected() "
                        "with the lock that is held"
                    ),
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
