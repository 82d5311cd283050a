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
from reviewer.c.facts import lock_call
from reviewer.c.flow import Kind
from reviewer.c.uses import Touch, said
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.escapes import Escape
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call
    from reviewer.model import Span


def check(source: Source) -> Iterator[Finding]:
    """The first use behind the section of each pointer that was found in it."""
    for function in source.touched:
        for escape in escapes(function, frozenset({Kind.RCU}), source):
            yield from _finding(function, escape)


def _finding(function: Function, escape: Escape) -> Iterator[Finding]:
    use, end = function.span(escape.use.node), _added_end(function, escape)
    if use is None:
        return
    returned = escape.use.touch is Touch.RETURNED
    setup = sets_up_or_tears_down(function) and not escape.foreign
    hidden = returned and not (escape.added or escape.foreign)
    name, what = escape.name, said(escape.use)
    found = Evidence(escape.found, f"{escape.how} finds it under rcu_read_lock()")
    late = f"{what} after the RCU reader section that protected {name} has ended"
    early = f"the RCU reader section that protects {name} ends here, and {what} after it"
    yield Finding(
        span=end or use,
        message=f"{early if end else late}: without a reference it may be freed by now",
        function=function.name,
        evidence=(found, Evidence(use, f"{what} here")) if end else (found,),
        fix=Fix(
            f"take a reference on {name} before rcu_read_unlock(), or "
            + ("let the caller open the section" if returned else "extend the section to the use")
        ),
        confidence=Confidence.HUNCH if setup or hidden else None,
    )


def _added_end(function: Function, escape: Escape) -> Span | None:
    """Where the patch ends the section too early; None when it adds only the use behind it."""
    last: Call | None = None
    for call in function.calls:
        known = lock_call(call.name)
        if call.node.start_byte < escape.use.node.start_byte and known is not None:
            last = call if known.kind is Kind.RCU and not known.acquires else last
    if last is None or last.node.start_point[0] not in function.unit.changed:
        return None
    return last.span


rule = Rule(
    title="An RCU pointer is used after the reader section",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"rcu_read_lock", "rcu_read_lock_bh"}),
    links=("https://docs.kernel.org/RCU/checklist.html", "https://docs.kernel.org/RCU/rcuref.html"),
)
