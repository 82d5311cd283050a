"""A function mixes goto unwinding with cleanup at the end of scope.

Whoever reads it has to know both: what the labels release, and what goes out of scope. The next
change easily releases something twice, or not at all. cleanup.h asks to use one or the other in a
function. Convert all of it, or none.

A goto that goes back to try again unwinds nothing, and is fine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.model import Span

_DEEPEST = 10_000  # nodes of a function that are looked at


def check(source: Source) -> Iterator[Finding]:
    """The first cleanup by scope, in a function that also jumps forward to a label."""
    for function in source.touched:
        scoped = _scoped(function) if "goto" in function.unit.text else None
        unwinding = _unwinding(function) if scoped else None
        if scoped is not None and unwinding is not None:
            (what, span), name = scoped, function.name or "this function"
            yield Finding(
                span=span,
                message=f"{name}() unwinds by goto and {what} by scope; "
                "cleanup.h asks for one of them",
                function=function.name,
                evidence=(Evidence(unwinding, "this goto unwinds"),),
                fix=Fix("convert all of the function to scope-based cleanup, or none of it"),
            )


def _scoped(function: Function) -> tuple[str, Span] | None:
    for call in function.calls:
        if call.guard and call.name == "guard":
            return "releases a lock", call.span
    for variable in function.variables.values():
        span = function.span(variable.node) if variable.type.free else None
        if span is not None:
            return f"frees {variable.name}", span
    return None


def _unwinding(function: Function) -> Span | None:
    """The first goto to a label further down that lies at the top of the function."""
    labels: dict[str, Node] = {}
    gotos: list[Node] = []
    queue = [function.node]
    for _ in range(_DEEPEST):
        if not queue:
            break
        node = queue.pop()
        if node.type in ("labeled_statement", "goto_statement"):
            name = node.child_by_field_name("label")
            if name is not None and node.type == "goto_statement":
                gotos.append(node)
            elif name is not None:
                labels[function.text(name)] = node
        queue.extend(node.named_children)
    body = function.node.child_by_field_name("body")
    for jump in sorted(gotos, key=lambda node: node.start_byte):
        name = jump.child_by_field_name("label")
        label = labels.get(function.text(name)) if name is not None else None
        if label is not None and label.start_byte > jump.end_byte and label.parent == body:
            return function.span(jump)
    return None


rule = Rule(
    title="goto unwinding is mixed with cleanup by scope",
    severity=Severity.NOTE,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"guard", "__free"}),
    links=("https://docs.kernel.org/core-api/cleanup.html",),
)
