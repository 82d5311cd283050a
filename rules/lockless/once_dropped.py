"""The patch takes READ_ONCE() or WRITE_ONCE() from an access that it leaves as it is otherwise.

The mark says that somebody else uses the place at the same time. That does not end because the line
is written anew: without it the compiler may tear the access, repeat it, or use an older value.

It is fine where a lock now keeps the others out, and where the patch takes the marks from all uses
of the place because it is no longer shared; say so in the change log.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.callees import function_named
from reviewer.c.clauses import clause_of, clauses_on, code_of
from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.locks import lock_key
from reviewer.c.marked import marked, name_in
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.marked import Place
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_MARKS = frozenset({"READ_ONCE", "WRITE_ONCE"})
_INIT = re.compile(r"_init\Z|\Ainit_")


def check(source: Source) -> Iterator[Finding]:
    """Clauses on changed rows that are what they were but for the mark."""
    before = source.before
    for function in source.touched if before is not None else ():
        if before is None or not function.name or sets_up_or_tears_down(function):
            continue
        old = function_named(before, function.name)
        if old is not None:
            yield from _compared(source, function, old)


def _compared(source: Source, function: Function, old: Function) -> Iterator[Finding]:
    for place, call in _dropped(old):
        node = clauses_on(function, function.unit.changed).get(_plain(old, call))
        if node is None or not (_unlocked(function, node) and _unlocked(old, call.node)):
            continue
        if not (_sets_up(function, call) or _converted(source, place)):
            yield _finding(function, node, call)


def _dropped(old: Function) -> Iterator[tuple[Place, Call]]:
    """The marked accesses on rows that the patch removes, but for those of local variables."""
    rows = old.unit.changed
    for place, call in marked(old, _MARKS) if rows else ():
        local = lock_key(call.arguments[0]) in old.variables
        if call.name in _MARKS and call.node.start_point[0] in rows and not local:
            yield place, call


def _plain(old: Function, call: Call) -> str:
    """The clause of the call without its mark, "lim=limit_mb;"."""
    clause = clause_of(call.node)
    if clause is None:
        return ""
    values = [code_of(old, node) for node in call.argument_nodes]
    bare = "=".join(values) if call.name == "WRITE_ONCE" else values[0]
    return code_of(old, clause).replace(code_of(old, call.node), bare)


def _unlocked(function: Function, node: Node) -> bool:
    """Whether no lock is held at what the clause evaluates first."""
    inside = [
        step
        for steps in (function.accesses, function.assignments, function.calls)
        for step in (each.node for each in steps)
        if node.start_byte <= step.start_byte < node.end_byte
    ]
    return bool(inside) and all(function.flow.at(step).surely_none for step in inside)


def _sets_up(function: Function, call: Call) -> bool:
    """Whether the function initialises a part of the object: others do not see it yet."""
    base = lock_key(call.arguments[0]).rpartition("->")[0]
    return bool(base) and any(
        lock_key(argument) == base or lock_key(argument).startswith(f"{base}->")
        for other in function.calls
        if _INIT.search(other.name)
        for argument in other.arguments
    )


def _converted(source: Source, place: Place) -> bool:
    """Whether the patch takes more than one mark of the place, and leaves none in view."""
    word = name_in(place)
    sides = [side for side in (source.before, source) if side is not None]
    were, are = (
        sum(
            other == place and call.name in _MARKS
            for function in side.functions_with(word)
            for other, call in marked(function, _MARKS)
        )
        for side in sides
    )
    return were > 1 and are == 0


def _finding(function: Function, node: Node, call: Call) -> Finding:
    text = call.arguments[0]
    done = "stored" if call.name == "WRITE_ONCE" else "read"
    span = function.span(node)
    assert span is not None  # a changed row is one of the file
    return Finding(
        span=span,
        message=f"{text} was {done} with {call.name}() and is {done} plainly now, with no lock "
        "held; what made the mark needless?",
        function=function.name,
        evidence=(Evidence(call.span, f"{call.name}() was used here"),),
        fix=Fix(f"keep {call.name}()"),
    )


rule = Rule(
    title="An access loses its READ_ONCE() or WRITE_ONCE()",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_MARKS,
    compares=True,
    links=("https://docs.kernel.org/core-api/wrappers/memory-barriers.html",),
)
