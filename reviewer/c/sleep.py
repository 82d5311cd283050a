"""Calls that can sleep, as far as the name and the arguments tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.c.facts import gfp_argument, sleeps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.flow import Held, Kind
    from reviewer.c.function import Function
    from reviewer.c.syntax import Call

# include/linux/gfp_types.h: these contain __GFP_DIRECT_RECLAIM.
_MAY_RECLAIM = re.compile(r"\bGFP_(?:KERNEL|KERNEL_ACCOUNT|USER|HIGHUSER|NOIO|NOFS)\b")
_NO_RECLAIM = re.compile(r"~\s*__GFP_(?:DIRECT_)?RECLAIM|\?|\bGFP_ATOMIC\b|\bGFP_NOWAIT\b")


@dataclass(frozen=True, slots=True)
class Sleep:
    """A call that can sleep, why it can, and how many calls deep (0: itself)."""

    call: Call
    why: str
    depth: int


def sleeping_calls(function: Function) -> Iterator[Sleep]:
    """The calls that can sleep, in source order."""
    for call in function.calls:
        if not call.guard and not call.cut and (sleep := _sleep(call)):
            yield sleep


def _sleep(call: Call) -> Sleep | None:
    allocation = gfp_argument(call.name)
    if allocation is not None:
        flags = call.arguments[allocation] if allocation < len(call.arguments) else ""
        if _MAY_RECLAIM.search(flags) and not _NO_RECLAIM.search(flags):
            return Sleep(call, f"{call.name}() with {flags} can sleep", 0)
        return None
    depth = sleeps(call.name)
    if depth is None:
        return None
    return Sleep(call, f"{call.name}() can sleep", depth)


def atomic_at(function: Function, call: Call, kinds: frozenset[Kind]) -> Held | None:
    """A lock of these kinds, held on every path to the call, under which it must not sleep."""
    held = [
        lock
        for lock in function.flow.at(call.node).must
        if lock.kind in kinds and lock.atomic and lock.acquire is not None
    ]
    return min(held, key=lambda lock: lock.acquire.span.line if lock.acquire else 0, default=None)
