"""Something is cancelled without waiting for it, and then what it works on is freed.

`cancel_work()`, `timer_delete()`, `usb_unlink_urb()` and `usb_ep_dequeue()` return at once: the
callback may be running, on this or another CPU, and uses the object after it is freed. Use the form
that waits. The same holds in functions that suspend or remove a device.

It is fine where something else waits: a flush, the destruction of the workqueue, a completion.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from reviewer.c.after import reachable
from reviewer.c.stops import CANCELS, STOPS, belongs, member, named, started, tears_down
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.stops import Cancel
    from reviewer.c.syntax import Call

_WAITS = re.compile(
    r"_sync\b|flush|destroy_workqueue|wait|synchronize|usb_kill_|usb_poison|tasklet_kill|join|drain"
    r"|usb_ep_disable|kthread_stop|hrtimer_cancel|napi_disable"
)
_FREES = frozenset({"kfree", "kvfree", "vfree", "kfree_sensitive", "kmem_cache_free"})
_FREES_REQUEST = frozenset({"usb_ep_free_request", "usb_free_coherent"})
_MOST = 100  # of one function; the paths from each are searched


def check(source: Source) -> Iterator[Finding]:
    """Cancels that do not wait, before a free or in a function that tears down."""
    for function in source.touched_with(CANCELS.keys()):
        for call in islice((c for c in function.calls if c.name in CANCELS), _MOST):
            cancel = CANCELS.get(call.name) if call.statement and not call.cut else None
            if cancel is None or cancel.argument >= len(call.arguments):
                continue
            target = call.arguments[cancel.argument]
            freed = _freed(function, call, target)
            if freed is not None:
                yield _finding(function, call, cancel, target, freed)
            elif cancel.waits and _must_be_quiet(function, call, target):
                yield _finding(function, call, cancel, target, None)


def _freed(function: Function, cancel: Call, target: str) -> Call | None:
    """The free of the object, or of its buffer, that runs after the cancel without a wait."""
    calls = {call.node.id: call for call in function.calls}

    def waits(node: Node) -> bool:
        call = calls.get(node.id)
        return call is not None and _WAITS.search(call.name) is not None

    for node in reachable(function, cancel.node, waits):
        call = calls.get(node.id)
        if call is None or not call.arguments:
            continue
        if call.name in _FREES and belongs(call.arguments[-1], target):
            return call
        if call.name in _FREES_REQUEST and target in call.arguments:
            return call
    return None


def _must_be_quiet(function: Function, cancel: Call, target: str) -> bool:
    """Whether nothing may run after the function, which neither waits otherwise nor starts it."""
    if not tears_down(function) or not target.startswith("&") or function.has_gap:
        return False
    if cancel.name == "usb_unlink_urb" or function.flow.at(cancel.node).may:
        return False
    if _says_why(function, cancel):
        return False
    name = member(target)
    return not any(
        started(call) == name
        or (_WAITS.search(call.name) and (call.name not in STOPS or named(call, 0) == name))
        for call in function.calls
    )


def _says_why(function: Function, cancel: Call) -> bool:
    """Whether the lines above it speak of waiting."""
    above = function.unit.text[: cancel.node.start_byte].splitlines()[-5:]
    return any(("*" in line or "//" in line) and "sync" in line for line in above)


def _finding(
    function: Function, call: Call, cancel: Cancel, target: str, freed: Call | None
) -> Finding:
    message = f"{call.name}() does not wait: {cancel.what} of {target} may still run"
    evidence: tuple[Evidence, ...] = ()
    if freed is not None:
        message += f" when {freed.name}({', '.join(freed.arguments)}) frees what it uses"
        evidence = (Evidence(freed.span, "it is freed here"),)
    else:
        message += f" after {function.name}()"
    how = f"use {cancel.waits}()" if cancel.waits else "wait for its completion before the free"
    return Finding(call.span, message, function.name, evidence, Fix(how))


rule = Rule(
    title="A cancel that does not wait, before a free",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(CANCELS),
    links=("https://docs.kernel.org/core-api/workqueue.html",),
)
