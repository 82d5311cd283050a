"""A sum is built inside of a loop that seqcount readers repeat.

`u64_stats_fetch_retry()` and `read_seqretry()` send the reader round again when a writer came in
between. What the first round added to the sum stays there, and is counted twice. Read the values
into local variables inside the loop, and add them after it.

It is fine when the sum is set again at the top of the loop.
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

_RETRIES = frozenset(
    {
        *("u64_stats_fetch_retry", "u64_stats_fetch_retry_irq", "u64_stats_fetch_retry_bh"),
        *("read_seqretry", "read_seqcount_retry"),
    }
)


def check(source: Source) -> Iterator[Finding]:
    """Compound assignments in the body of a do-while loop that is repeated by such a call."""
    for function in source.touched:
        for call in function.calls:
            body = _repeated(call) if call.name in _RETRIES else None
            if body is not None:
                yield from _sums(function, call, body)


def _repeated(call: Call) -> Node | None:
    """The body of the loop whose condition the call is."""
    node = call.node
    while node.parent is not None and not node.parent.type.endswith("statement"):
        node = node.parent
    loop = node.parent
    if loop is None or loop.type != "do_statement":
        return None
    return (
        loop.child_by_field_name("body") if loop.child_by_field_name("condition") == node else None
    )


def _sums(function: Function, call: Call, body: Node) -> Iterator[Finding]:
    inside = [
        store
        for store in function.assignments
        if body.start_byte <= store.node.start_byte < body.end_byte
    ]
    reset: set[str] = set()
    for store in inside:
        if store.operator == "=":
            reset.add(store.target)
        elif store.operator in ("+=", "-=") and not _is_reset(store.target, reset):
            if any(lock.kind is Kind.SPIN for lock in function.flow.at(store.node).may):
                return  # the writer's side: it leaves the loop with the lock
            yield Finding(
                span=store.span,
                message=f"{store.target} is added to in a loop that {call.name}() can repeat: "
                "a second round counts twice",
                function=function.name,
                evidence=(Evidence(call.span, "the loop is repeated here"),),
                fix=Fix("read into a local variable in the loop, and add it after the loop"),
            )
            return


def _is_reset(target: str, reset: set[str]) -> bool:
    base = target.partition("->")[0].partition("[")[0].partition(".")[0].strip("*( ")
    return target in reset or base in reset


rule = Rule(
    title="A sum is built in a loop that readers repeat",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_RETRIES,
    links=("https://docs.kernel.org/locking/seqlock.html",),
)
