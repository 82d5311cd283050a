"""Calls that can sleep, as far as the name and the arguments tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.c.callees import may_have_released
from reviewer.c.facts import gfp_argument, sleeps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.flow import Held, Kind
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

# include/linux/gfp_types.h: these contain __GFP_DIRECT_RECLAIM.
_MAY_RECLAIM = re.compile(r"\bGFP_(?:KERNEL|KERNEL_ACCOUNT|USER|HIGHUSER|NOIO|NOFS)\b")
_NO_RECLAIM = re.compile(r"~\s*__GFP_(?:DIRECT_)?RECLAIM|\?|\bGFP_ATOMIC\b|\bGFP_NOWAIT\b")


@dataclass(frozen=True, slots=True)
class Sleep:
    """A call that can sleep where it must not."""

    call: Call
    why: str  # "kzalloc() with GFP_KERNEL can sleep"
    depth: int  # how many calls below it the sleeping one is; 0: itself
    held: Held  # the lock that forbids it
    acquire: Call  # where that was taken


def sleeps_under(source: Source, function: Function, kinds: frozenset[Kind]) -> Iterator[Sleep]:
    """The calls that can sleep while a lock of these kinds is held on every path to them."""
    if not function.takes_locks:
        return
    for call in function.calls:
        reason = None if call.guard or call.cut else _can_sleep(call)
        held = _forbids(function, call, kinds) if reason else None
        if reason is None or held is None or held.acquire is None:
            continue
        if not may_have_released(source, function, held, call.node):
            why, depth = reason
            yield Sleep(call, why, depth, held, held.acquire)


def _can_sleep(call: Call) -> tuple[str, int] | None:
    allocation = gfp_argument(call.name)
    if allocation is not None:
        flags = call.arguments[allocation] if allocation < len(call.arguments) else ""
        if _MAY_RECLAIM.search(flags) and not _NO_RECLAIM.search(flags):
            return f"{call.name}() with {flags} can sleep", 0
        return None
    depth = sleeps(call.name)
    return None if depth is None else (f"{call.name}() can sleep", depth)


def _forbids(function: Function, call: Call, kinds: frozenset[Kind]) -> Held | None:
    """The lock taken first of those under which the call must not sleep."""
    held = [
        lock
        for lock in function.flow.at(call.node).must
        if lock.kind in kinds and lock.atomic and lock.acquire is not None
    ]
    return min(held, key=lambda lock: lock.acquire.span.line if lock.acquire else 0, default=None)
