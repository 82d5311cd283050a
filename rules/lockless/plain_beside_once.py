"""A field is read with READ_ONCE() and plainly in one function, both times without a lock.

`READ_ONCE()` says that the field changes under the reader. Then each plain read of it can see
another value, or be loaded twice. Read it once, and use that value.

It is fine to read it plainly under the lock that its writers hold.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.syntax import Use
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Access

_READS = frozenset({Use.READ, Use.TEST})
# The conditions of wait_event() run again and again, between barriers.
_MARKS = re.compile(r"[A-Z_]+\Z|data_race\Z|smp_load_acquire\Z|wait_event|wait_on_|read_poll")


def check(source: Source) -> Iterator[Finding]:
    """Plain reads of the very expression that READ_ONCE() gets elsewhere in the function."""
    for function in source.touched_with({"READ_ONCE"}):
        if sets_up_or_tears_down(function):
            continue
        marked = {
            access.text: access
            for access in function.accesses
            if access.argument_of == "READ_ONCE" and _unlocked(function, access)
        }
        for access in function.accesses if marked else ():
            if access.use not in _READS or access.text not in marked:
                continue
            if _is_plain(function, access) and _unlocked(function, access):
                yield _finding(function, access, marked[access.text])
                break


def _unlocked(function: Function, access: Access) -> bool:
    return function.flow.at(access.node).surely_none


def _is_plain(function: Function, access: Access) -> bool:
    node = access.node.parent
    while node is not None and not node.type.endswith(("statement", "declaration")):
        called = node.child_by_field_name("function")
        if called is not None and _MARKS.match(function.text(called)):
            return False
        if node.type in ("sizeof_expression", "subscript_expression", "pointer_expression"):
            return False
        node = node.parent
    return True


def _finding(function: Function, access: Access, marked: Access) -> Finding:
    return Finding(
        span=access.span,
        message=f"{access.text} is read plainly here and with READ_ONCE() elsewhere in this "
        "function, with no lock held either time; the two can differ",
        function=function.name,
        evidence=(Evidence(marked.span, "READ_ONCE() is used here"),),
        fix=Fix(f"read {access.text} once with READ_ONCE() and use that value"),
    )


rule = Rule(
    title="A field is read both plainly and with READ_ONCE()",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"READ_ONCE"}),
    links=("https://docs.kernel.org/core-api/wrappers/memory-barriers.html",),
)
