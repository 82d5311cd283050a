"""What a lock protects is tested before the lock is taken, and set under it.

Two tasks can both find that the slot is free, then both take the lock one after the other, and the
second overwrites what the first has stored. The test belongs under the same lock as the store.

It is fine where the test is made once more under the lock, or callers exclude each other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.facts import acquirers
from reviewer.c.flow import Kind
from reviewer.c.onward import follows, statement_of
from reviewer.c.reach import Objects, Reach
from reviewer.c.syntax import Use
from reviewer.c.tested import early_exit, is_serialised, reads_of
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.flow import Held
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Assignment

_KINDS = frozenset({Kind.SPIN, Kind.MUTEX, Kind.RWSEM, Kind.OTHER})
_ROOT = re.compile(r"\w+")
_CONSTANT = re.compile(r"[A-Z][A-Z0-9_]*|\d+|true|false")


def check(source: Source) -> Iterator[Finding]:
    """Early exits on a test without lock, of what is then assigned under one."""
    for function in source.touched:
        if not function.takes_locks or function.words.isdisjoint(("return", "goto")):
            continue
        read = {a.text for a in function.accesses if a.use is not Use.WRITE}
        stores = [
            a
            for a in function.assignments
            if a.operator == "=" and not a.declares
            if (a.target in read or a.target.isidentifier()) and _may_be_tested(function, a)
        ]
        objects = Objects(function, source)
        for store in stores:
            held = _taken_here(function, store.node)
            if held is None or held.acquire is None:
                continue
            if objects.reach(store.target_node) is not Reach.SHARED:
                continue
            test = (
                _test(function, store, held.acquire.node)
                if not is_serialised(function, store.target)
                else None
            )
            if test is not None:
                yield from _finding(function, test, store, held)
                break


def _may_be_tested(function: Function, store: Assignment) -> bool:
    """Whether a test of it stands before the store. Asked first: the flow of locks is dearer."""
    known = function.fact(_first_exits)
    value = store.value if _is_zero(store.value) or _CONSTANT.fullmatch(store.value) else ""
    if (store.target, value) not in known:
        reads = reads_of(function, store.target)
        starts = (node.start_byte for node in reads if _exit(function, node, store) is not None)
        known[store.target, value] = next(starts, None)
    first = known[store.target, value]
    return first is not None and first < store.node.start_byte


def _first_exits(_: Function) -> dict[tuple[str, str], int | None]:
    """Where the first test of a target stands that leaves once it has that value."""
    return {}


def _taken_here(function: Function, node: Node) -> Held | None:
    """The one lock that is held at the node, and was taken in this function."""
    held = [lock for lock in function.flow.at(node).must if lock.kind in _KINDS]
    return held[0] if len(held) == 1 and held[0].acquire and not held[0].entry else None


def _test(function: Function, store: Assignment, acquire: Node) -> Node | None:
    """The `if` before the lock that tests the same expression and leaves."""
    found: Node | None = None
    for node in reads_of(function, store.target):
        if node.start_byte >= store.node.start_byte:
            break
        above = _exit(function, node, store)
        if node.start_byte > acquire.start_byte:
            return None
        if above is not None and follows(above, acquire):
            locks = function.flow.at(node)
            if not any(lock.kind in _KINDS for lock in locks.may):
                found = above
    return found


def _exit(function: Function, node: Node, store: Assignment) -> Node | None:
    """The `if` with the test at `node` that leaves once the store is done."""
    above = early_exit(function, node, _is_zero(store.value))
    compared = node.parent
    if above is not None or compared is None or compared.type != "binary_expression":
        return above
    sign = compared.child_by_field_name("operator")
    others = [function.text(side) for side in compared.named_children if side != node]
    if sign is None or sign.type not in ("==", "!=") or len(others) != 1:
        return None
    if _CONSTANT.fullmatch(others[0]) is None or _CONSTANT.fullmatch(store.value) is None:
        return None
    leaves = (sign.type == "==") is (others[0] == store.value)
    return early_exit(function, compared, False) if leaves else None


def _is_zero(value: str) -> bool:
    return value in ("0", "NULL", "false")


def _is_claim(store: Assignment, held: Held, acquire: Node) -> bool:
    """Whether the lock lies beside what is set, and it is set whenever the lock is taken."""
    roots = [_ROOT.match(text) for text in (store.target, held.key)]
    first, second = (root[0] if root else "" for root in roots)
    beside = first == second or (held.key.isidentifier() and "->" not in store.target)
    taken, done = statement_of(acquire), statement_of(store.node)
    return beside and taken.parent == done.parent


def _finding(function: Function, test: Node, store: Assignment, held: Held) -> Iterator[Finding]:
    span = function.span(test)
    if span is None or held.acquire is None:
        return
    yield Finding(
        span=span,
        message=f"{store.target} is tested here without {held.key or held.family}, under which it "
        "is set: two callers can both pass the test",
        function=function.name,
        evidence=(
            Evidence(held.acquire.span, "the lock is only taken here"),
            Evidence(store.span, f"{store.target} is set here"),
        ),
        fix=Fix("test it under the lock"),
        confidence=None if _is_claim(store, held, held.acquire.node) else Confidence.HUNCH,
    )


rule = Rule(
    title="Tested before the lock, set under it",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=acquirers(),
    links=("https://docs.kernel.org/kernel-hacking/locking.html",),
)
