"""An object is handed to RCU for freeing before it is out of the readers' reach.

The grace period that `call_rcu()` or `kfree_rcu()` begins waits for the readers of now. One that
comes after it and still finds the object is not waited for. Unlink first, then start the grace
period; a callback that unlinks does so too late as well.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.callees import function_named
from reviewer.c.onward import follows
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_STARTS = re.compile(r"call_rcu(?:_hurry)?\Z|kv?free_rcu\Z|call_srcu\Z")
_UNLINKS = re.compile(r"(?:h?list(?:_nulls|_bl)?)_del(?:_init)?_rcu\Z|hash_del_rcu\Z")
_OBJECT = re.compile(r"&?\s*(\w+)(?:\s*->|\Z)")


def check(source: Source) -> Iterator[Finding]:
    """Removals from a list that come after the start of the grace period."""
    for function in source.touched:
        starts = [call for call in function.calls if _STARTS.match(call.name) and call.arguments]
        unlinks = [call for call in function.calls if _UNLINKS.match(call.name)]
        for start in starts:
            for unlink in unlinks:
                if _object(start) == _object(unlink) and follows(start.node, unlink.node):
                    yield _finding(function, unlink, start, "after")
            yield from _in_callback(source, start)


def _object(call: Call) -> str | None:
    found = _OBJECT.match(call.arguments[0]) if call.arguments else None
    return found[1] if found else None


def _in_callback(source: Source, start: Call) -> Iterator[Finding]:
    if start.name != "call_rcu" or len(start.arguments) != 2:
        return
    callback = function_named(source, start.arguments[1])
    if callback is None:
        return
    owner = {
        store.target
        for store in callback.assignments
        if store.value.startswith("container_of") and len(callback.parameters) == 1
    }
    for unlink in callback.calls:
        if _UNLINKS.match(unlink.name) and _object(unlink) in owner:
            yield _finding(callback, unlink, start, "in the callback of")


def _finding(function: Function, unlink: Call, start: Call, where: str) -> Finding:
    name = _object(unlink)
    return Finding(
        span=unlink.span,
        message=f"{unlink.name}() takes {name} out of the list {where} {start.name}(): "
        "a reader that finds it in between is not waited for",
        function=function.name,
        evidence=(Evidence(start.span, "the grace period is started here"),),
        fix=Fix(f"call {unlink.name}() before {start.name}()"),
    )


rule = Rule(
    title="An object is unlinked after its grace period began",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"call_rcu", "kfree_rcu", "kvfree_rcu", "call_srcu", "call_rcu_hurry"}),
    links=("https://docs.kernel.org/RCU/checklist.html",),
)
