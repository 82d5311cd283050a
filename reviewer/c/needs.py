"""Which calls need a lock that their caller holds, by what the callee says or by its name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.locks import lock_key
from reviewer.c.summaries import needed_by_call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reviewer.c.lockops import LockOp
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_LOCKED = re.compile(r"_locked\Z")


def needs(source: Source, call: Call) -> frozenset[str]:
    """The locks that the call needs; "" for one of its object, by its name."""
    if not call.name.isidentifier():
        return frozenset()
    keys = needed_by_call(source, call)
    return frozenset({""}) if not keys and named_locked(call) else keys


def named_locked(call: Call) -> bool:
    """Whether the name says that the caller holds a lock of the object."""
    return _LOCKED.search(call.name) is not None


def needing(
    release: LockOp, calls: Mapping[int, Call], needy: Mapping[int, frozenset[str]]
) -> dict[int, Call]:
    """The calls behind the release that need its lock."""
    return {
        number: calls[number]
        for number, keys in needy.items()
        if calls[number].node.start_byte > release.call.node.start_byte
        and _is_meant(release, calls[number], keys)
    }


def _is_meant(release: LockOp, call: Call, keys: frozenset[str]) -> bool:
    """Whether the released lock is the one that the call needs, as far as names tell."""
    if release.key in keys:
        return True
    if keys != {""} or not call.arguments:
        return False
    first = lock_key(call.arguments[0])
    return first.isidentifier() and release.key.startswith(f"{first}->")
