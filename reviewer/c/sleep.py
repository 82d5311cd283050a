"""Calls that can sleep, as far as the name and the arguments tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.c.callees import function_named, may_have_released
from reviewer.c.facts import gfp_argument, sleeps
from reviewer.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.flow import Held, Kind
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

# include/linux/gfp_types.h: these contain __GFP_DIRECT_RECLAIM.
_MAY_RECLAIM = re.compile(r"\bGFP_(?:KERNEL|KERNEL_ACCOUNT|USER|HIGHUSER|NOIO|NOFS)\b")
_NO_RECLAIM = re.compile(r"~\s*__GFP_(?:DIRECT_)?RECLAIM|\?|\bGFP_ATOMIC\b|\bGFP_NOWAIT\b")
_STATEMENTS = frozenset({"expression_statement", "declaration", "return_statement", "if_statement"})
_PERHAPS = frozenset({"conditional_expression", "binary_expression", "compound_statement"})
_OF_XARRAY: frozenset[str] = frozenset({"xa_unlock", "xas_unlock"})  # their families


@dataclass(frozen=True, slots=True)
class Sleep:
    """A call that can sleep where it must not."""

    call: Call
    why: str  # "kzalloc() with GFP_KERNEL can sleep"
    depth: int  # how many calls below it the sleeping one is out of view; 0: what sleeps is shown
    held: Held  # the lock that forbids it
    acquire: Call  # where that was taken
    inner: Call | None = None  # the one that sleeps, when it is in a callee in view

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The call inside of the callee."""
        if self.inner is None:
            return ()
        return (Evidence(self.inner.span, f"{self.call.name}() sleeps here"),)


def sleeps_under(source: Source, function: Function, kinds: frozenset[Kind]) -> Iterator[Sleep]:
    """The calls that can sleep while a lock of these kinds is held on every path to them."""
    if not function.takes_locks:
        return
    in_view = {unit.name for unit in source.function_units} - {function.name}
    for call in function.calls:
        reason = None if call.guard or call.cut else can_sleep(call)
        if reason is None and call.name not in in_view:
            continue
        held = _forbids(function, call, kinds)
        if held is None or held.acquire is None:
            continue
        inner = _sleeps_in(source, call, held) if reason is None else None
        if inner is not None:
            reason = f"{call.name}() calls {inner.name}(), which can sleep", 0
        if reason and not may_have_released(source, function, held, call.node):
            why, depth = reason
            yield Sleep(call, why, depth, held, held.acquire, inner)


def _sleeps_in(source: Source, call: Call, held: Held) -> Call | None:
    """The first call on the main path of a callee in view that can sleep with the lock held."""
    callee = function_named(source, call.name)
    if callee is None or callee.has_gap or callee.has_error:
        return None
    if any(family == held.family for family, _ in callee.flow.dropped):
        return None
    body = callee.node.child_by_field_name("body")
    for inner in callee.calls:
        reason = None if inner.guard or inner.cut or inner.loop else can_sleep(inner)
        if reason is not None and reason[1] == 0 and _statement_in(inner.node) == body:
            return inner
    return None


def _statement_in(node: Node) -> Node | None:
    """What holds the statement of a call that is evaluated whenever the statement is reached."""
    above = node.parent
    while above is not None and above.type not in _STATEMENTS:
        if above.type in _PERHAPS:
            return None
        above = above.parent
    return above.parent if above is not None else None


def can_sleep(call: Call) -> tuple[str, int] | None:
    """Why the call can sleep, and how many calls below it that happens; None: not known to."""
    allocation = gfp_argument(call.name)
    if allocation is not None:
        flags = call.arguments[allocation] if allocation < len(call.arguments) else ""
        if _MAY_RECLAIM.search(flags) and not _NO_RECLAIM.search(flags):
            return f"{call.name}() with {flags} can sleep", 0
        return None
    depth = sleeps(call.name)
    return None if depth is None else (f"{call.name}() can sleep", depth)


def _forbids(function: Function, call: Call, kinds: frozenset[Kind]) -> Held | None:
    """The lock taken first of those under which the call must not sleep.

    `__xa_store()` and its kin drop the lock of the XArray while they allocate.
    """
    dropped = _OF_XARRAY if call.name.startswith("__xa_") else frozenset()
    held = [
        lock
        for lock in function.flow.at(call.node).must
        if lock.kind in kinds and lock.atomic and lock.acquire is not None
        if lock.family not in dropped
    ]
    return min(held, key=lambda lock: lock.acquire.span.line if lock.acquire else 0, default=None)
