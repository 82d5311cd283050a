"""A work is initialised each time before it is queued.

Who else queues, cancels or flushes the work at that moment finds it half made: a pending one is
taken off no list and queued twice, and a cancel before the first time walks into nothing.
Initialise it once, where the object is set up.

It is fine in an object that is made for this one job, and in the last act of an object's life.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.onward import follows
from reviewer.c.reach import Objects, Reach
from reviewer.c.stops import member, started
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_INITS = frozenset(
    {
        *("INIT_WORK", "INIT_DELAYED_WORK", "INIT_DEFERRABLE_WORK", "timer_setup"),
        *("kthread_init_work", "kthread_init_delayed_work", "init_irq_work", "tasklet_setup"),
    }
)
_BEGINS = re.compile(r"start|begin|enable|open|activate|alloc|create|new|setup|connect(?:ed)?\Z")
_MOST = 50  # of one function; each is compared with all calls
_TARGET = re.compile(r"&([A-Za-z_]\w*)(?:->|\.)")


def check(source: Source) -> Iterator[Finding]:
    """An initialisation on a changed row with the start of the same member behind it."""
    for function in source.touched_with(_INITS):
        if sets_up_or_tears_down(function) or _BEGINS.search(function.name or "start"):
            continue
        inits = (call for call in function.calls if call.name in _INITS and call.arguments)
        for init in islice(inits, _MOST):
            if init.cut:
                continue
            new = init.node.start_point[0] in function.unit.changed
            if not new or _TARGET.match(init.arguments[0]) is None:
                continue
            start = _start(function, init)
            reach = Objects(function, source).reach(init.argument_nodes[0])
            if start is not None and reach is not Reach.LOCAL:
                yield _finding(function, init, start)


def _start(function: Function, init: Call) -> Call | None:
    name = member(init.arguments[0])
    for call in function.calls:
        same = name is not None and started(call) == name and init.arguments[0] in call.arguments
        if same and call.node.start_byte > init.node.end_byte and follows(init.node, call.node):
            return call
    return None


def _finding(function: Function, init: Call, start: Call) -> Finding:
    what = init.arguments[0].removeprefix("&")
    return Finding(
        span=init.span,
        message=f"{what} is initialised anew each time before {start.name}(), also when it is "
        "pending or somebody cancels it",
        function=function.name,
        evidence=(Evidence(start.span, "it is queued here"),),
        fix=Fix(f"call {init.name}() once, where the object is set up"),
    )


rule = Rule(
    title="A work is initialised each time it is queued",
    severity=Severity.WARNING,
    confidence=Confidence.HUNCH,
    since="0.1",
    check=check,
    triggers=_INITS,
    compares=True,
    links=("https://docs.kernel.org/core-api/workqueue.html",),
)
