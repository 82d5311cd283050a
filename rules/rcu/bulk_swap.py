"""A struct that RCU readers look into is replaced by copying.

`swap()` and struct assignment are plain copies, word by word. A reader that runs at the same time
needs no lock, so it can see half of the old and half of the new struct. A lock around the copy
does not help: readers do not take it. Waiting with `synchronize_rcu()` afterwards does not help
either: the harm is done while the copy runs.

Make the member a pointer, publish the new object with `rcu_replace_pointer()`, and free the old one
after a grace period. It is fine to copy before the object is published.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.rcu import readers_of
from reviewer.c.reach import Objects, Reach
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.model import Span

_MACRO = re.compile(r"[A-Z_][A-Z0-9_]*(?:\(.*\))?", re.DOTALL)
_WAITS = frozenset(
    {"synchronize_rcu", "synchronize_net", "synchronize_rcu_expedited", "synchronize_srcu"}
)


def check(source: Source) -> Iterator[Finding]:
    """Copies into a shared struct, with the RCU readers that prove the race."""
    for function in source.touched:
        objects = Objects(function, source)
        for how, target, other, node, span in _copies(function):
            if _is_struct(objects, target, other) and objects.reach(target) is Reach.SHARED:
                evidence = _evidence(source, function, objects, target, node, swap=how == "swap()")
                if evidence:
                    yield _finding(function, how, function.text(target), evidence, span)


def _copies(function: Function) -> Iterator[tuple[str, Node, Node, Node, Span]]:
    """How it is copied, what is overwritten, the other operand, and where.

    A struct is also assigned to when it is set up, most often from a macro; it is swapped when it
    is in use.
    """
    quiet = sets_up_or_tears_down(function)
    for call in function.calls:
        if call.name == "swap" and len(call.argument_nodes) == 2:
            one, two = call.argument_nodes
            yield "swap()", one, two, call.node, call.span
            yield "swap()", two, one, call.node, call.span
    for store in function.assignments:
        plain = store.operator == "=" and not store.declares
        if plain and not quiet and not _MACRO.fullmatch(store.value):
            how = "this struct assignment"
            yield how, store.target_node, store.value_node, store.node, store.span


def _is_struct(objects: Objects, target: Node, other: Node) -> bool:
    """Whether whole structs are copied: both operands that are in view are structs by value."""
    types = [objects.type(target), objects.type(other)]
    known = [each for each in types if each is not None]
    return bool(known) and all(
        each.struct is not None and not each.pointer and not each.array for each in known
    )


def _evidence(
    source: Source, function: Function, objects: Objects, target: Node, node: Node, *, swap: bool
) -> tuple[Evidence, ...]:
    access = objects.access(target)
    if access is None:
        return ()
    readers = tuple(
        Evidence(read.span, f"{reader.name}() uses {read.text} under rcu_read_lock()")
        for reader, read in readers_of(source, access)
    )[:2]
    waits = tuple(
        Evidence(call.span, "and the function itself waits here for readers under RCU")
        for call in function.calls
        if call.name in _WAITS and call.node.start_byte > node.end_byte
    )[:1]
    return readers + waits if readers or swap else ()


def _finding(
    function: Function, how: str, target: str, evidence: tuple[Evidence, ...], span: Span
) -> Finding:
    return Finding(
        span=span,
        message=f"{how} replaces {target} with plain copies while RCU readers look into it "
        "without the lock: a reader can see it half done",
        function=function.name,
        evidence=evidence,
        fix=Fix(
            f"make {target} an RCU-protected pointer, exchange it with rcu_replace_pointer(), "
            "and free the old one after a grace period"
        ),
    )


rule = Rule(
    title="A struct that RCU readers see is replaced by plain copies",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(
        {"rcu_read_lock", "rcu", "rcu_dereference", *_WAITS},
    ),
    links=("https://docs.kernel.org/RCU/checklist.html",),
)
