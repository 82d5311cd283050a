"""A lock, work or list is initialised after something was started that may use it.

From the moment when an object is registered, its interrupt is requested or its work is queued,
other code runs at the same time. What it finds uninitialised crashes it, and what is initialised
under it is lost. Initialise the whole object first, then make it known.

It is fine where what was started does not touch the object.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.callees import function_named
from reviewer.c.onward import follows, statement_of
from reviewer.c.reach import Objects
from reviewer.c.stops import member, mentions
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_INITS = re.compile(
    r"(?:mutex_init|spin_lock_init|raw_spin_lock_init|rwlock_init|init_rwsem|init_completion"
    r"|init_waitqueue_head|INIT_WORK|INIT_DELAYED_WORK|timer_setup|hrtimer_setup|sema_init"
    r"|tasklet_setup|init_srcu_struct|seqlock_init|INIT_LIST_HEAD|spin_lock_init_nested)\Z"
)
_STARTS = frozenset(
    {
        *("request_irq", "request_threaded_irq", "request_any_context_irq", "kthread_run"),
        *("devm_request_irq", "devm_request_threaded_irq", "devm_request_any_context_irq"),
        *("cdev_add", "misc_register", "register_netdev", "input_register_device"),
        *("snd_card_register", "rc_register_device", "video_register_device"),
        *("rcu_assign_pointer", "device_add_disk"),
    }
)
_ROOT = re.compile(r"&([A-Za-z_]\w*)(?:->|\.)")


def check(source: Source) -> Iterator[Finding]:
    """An initialisation of a member of the object that an earlier call was given."""
    for function in source.touched:
        starts = [c for c in function.calls if c.name in _STARTS and not c.cut]
        allocated = Objects(function, source).allocated if starts else frozenset()
        for init in function.calls if starts else ():
            if not _INITS.match(init.name) or not init.arguments:
                continue
            root = _ROOT.match(init.arguments[0])
            start = _before(function, init, starts, root[1], allocated) if root else None
            if start and _may_use(source, start, member(init.arguments[0]) or ""):
                yield _finding(function, init, start)


def _before(
    function: Function, init: Call, starts: list[Call], root: str, allocated: frozenset[str]
) -> Call | None:
    """The start that the object was given to, and that this comes after."""
    own = re.compile(rf"(?:&\s*)?{root}(?:\s*->.*|\s*\..*)?\Z")
    for start in starts:
        given = [argument for argument in _objects(start) if own.match(argument)]
        if start.name == "rcu_assign_pointer" and root not in allocated:
            continue
        if given and follows(statement_of(start.node), init.node):
            stores = (a.node.start_byte for a in function.assignments if a.target == root)
            if not any(store > start.node.start_byte for store in stores):
                return start
    return None


def _may_use(source: Source, start: Call, name: str) -> bool:
    """Whether the handler uses the member, or is not in view."""
    if "_irq" not in start.name and start.name != "kthread_run":
        return True
    named = (function_named(source, each.lstrip("&")) for each in start.arguments)
    handlers = [handler for handler in named if handler is not None]
    return not handlers or any(mentions(source, handler, name) for handler in handlers)


def _objects(start: Call) -> tuple[str, ...]:
    """The arguments that hand the object itself over: the cookie of an interrupt is the last."""
    if "_irq" in start.name:
        return start.arguments[-1:]
    if start.name == "rcu_assign_pointer":
        return start.arguments[1:]
    if start.name == "kthread_run":
        return start.arguments[1:2]
    return start.arguments


def _finding(function: Function, init: Call, start: Call) -> Finding:
    what = init.arguments[0].removeprefix("&")
    return Finding(
        span=init.span,
        message=f"{what} is only initialised here, but {start.name}() has already made the object "
        "known: who uses it in between finds it uninitialised",
        function=function.name,
        evidence=(Evidence(start.span, "it can be used from here on"),),
        fix=Fix(f"move the {init.name}() before the {start.name}()"),
    )


rule = Rule(
    title="Initialised after it was made known",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_STARTS,
    links=("https://docs.kernel.org/driver-api/driver-model/driver.html",),
)
