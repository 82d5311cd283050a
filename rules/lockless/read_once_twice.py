"""A shared pointer is tested with READ_ONCE(), and read a second time to be used.

Each `READ_ONCE()` is a load of its own. What was not NULL for the test can be NULL, or another
object, for the use. Read it once into a local variable, test that and use that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.flow import Kind
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_READS = frozenset({"READ_ONCE", "rcu_access_pointer"})
_LOCKS = frozenset({Kind.SPIN, Kind.MUTEX, Kind.RWSEM, Kind.OTHER})


def check(source: Source) -> Iterator[Finding]:
    """Two loads of one expression, of which the later one is followed as a pointer."""
    for function in source.touched:
        first: dict[str, Call] = {}
        for call in function.calls:
            if call.name not in _READS or call.cut or len(call.arguments) != 1:
                continue
            text = call.arguments[0]
            if _is_followed(call.node) and text in first and not _locked(function, call):
                yield _finding(function, first[text], call)
            first.setdefault(text, call)


def _is_followed(node: Node) -> bool:
    above = node.parent
    if above is None or above.type != "field_expression":
        return False
    sign = above.child_by_field_name("operator")
    return sign is not None and sign.type == "->"


def _locked(function: Function, call: Call) -> bool:
    return any(lock.kind in _LOCKS for lock in function.flow.at(call.node).may)


def _finding(function: Function, first: Call, second: Call) -> Finding:
    text = second.arguments[0]
    return Finding(
        span=second.span,
        message=f"{text} is read a second time to be followed; what was tested before may be gone",
        function=function.name,
        evidence=(Evidence(first.span, "read for the first time here"),),
        fix=Fix(f"read {text} once into a local variable, then test and use that"),
    )


rule = Rule(
    title="A shared pointer is tested and read again to be used",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_READS,
    links=("https://docs.kernel.org/core-api/wrappers/memory-barriers.html",),
)
