"""An object is used after its reference was given back.

The put may have dropped the last reference, and then the object is gone: also a lock inside of it,
which is still to be unlocked, or a device that a message is printed for. Move the put behind the
last use.

It is fine where another reference is held, by the caller or by a container that keeps the object.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.ownership import How, endings
from reviewer.c.uses import Touch, uses_in
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.ownership import Ending
    from reviewer.c.source import Source
    from reviewer.c.uses import ObjectUse

_REFERENCED = re.compile(r"\w*(?:get|find|lookup|grab|alloc|create)\w*\s*\(")
_KEPT = re.compile(r"\b(?:hold|held|refer|refs?\b|pinned|alive)", re.IGNORECASE)
_TAKES = re.compile(
    r"(?:\w+_)?(?:get|hold|ref|grab|tryget)(?:_\w+)?\Z|refcount_inc\w*|atomic_inc\w*|kref_get\w*"
)


def check(source: Source) -> Iterator[Finding]:
    """The first use that can follow each put."""
    for function in source.touched:
        said: set[int] = set()
        for ending in endings(function, How.PUT):
            if _says_kept(function, ending):
                continue
            uses = uses_in(function).after(ending.call.node, ending.name)
            use = next((each for each in uses if _counts(each)), None)
            if use is not None and use.node.start_byte not in said:
                said.add(use.node.start_byte)
                yield from _finding(function, ending, use)


def _says_kept(function: Function, ending: Ending) -> bool:
    """Whether the comment before the put speaks of another reference."""
    before = function.unit.text[: ending.call.node.start_byte].rstrip()
    start = before.rfind("/*")
    return before.endswith("*/") and _KEPT.search(before, start) is not None


def _counts(use: ObjectUse) -> bool:
    return use.touch in (Touch.READ, Touch.WRITE, Touch.INSIDE)


def _owned(function: Function, name: str) -> bool:
    """Whether the one reference of the variable is this function's, as far as is shown."""
    variable = function.variables[name]
    if variable.parameter:
        return False
    values = [each.value for each in function.assignments if each.target == name]
    takes = any(
        _TAKES.match(c.name) and any(name in a for a in c.arguments) for c in function.calls
    )
    return bool(values) and all(_REFERENCED.match(value) for value in values) and not takes


def _finding(function: Function, ending: Ending, use: ObjectUse) -> Iterator[Finding]:
    span = function.span(use.node)
    if span is None:
        return
    name, put = ending.name, f"{ending.call.name}()"
    yield Finding(
        span=span,
        message=f"{use.text} is {use.touch} after {put}, which frees {name} "
        "when it drops the last reference",
        function=function.name,
        evidence=(Evidence(ending.call.span, "the reference is given back here"),),
        fix=Fix(f"move {put} behind the last use of {name}"),
        confidence=None if _owned(function, name) else Confidence.HUNCH,
    )


rule = Rule(
    title="An object is used after its reference was given back",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    links=("https://docs.kernel.org/core-api/kref.html",),
)
