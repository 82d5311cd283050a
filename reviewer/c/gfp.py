"""GFP flags in calls and parameters: which may sleep, which a function was given.

Source of the facts: include/linux/gfp_types.h of Linux 6.12; `__GFP_DIRECT_RECLAIM` is what sleeps.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.facts import gfp_argument

if TYPE_CHECKING:
    from reviewer.c.function import Function
    from reviewer.c.syntax import Call

FLAGS = re.compile(r"\bGFP_[A-Z_]+\b")
SLEEPING = re.compile(r"\bGFP_(?:KERNEL|KERNEL_ACCOUNT|USER|HIGHUSER|NOIO|NOFS)\b")
NOT_SLEEPING = re.compile(r"~\s*__GFP_(?:DIRECT_)?RECLAIM|\?|\bGFP_ATOMIC\b|\bGFP_NOWAIT\b")


def flags_of(call: Call) -> str | None:
    """The GFP flags that a known allocator gets; None when it is not known to take any."""
    place = gfp_argument(call.name)
    if place is None or call.cut or place >= len(call.arguments):
        return None
    return call.arguments[place]


def may_sleep(flags: str) -> bool:
    """Whether an allocation with these flags may sleep, as far as the text tells."""
    return SLEEPING.search(flags) is not None and NOT_SLEEPING.search(flags) is None


def parameter(function: Function) -> str | None:
    """The name of the parameter of type gfp_t; None when there is none, or the header is hidden."""
    for variable in function.parameters:
        if variable.type.name == "gfp_t" and not variable.type.pointer:
            return variable.name
    return None
