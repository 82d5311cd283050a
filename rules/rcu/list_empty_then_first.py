"""An RCU reader takes the first entry of a list after a test that it is not empty.

Readers and updaters run at the same time: the list can become empty between `list_empty()` and
`list_first_entry()`, which then makes an entry out of the list head. `list_first_or_null_rcu()`
loads the pointer once.

It is fine where the lock of the updaters is held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.flow import Kind
from reviewer.c.locks import lock_key
from reviewer.c.reach import Objects, Reach
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.flow import Held
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_FIRST = frozenset({"list_first_entry", "list_entry_rcu", "list_last_entry"})


def check(source: Source) -> Iterator[Finding]:
    """First entries that are taken with nothing but a reader section around them."""
    for function in source.touched:
        firsts = [call for call in function.calls if call.name in _FIRST and not call.cut]
        for call in firsts if function.takes_locks else ():
            section = _section(function, call.node)
            test = _test(function, call) if section is not None else None
            if section is None or section.acquire is None or test is None:
                continue
            if not _is_own(source, function, call):
                yield _finding(function, call, test, section.acquire)


def _is_own(source: Source, function: Function, first: Call) -> bool:
    """Whether the list is one of the function alone."""
    if any(c.name == "LIST_HEAD" and c.arguments == (_head(first),) for c in function.calls):
        return True
    return Objects(function, source).reach(first.argument_nodes[0]) is Reach.LOCAL


def _section(function: Function, node: Node) -> Held | None:
    """The reader section of the function's own that is all that is held; None: more, or less."""
    locks = function.flow.at(node)
    if not locks.known or any(held.kind is not Kind.RCU for held in locks.may):
        return None
    own = [held for held in locks.must if held.acquire is not None and not held.entry]
    return own[0] if own else None


def _test(function: Function, first: Call) -> Call | None:
    """The test of the same list before it."""
    head = _head(first)
    for call in function.calls:
        if call.node.start_byte >= first.node.start_byte:
            return None
        if call.name == "list_empty" and call.arguments and lock_key(call.arguments[0]) == head:
            return call
    return None


def _head(call: Call) -> str:
    key = lock_key(call.arguments[0]) if call.arguments else ""
    return key.removesuffix(".next").removesuffix("->next")


def _finding(function: Function, call: Call, test: Call, section: Call) -> Finding:
    return Finding(
        span=call.span,
        message=f"{_head(call)} can become empty after the list_empty() above: an RCU reader "
        "must load the first entry once",
        function=function.name,
        evidence=(
            Evidence(test.span, "tested here"),
            Evidence(section.span, "only a reader section is held"),
        ),
        fix=Fix("use list_first_or_null_rcu()"),
    )


rule = Rule(
    title="list_empty() and list_first_entry() in an RCU reader",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_FIRST,
    links=("https://docs.kernel.org/RCU/checklist.html",),
)
