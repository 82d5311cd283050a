"""What the surroundings of a place say: who else can be there, and who holds the lock."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reviewer.c.function import Function

_SETUP = re.compile(
    r"init(?!i?ate)|probe|create|alloc|setup|_new(?:_|$)|register(?!ed)"
    r"|exit|free|destroy|release|shutdown|clean_?up|tear_?down|remove|fini(?:_|$)|disconnect"
    r"|unregister|detach|unload|_exit"
)
_OF_ONE = re.compile(r"alloc|free|release|destroy|create")  # entry or number, of many


def sets_up_or_tears_down(function: Function) -> bool:
    """Whether the name says that nobody else can reach the object yet, or any more."""
    return function.name is not None and _SETUP.search(function.name) is not None


def sets_up_the_whole(function: Function) -> bool:
    """The same of a whole device, and not of one entry that `demo_free_tag()` gives back."""
    if function.name is None:
        return False
    return _SETUP.search(_OF_ONE.sub("", function.name)) is not None
