"""An element found under a lock is used after the lock was dropped.

The lock kept the element in its list or tree. Once it is dropped, another task can take the element
out and free it. Do the work under the lock, or take a reference before it is dropped.

It is fine where the element was taken out of the container first: then it is the finder's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.escapes import escapes
from reviewer.c.flow import Kind
from reviewer.c.uses import Touch, said
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.escapes import Escape
    from reviewer.c.function import Function
    from reviewer.c.source import Source


def check(source: Source) -> Iterator[Finding]:
    """The first use without the lock of each element that was found under it."""
    for function in source.touched:
        for escape in escapes(function, frozenset({Kind.SPIN, Kind.MUTEX, Kind.RWSEM})):
            yield from _finding(function, escape)


def _finding(function: Function, escape: Escape) -> Iterator[Finding]:
    span = function.span(escape.use.node)
    if span is None:
        return
    returned = escape.use.touch is Touch.RETURNED
    unsure = returned and not escape.added
    unsure |= escape.use.touch is Touch.PASSED or sets_up_or_tears_down(function)
    what = said(escape.use)
    lock = escape.held.key or "the lock"
    yield Finding(
        span=span,
        message=f"{what} after {lock} was dropped, under which it was found: "
        "nothing keeps it from being freed now",
        function=function.name,
        evidence=(Evidence(escape.found, f"{escape.how} finds it with {lock} held"),),
        fix=Fix(f"take a reference on {escape.name} before {lock} is dropped, or use it under it"),
        confidence=Confidence.HUNCH if unsure else None,
    )


rule = Rule(
    title="An element is used after the lock that kept it",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    links=("https://docs.kernel.org/kernel-hacking/locking.html",),
)
