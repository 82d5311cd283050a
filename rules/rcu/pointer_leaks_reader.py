"""A pointer found in an RCU reader section is used after the section.

What `rcu_dereference()` or an `_rcu` walk finds may be freed as soon as `rcu_read_unlock()` is
over: a grace period no longer waits for this task. Use it inside of the section, or take a
reference that fails when the last one is gone (`kref_get_unless_zero()`) before the section ends.

It is fine where something else keeps the object: a lock, a reference, or that it is never freed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.escapes import escapes
from reviewer.c.flow import Kind
from reviewer.c.uses import Touch
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.escapes import Escape
    from reviewer.c.function import Function
    from reviewer.c.source import Source


def check(source: Source) -> Iterator[Finding]:
    """The first use behind the section of each pointer that was found in it."""
    for function in source.touched:
        for escape in escapes(function, frozenset({Kind.RCU})):
            yield from _finding(function, escape)


def _finding(function: Function, escape: Escape) -> Iterator[Finding]:
    span = function.span(escape.use.node)
    if span is None:
        return
    returned = escape.use.touch is Touch.RETURNED
    what = f"{escape.name} is returned" if returned else f"{escape.use.text} is {escape.use.touch}"
    yield Finding(
        span=span,
        message=f"{what} after the RCU reader section that protected {escape.name} has ended: "
        "without a reference it may be freed by now",
        function=function.name,
        evidence=(Evidence(escape.found, f"{escape.how} finds it under rcu_read_lock()"),),
        fix=Fix(
            f"take a reference on {escape.name} before rcu_read_unlock(), or "
            + ("let the caller open the section" if returned else "extend the section to here")
        ),
        confidence=Confidence.HUNCH if returned or sets_up_or_tears_down(function) else None,
    )


rule = Rule(
    title="An RCU pointer is used after the reader section",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"rcu_read_lock", "rcu_read_lock_bh"}),
    links=("https://docs.kernel.org/RCU/checklist.html", "https://docs.kernel.org/RCU/rcuref.html"),
)
