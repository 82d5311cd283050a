"""A pointer from rcu_access_pointer() is followed.

`rcu_access_pointer()` is for the value of the pointer alone, to compare it or to test it for NULL:
it asks for no reader section and orders nothing. To follow the pointer takes `rcu_dereference()` in
a section, or `rcu_dereference_protected()` under the lock of the writers.

It is fine where nobody else can reach the object any more, as in the callback of `call_rcu()`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.uses import Touch, uses_in
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call
    from reviewer.model import Span

_ACCESS = "rcu_access_pointer"
_ALONE = re.compile(r"struct rcu_head|_rcu\Z|_put\Z|_gc\Z|dtor")


def check(source: Source) -> Iterator[Finding]:
    """Members read through the pointer, at once or by way of a variable."""
    for function in source.touched:
        if sets_up_or_tears_down(function) or _is_alone(function):
            continue
        calls = {call.node.id: call for call in function.calls if call.name == _ACCESS}
        for access in function.accesses:
            base = access.node.child_by_field_name("argument")
            call = calls.get(base.id) if base is not None else None
            if call is not None and "->" in access.text:
                yield _finding(function, call, access.span, access.text)
        for store in function.assignments:
            call = calls.get(store.value_node.id)
            name = store.target.lstrip("*")
            if call is None or not name.isidentifier():
                continue
            uses = uses_in(function).after(store.node, name)
            use = next((u for u in uses if u.touch in (Touch.READ, Touch.WRITE)), None)
            span = None if use is None else function.span(use.node)
            if use is not None and span is not None:
                yield _finding(function, call, span, use.text)


def _is_alone(function: Function) -> bool:
    """Whether the object is out of reach of all others, by what the function is called with."""
    kinds = [parameter.type.name for parameter in function.parameters]
    return any(_ALONE.search(text) for text in (*kinds, function.name or ""))


def _finding(function: Function, call: Call, span: Span, text: str) -> Finding:
    pointer = call.arguments[0] if call.arguments else "the pointer"
    return Finding(
        span=span,
        message=f"{text} follows a pointer from rcu_access_pointer(), which protects and orders "
        "nothing: it is for tests and comparisons only",
        function=function.name,
        evidence=(Evidence(call.span, "the pointer is loaded here"),),
        fix=Fix(
            f"use rcu_dereference({pointer}) in a reader section, or "
            "rcu_dereference_protected() with the lock that is held"
        ),
    )


rule = Rule(
    title="A pointer from rcu_access_pointer() is followed",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({_ACCESS}),
    links=("https://docs.kernel.org/RCU/rcu_dereference.html",),
)
