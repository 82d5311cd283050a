"""An object is used after its reference was given back.

The put may have dropped the last reference, and then the object is gone: also a lock inside of it,
which is still to be unlocked, or a device that a message is printed for. Move the put behind the
last use.

It is fine where another reference is held, by the caller or by a container that keeps the object.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.ownership import PUTS, How, endings, touched_ending
from reviewer.c.uses import Touch, said, uses_in
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.ownership import Ending
    from reviewer.c.source import Source
    from reviewer.c.uses import ObjectUse

_WORKS = frozenset({"work_struct", "delayed_work", "kthread_work", "rcu_work"})
_OF_WORK = re.compile(r"(?:container_of|from_work|to_\w+|work_to_\w+)\s*\(")
_TEARS_DOWN = re.compile(r"_(?:remove|disconnect|unbind|exit)(?:_\w+)?\Z")
_PUTS_ITSELF = re.compile(r"(?:\A|_)(?:put|drop|unref)(?:_|\Z)")
_REFERENCED = re.compile(r"\w*(?:get|find|lookup|grab|alloc|create)\w*\s*\(")
_KEPT = re.compile(r"\b(?:hold|held|refer|refs?\b|pinned|alive)", re.IGNORECASE)
_TAKES = re.compile(
    r"(?:\w+_)?(?:get|hold|ref|grab|tryget)(?:_\w+)?\Z|refcount_inc\w*|atomic_inc\w*|kref_get\w*"
)


def check(source: Source) -> Iterator[Finding]:
    """The first use that can follow each put."""
    for function in touched_ending(source, How.PUT):
        seen: set[int] = set()
        for ending in endings(function, How.PUT, hidden=True):
            if _says_kept(function, ending):
                continue
            uses = uses_in(function).after(ending.call.node, ending.name)
            returned = _is_passing(function, ending)
            use = next((each for each in uses if _counts(each, returned)), None)
            if use is not None and use.node.start_byte not in seen:
                seen.add(use.node.start_byte)
                yield from _finding(function, ending, use)


def _says_kept(function: Function, ending: Ending) -> bool:
    """Whether the comment before the put speaks of another reference."""
    before = function.unit.text[: ending.call.node.start_byte].rstrip()
    start = before.rfind("/*")
    return before.endswith("*/") and _KEPT.search(before, start) is not None


def _counts(use: ObjectUse, returned: bool) -> bool:
    looks = use.touch in (Touch.READ, Touch.WRITE, Touch.INSIDE)
    return looks or (returned and use.touch is Touch.RETURNED)


def _is_passing(function: Function, ending: Ending) -> bool:
    """Whether the patch takes and gives back a reference in a function that did without.

    Then that reference is what the object needs, also where it is returned to.
    """
    changed, body = function.unit.changed, function.node.child_by_field_name("body")
    if body is None or body.start_point[0] in changed:
        return False
    gives = ending.call.node.start_point[0] in changed
    return gives and any(
        call.node.start_point[0] in changed
        and _TAKES.match(call.name) is not None
        and ending.name in call.arguments
        for call in function.calls
    )


def _is_sure(function: Function, ending: Ending, use: ObjectUse) -> bool:
    """Whether no other reference keeps the object then, as far as is shown."""
    return use.touch is Touch.RETURNED or _owned(function, ending)


def _owned(function: Function, ending: Ending) -> bool:
    """Whether the one reference of the variable is this function's."""
    name = ending.name
    variable = function.variables.get(name)
    struct = variable.type.struct if variable is not None else None
    known = ending.call.name in PUTS or _is_put_of(ending.call.name, struct)
    if known and _TEARS_DOWN.search(function.name or ""):
        return True
    if variable is None:
        return False
    if variable.parameter:
        return known and _PUTS_ITSELF.search(function.name or "") is not None
    values = [each.value for each in function.assignments if each.target == name]
    if values and all(_OF_WORK.match(value) for value in values) and _is_work(function):
        return known
    takes = any(
        _TAKES.match(c.name) and any(name in a for a in c.arguments) for c in function.calls
    )
    return bool(values) and all(_REFERENCED.match(value) for value in values) and not takes


def _is_work(function: Function) -> bool:
    """Whether it is called with a piece of work: whoever queued that took a reference for it."""
    return any(variable.type.struct in _WORKS for variable in function.parameters)


def _is_put_of(name: str, struct: str | None) -> bool:
    """Whether the name says that it puts this type: `foo_dev_put()` a struct foo_dev."""
    what = re.sub(r"^_*put_|_put(?=_|\Z)", "", name)
    return struct is not None and what == struct


def _finding(function: Function, ending: Ending, use: ObjectUse) -> Iterator[Finding]:
    span = function.span(use.node)
    if span is None:
        return
    name, put = ending.name, f"{ending.call.name}()"
    yield Finding(
        span=span,
        message=f"{said(use)} after {put}, which frees {name} when it drops the last reference",
        function=function.name,
        evidence=(Evidence(ending.call.span, "the reference is given back here"),),
        fix=Fix(f"move {put} behind the last use of {name}"),
        confidence=None if _is_sure(function, ending, use) else Confidence.HUNCH,
    )


rule = Rule(
    title="An object is used after its reference was given back",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    links=("https://docs.kernel.org/core-api/kref.html",),
)
