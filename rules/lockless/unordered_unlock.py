"""A bit or an atomic variable that serves as a lock is released without ordering.

`test_and_set_bit()` and `atomic_cmpxchg()` keep what follows behind them. `clear_bit()` and
`atomic_set()` order nothing: stores of the section can become visible after the bit is clear, when
the next owner is already in. Use `clear_bit_unlock()` or `atomic_set_release()`.

It is fine after `smp_mb__before_atomic()`, and under a lock that is released afterwards only if all
users of the bit take that lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.locks import lock_key
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_TAKES = {
    "test_and_set_bit": ("clear_bit", 2, "clear_bit_unlock"),
    "atomic_cmpxchg": ("atomic_set", 1, "atomic_set_release"),
    "atomic_xchg": ("atomic_set", 1, "atomic_set_release"),
    "xchg": ("WRITE_ONCE", 1, "smp_store_release"),
    "cmpxchg": ("WRITE_ONCE", 1, "smp_store_release"),
}
_ORDERS = ("smp_mb", "smp_wmb", "smp_store_release", "__before_atomic", "barrier")


def check(source: Source) -> Iterator[Finding]:
    """A release on the main path of a function that took the bit and left if it was taken."""
    for function in source.touched:
        for take in function.calls:
            if take.name in _TAKES and not take.cut and _leaves_if_taken(take):
                yield from _release(function, take)


def _leaves_if_taken(take: Call) -> bool:
    """Whether the function returns when somebody else has the bit."""
    node: Node | None = take.node
    while node is not None and not node.type.endswith(("statement", "declaration")):
        node = node.parent
    if node is None or node.type != "if_statement":
        return False
    body = node.child_by_field_name("consequence")
    if body is not None and body.type == "compound_statement" and body.named_child_count:
        body = body.named_children[-1]
    return body is not None and body.type == "return_statement"


def _release(function: Function, take: Call) -> Iterator[Finding]:
    name, count, instead = _TAKES[take.name]
    for call in function.calls:
        if call.name != name or call.cut or call.node.start_byte < take.node.end_byte:
            continue
        same = [lock_key(a) for a in call.arguments[:count]] == [
            lock_key(a) for a in take.arguments[:count]
        ]
        if same and _on_main_path(function, call) and not _ordered(function, call):
            if (
                name != "clear_bit"
                and call.arguments[1] != take.arguments[1]
                and name == "WRITE_ONCE"
            ):
                continue
            yield _finding(function, take, call, instead)


def _on_main_path(function: Function, call: Call) -> bool:
    """Whether it is a statement of the function's own block, maybe behind a label."""
    node = call.node.parent
    while node is not None and node.type in ("expression_statement", "labeled_statement"):
        node = node.parent
    return call.statement and node is not None and node == function.node.child_by_field_name("body")


def _ordered(function: Function, call: Call) -> bool:
    row = call.node.start_point[0]
    before = "\n".join(function.place.rows[max(0, row - 3) : row])
    return any(word in before for word in _ORDERS)


def _finding(function: Function, take: Call, call: Call, instead: str) -> Finding:
    return Finding(
        span=call.span,
        message=f"{call.name}() releases what {take.name}() took like a lock, but orders nothing: "
        "the next owner may not see the stores of this one",
        function=function.name,
        evidence=(Evidence(take.span, "taken here"),),
        fix=Fix(f"use {instead}()"),
    )


rule = Rule(
    title="A bit that serves as a lock is released without order",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(_TAKES),
    links=(
        "https://docs.kernel.org/core-api/wrappers/atomic_bitops.html",
        "https://docs.kernel.org/core-api/wrappers/atomic_t.html",
    ),
)
