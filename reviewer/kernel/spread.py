"""From what functions do themselves to what their callers do: level by level."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reviewer.kernel.text import ALLOCATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reviewer.kernel.text import Definition

DEEPEST = 3
"""Calls between a function and what sleeps or frees below it."""

SEEDS = frozenset(
    {
        *("might_sleep", "might_fault", "schedule", "schedule_timeout", "io_schedule"),
        *("io_schedule_timeout", "schedule_hrtimeout", "schedule_hrtimeout_range", ALLOCATES),
        *("wait_event", "wait_event_timeout", "wait_event_interruptible", "wait_event_killable"),
        *("wait_event_interruptible_timeout", "wait_event_freezable"),
    }
)
"""What sleeps where it is called: the primitives of the scheduler, and macros over them."""

FREES: Mapping[str, int] = {
    **dict.fromkeys(("kfree", "kvfree", "vfree", "kfree_sensitive", "kfree_const"), 0),
    **dict.fromkeys(("kfree_skb", "consume_skb", "dev_kfree_skb", "dev_kfree_skb_any"), 0),
    **dict.fromkeys(("free_netdev", "usb_free_urb"), 0),
    "kmem_cache_free": 1,
}
"""What frees, and which argument. Of functions that only drop a reference nothing is said."""


@dataclass
class Calls:
    """Who calls whom in a tree. A name that is local to a file is told apart by its number."""

    callers: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    freeing: dict[tuple[str, int], list[tuple[str, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def add(self, number: int, found: Iterable[Definition]) -> None:
        """Add the definitions of one file."""
        found = list(found)
        local = {each.name for each in found if each.local}

        def key(name: str) -> str:
            return f"{number}:{name}" if name in local else name

        for each in found:
            for name in each.calls:
                self.callers[key(name)].append(key(each.name))
            for callee, argument, parameter in each.frees:
                self.freeing[key(callee), argument].append((key(each.name), parameter))


def sleepers(calls: Calls) -> dict[str, int]:
    """The functions that sleep on every path: 0 by themselves, n through n calls."""
    levels: dict[str, int] = {}
    front = {caller for seed in SEEDS for caller in calls.callers.get(seed, ())} - SEEDS
    for level in range(DEEPEST + 1):
        levels.update(dict.fromkeys(front, level))
        front = {
            caller
            for name in front
            for caller in calls.callers.get(name, ())
            if caller not in levels and caller not in SEEDS
        }
    return {name: level for name, level in levels.items() if ":" not in name}


def freed(calls: Calls) -> dict[str, int]:
    """Which argument a function frees; of several the first."""
    known = set(FREES.items())
    front = set(known)
    for _ in range(DEEPEST):
        front = {pair for each in front for pair in calls.freeing.get(each, ())} - known
        known |= front
    return {name: place for name, place in sorted(known, reverse=True) if ":" not in name}
