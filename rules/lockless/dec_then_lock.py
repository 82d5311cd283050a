"""The last reference is dropped, and only then the lock is taken.

Between `atomic_dec_and_test()` and the lock another CPU can find the object, raise the count again
and begin to use it: then it is torn down under a user. `atomic_dec_and_lock()`,
`atomic_dec_and_mutex_lock()`, `refcount_dec_and_lock()` and their kin make it one step.

It is fine when a lookup takes only objects whose count is not zero, as `refcount_inc_not_zero()`
does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_DROPS = frozenset({"atomic_dec_and_test", "atomic_long_dec_and_test", "atomic64_dec_and_test"})
_LOCKS = frozenset(
    {"mutex_lock", "spin_lock", "spin_lock_irq", "spin_lock_irqsave", "spin_lock_bh"}
)
_FROM_ZERO = re.compile(r"(?:inc_not_zero|add_unless|unless_zero|dec_and_(?:raw_)?(?:mutex_)?lock)")
_LEAVES = re.compile(r"\{?\s*(?:return\b[^;]*|goto \w+);\s*\}?\Z")


def check(source: Source) -> Iterator[Finding]:
    """`if (!atomic_dec_and_test(c)) return;` with the lock as the next statement."""
    for function in source.touched:
        for drop in function.calls:
            lock = _lock_after(function, drop) if drop.name in _DROPS else None
            if lock is not None and not _guarded(source, function, drop):
                yield _finding(function, drop, lock)


def _lock_after(function: Function, drop: Call) -> Call | None:
    node: Node | None = drop.node
    while (
        node is not None and node.type != "if_statement" and not node.type.endswith("declaration")
    ):
        node = node.parent
    if node is None or node.type != "if_statement":
        return None
    condition = node.child_by_field_name("condition")
    body = node.child_by_field_name("consequence")
    if condition is None or body is None or not function.text(condition).startswith("(!"):
        return None
    following = node.next_named_sibling
    while following is not None and following.type == "comment":
        following = following.next_named_sibling
    if following is None or not _LEAVES.match(function.text(body)):
        return None
    for call in function.calls:
        if call.name in _LOCKS and call.node.parent == following:
            return call
    return None


def _guarded(source: Source, function: Function, drop: Call) -> bool:
    """Whether something in view takes references only of objects that have one."""
    if not function.flow.at(drop.node).surely_none:
        return True
    return any(_FROM_ZERO.search(unit.text) for unit in source.function_units)


def _finding(function: Function, drop: Call, lock: Call) -> Finding:
    what = lock.arguments[0].lstrip("&") if lock.arguments else "the lock"
    one = "atomic_dec_and_mutex_lock" if lock.name == "mutex_lock" else "atomic_dec_and_lock"
    return Finding(
        span=drop.span,
        message=f"between {drop.name}() and {lock.name}() another CPU can take a reference again; "
        f"the drop to zero and {what} have to be one step",
        function=function.name,
        evidence=(Evidence(lock.span, "the lock is taken only here"),),
        fix=Fix(f"use {one}()"),
    )


rule = Rule(
    title="The lock is taken after the count dropped to zero",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_DROPS,
    links=("https://docs.kernel.org/core-api/refcount-vs-atomic.html",),
)
