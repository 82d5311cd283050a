"""What an object leads to is given up before the grace period of the object.

A reader that found the object before it was unlinked still follows its pointers until the grace
period is over. What they lead to has to stay as long as the object: free it, or drop the reference
on it, behind `synchronize_rcu()` or in the callback of `call_rcu()`.

It is fine where readers never follow that pointer, or where what it leads to waits for a grace
period of its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.onward import follows
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_UNLINKS = re.compile(
    r"(?:h?list(?:_nulls|_bl)?)_del(?:_init)?_rcu\Z|hash_del_rcu\Z|rhashtable_remove_fast\Z"
)
_WAITS = frozenset({"synchronize_rcu", "synchronize_net", "synchronize_rcu_expedited"})
_LATER = frozenset({"kfree_rcu", "kvfree_rcu", "call_rcu", "call_rcu_hurry"})
_GIVES_UP = frozenset({"kfree", "kvfree", "vfree", "kfree_sensitive", "free_percpu", "kref_put"})
_OBJECT = re.compile(r"&?\s*(\w+)\s*(?:->|\Z)")
_MEMBER = re.compile(r"&?\s*(\w+)\s*->")


def check(source: Source) -> Iterator[Finding]:
    """Members that are given up between the removal of their object and the wait."""
    for function in source.touched_with(_GIVES_UP):
        unlinks = [call for call in function.calls if _UNLINKS.match(call.name)]
        given_up = [c for c in function.calls if unlinks and c.name in _GIVES_UP and not c.cut]
        for call in given_up:
            unlink = _unlink(unlinks, call)
            wait = None if unlink is None else _wait(function, call)
            if unlink is not None and wait is not None:
                yield _finding(function, unlink, call, wait)


def _unlink(unlinks: list[Call], call: Call) -> Call | None:
    """The removal, on the way to the call, of the object whose member it gives up."""
    member = _MEMBER.match(call.arguments[0]) if call.arguments else None
    for unlink in unlinks if member else ():
        object_ = next(filter(None, map(_OBJECT.match, reversed(unlink.arguments[:2]))), None)
        same = member is not None and object_ is not None and object_[1] == member[1]
        if same and not unlink.cut and follows(unlink.node, call.node):
            return unlink
    return None


def _wait(function: Function, call: Call) -> Call | None:
    """The wait for the readers that comes only behind the call."""
    name = _MEMBER.match(call.arguments[0])
    for other in function.calls:
        if other.node.start_byte < call.node.start_byte or not follows(call.node, other.node):
            continue
        if other.name in _WAITS:
            return other
        freed = _OBJECT.match(other.arguments[0]) if other.arguments else None
        if other.name in _LATER and freed and name and freed[1] == name[1]:
            return other
    return None


def _finding(function: Function, unlink: Call, call: Call, wait: Call) -> Finding:
    what = call.arguments[0].lstrip("& ")
    return Finding(
        span=call.span,
        message=f"{call.name}() gives {what} up before {wait.name}(): a reader that found the "
        f"object before {unlink.name}() can still follow it",
        function=function.name,
        evidence=(
            Evidence(unlink.span, f"{unlink.name}() takes it out of the list here"),
            Evidence(wait.span, "readers are waited for only here"),
        ),
        fix=Fix(f"call {call.name}() when the grace period is over"),
    )


rule = Rule(
    title="A part is given up before the grace period of its object",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_WAITS | _LATER,
    links=("https://docs.kernel.org/RCU/checklist.html", "https://docs.kernel.org/RCU/rcuref.html"),
)
