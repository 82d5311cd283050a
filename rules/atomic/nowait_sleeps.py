"""A request that must not wait allocates with flags that can sleep.

Who sets RWF_NOWAIT, IO_URING_F_NONBLOCK and the like wants -EAGAIN rather than a wait. GFP_NOIO
and GFP_NOFS still reclaim memory, and so can block. Use GFP_NOWAIT there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.gfp import flags_of, may_sleep
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.model import Span

_NOWAIT = re.compile(
    r"\(\s*(?:[\w>.()-]+\s*&\s*)?\w*(?:NOWAIT|NONBLOCK|no_?wait|non_?block)\w*\s*\)\Z"
)
_ASKED = re.compile(r"NOWAIT|NONBLOCK|no_?wait|non_?block")
_FLAGS = re.compile(r"GFP_\w+(?:\s*\|\s*__GFP_\w+)*\Z")


def check(source: Source) -> Iterator[Finding]:
    """Sleeping flags in the branch of a condition that asks not to wait."""
    for function in source.touched_with(rule.triggers):
        if not _ASKED.search(function.unit.text):
            continue
        for node, span, flags in _uses(function):
            condition = _nowait(function, node)
            if condition is not None:
                at = function.span(condition)
                yield Finding(
                    span=span,
                    message=f"{flags} can reclaim and sleep, but this is the branch that must not "
                    "wait",
                    function=function.name,
                    evidence=(Evidence(at, "asked not to wait here"),) if at else (),
                    fix=Fix("use GFP_NOWAIT"),
                )


def _uses(function: Function) -> Iterator[tuple[Node, Span, str]]:
    for store in function.assignments:
        if _FLAGS.match(store.value) and may_sleep(store.value):
            yield store.node, store.span, store.value
    for call in function.calls:
        flags = flags_of(call)
        if flags is not None and may_sleep(flags) and "nowait" not in call.name:
            yield call.node, call.span, flags


def _nowait(function: Function, node: Node) -> Node | None:
    """The condition of the nearest branch, when it says not to wait and this is its true side."""
    below, above = node, node.parent
    while above is not None and above.type != "if_statement":
        if above.type in ("function_definition", "while_statement", "switch_statement"):
            return None
        below, above = above, above.parent
    if above is None or above.child_by_field_name("consequence") != below:
        return None
    condition = above.child_by_field_name("condition")
    fits = condition is not None and _NOWAIT.match(function.text(condition))
    return condition if fits else None


rule = Rule(
    title="A branch that must not wait allocates with sleeping flags",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"GFP_KERNEL", "GFP_NOIO", "GFP_NOFS", "GFP_USER", "GFP_KERNEL_ACCOUNT"}),
    links=("https://docs.kernel.org/core-api/memory-allocation.html",),
)
