"""A thread is started before the field is set that it reads.

`kthread_run()` wakes the thread at once: it can run, and even finish, before the next line. What it
reads from its object must be set first. Use `kthread_create()`, store the rest, then
`wake_up_process()`.

It is fine for a field that the thread does not use.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.callees import calls_below, function_named
from reviewer.c.onward import follows, statement_of
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Assignment, Call

_FIELD = re.compile(r"(?:->|\.)([A-Za-z_]\w*)\Z")
_DEPTH = 2


def check(source: Source) -> Iterator[Finding]:
    """Fields of the thread's object that are stored after kthread_run()."""
    for function in source.touched_with({"kthread_run"}):
        for run in function.calls:
            if run.name != "kthread_run" or run.cut or len(run.arguments) < 3:
                continue
            for store in _stores_after(function, run):
                found = _FIELD.search(store.target)
                if found is None:
                    continue
                reader = _reader(source, run, found[1])
                if reader is not None or _is_hidden(source, run, store):
                    yield _finding(function, run, store, reader)
                    break


def _stores_after(function: Function, run: Call) -> Iterator[Assignment]:
    """The stores to the object that the thread gets, behind its start in the same block."""
    base = run.arguments[1].removeprefix("&")
    start = statement_of(run.node)
    for each in function.assignments:
        inside = each.target.startswith((f"{base}->", f"{base}."))
        beside = statement_of(each.node).parent == start.parent
        if inside and beside and each.node != run.node.parent and follows(start, each.node):
            yield each


def _is_hidden(source: Source, run: Call, store: Assignment) -> bool:
    """Whether the thread is not in view, and what is stored is the thread itself."""
    hidden = function_named(source, run.arguments[0].lstrip("&")) is None
    started = run.node.parent
    left = started.child_by_field_name("left") if started is not None else None
    return hidden and left is not None and store.value.encode() == left.text


def _reader(source: Source, run: Call, field: str) -> Evidence | None:
    """Where the thread, or a function in view that it calls, uses the field."""
    thread = function_named(source, run.arguments[0].lstrip("&"))
    if thread is None:
        return None
    below = (function_named(source, call.name) for call in calls_below(source, thread, _DEPTH))
    for function in (thread, *below):
        for access in function.accesses if function else ():
            if access.field == field:
                name = function.name if function else ""
                return Evidence(access.span, f"the thread uses it here, in {name}()")
    return None


def _finding(function: Function, run: Call, store: Assignment, reader: Evidence | None) -> Finding:
    return Finding(
        span=run.span,
        message=f"{run.arguments[0]}() can run before {store.target} is set"
        + (", which it uses" if reader else ""),
        function=function.name,
        evidence=(Evidence(store.span, "it is only set here"), *((reader,) if reader else ())),
        fix=Fix("use kthread_create(), set the field, then call wake_up_process()"),
    )


rule = Rule(
    title="A thread is started before the field that it reads is set",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"kthread_run"}),
    links=("https://docs.kernel.org/driver-api/basics.html",),
)
