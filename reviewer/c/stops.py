"""Calls that stop or start what runs beside a function: work, timers, URBs, requests, DMA."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.c.callees import function_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call


@dataclass(frozen=True, slots=True)
class Cancel:
    """A call that asks to stop and does not wait. `waits`: the form that does, if there is one."""

    what: str  # "the work"
    waits: str | None
    argument: int = 0


CANCELS: Mapping[str, Cancel] = {
    "cancel_work": Cancel("the work", "cancel_work_sync"),
    "cancel_delayed_work": Cancel("the work", "cancel_delayed_work_sync"),
    "kthread_cancel_delayed_work": Cancel("the work", "kthread_cancel_delayed_work_sync"),
    "del_timer": Cancel("the timer", "timer_delete_sync"),
    "timer_delete": Cancel("the timer", "timer_delete_sync"),
    "hrtimer_try_to_cancel": Cancel("the timer", "hrtimer_cancel"),
    "usb_unlink_urb": Cancel("the URB", "usb_kill_urb"),
    "usb_ep_dequeue": Cancel("the request", None, 1),
    "tasklet_disable_nosync": Cancel("the tasklet", "tasklet_kill"),
    "dmaengine_terminate_async": Cancel("the DMA transfer", "dmaengine_terminate_sync"),
}
"""The cancels that return while the callback may still run."""

STOPS: Mapping[str, str] = {
    "usb_kill_urb": "URB",
    "usb_poison_urb": "URB",
    "del_timer_sync": "timer",
    "timer_delete_sync": "timer",
    "timer_shutdown_sync": "timer",
    "hrtimer_cancel": "timer",
    "cancel_work_sync": "work",
    "disable_work_sync": "work",
    "cancel_delayed_work_sync": "work",
    "disable_delayed_work_sync": "work",
    "flush_work": "work",
    "flush_delayed_work": "work",
    "kthread_cancel_work_sync": "work",
    "kthread_cancel_delayed_work_sync": "work",
    "kthread_flush_work": "work",
    "irq_work_sync": "work",
    "tasklet_kill": "tasklet",
    "usb_kill_anchored_urbs": "URBs",
    "usb_poison_anchored_urbs": "URBs",
}
"""The stops that wait, and what they stop. Their first argument names it."""

FOR_GOOD = frozenset(
    {
        "timer_shutdown_sync",
        "timer_shutdown",
        "disable_work_sync",
        "disable_delayed_work_sync",
        "usb_poison_urb",
        "usb_poison_anchored_urbs",
    }
)
"""Those after which it cannot be started again."""

_STARTS: Mapping[str, int] = {
    "usb_submit_urb": 0,
    "mod_timer": 0,
    **dict.fromkeys(("add_timer", "add_timer_on", "add_timer_local", "timer_reduce"), 0),
    **dict.fromkeys(("hrtimer_start", "hrtimer_start_range_ns", "hrtimer_restart"), 0),
    **dict.fromkeys(("schedule_work", "schedule_delayed_work", "irq_work_queue"), 0),
    **dict.fromkeys(("queue_work", "queue_delayed_work", "mod_delayed_work", "queue_rcu_work"), 1),
    **dict.fromkeys(("schedule_work_on", "schedule_delayed_work_on"), 1),
    **dict.fromkeys(("queue_work_on", "queue_delayed_work_on", "mod_delayed_work_on"), 2),
    **dict.fromkeys(("kthread_queue_work", "kthread_queue_delayed_work"), 1),
    "kthread_mod_delayed_work": 1,
    "tasklet_schedule": 0,
    "tasklet_hi_schedule": 0,
}
_SETUPS: Mapping[str, tuple[int, int]] = {
    "INIT_WORK": (0, 1),
    "INIT_DELAYED_WORK": (0, 1),
    "INIT_DEFERRABLE_WORK": (0, 1),
    "INIT_RCU_WORK": (0, 1),
    "kthread_init_work": (0, 1),
    "kthread_init_delayed_work": (0, 1),
    "init_irq_work": (0, 1),
    "timer_setup": (0, 1),
    "setup_timer": (0, 1),
    "hrtimer_setup": (0, 1),
    "tasklet_setup": (0, 1),
    "tasklet_init": (0, 1),
    "usb_fill_bulk_urb": (0, 5),
    "usb_fill_int_urb": (0, 5),
    "usb_fill_control_urb": (0, 5),
}
_LAST = re.compile(r"([A-Za-z_]\w*)(?:\[[^\]]*\])?(?:\.work|\.timer)?\Z")


def member(expression: str) -> str | None:
    """The last name of an expression: "work" of `&x->work`, also with an index behind it."""
    found = _LAST.search(expression.strip().rstrip(")"))
    return found[1] if found else None


def named(call: Call, argument: int) -> str | None:
    """The member that an argument of the call names."""
    if call.cut or argument >= len(call.arguments):
        return None
    return member(call.arguments[argument])


def started(call: Call) -> str | None:
    """The member that the call starts: "work" of `queue_work(wq, &x->work)`."""
    place = _STARTS.get(call.name)
    return None if place is None else named(call, place)


def callbacks(source: Source, name: str) -> Iterator[str]:
    """The functions that are set up as callback of the member of that name, in view."""
    for function in source.functions_with(name):
        for call in function.calls:
            places = _SETUPS.get(call.name)
            if places is None or call.cut or places[1] >= len(call.arguments):
                continue
            if named(call, places[0]) == name or name in _aliases(function, call, places[0]):
                callback = call.arguments[places[1]].lstrip("&")
                if callback.isidentifier():
                    yield callback


def _aliases(function: Function, call: Call, place: int) -> frozenset[str | None]:
    """The members that a local variable is stored to while it stands for what is set up."""
    local, at = call.arguments[place], call.node.start_byte
    if not local.isidentifier():
        return frozenset()
    stores = [each.node.start_byte for each in function.assignments if each.target == local]
    first = max((start for start in stores if start < at), default=0)
    last = min((start for start in stores if start > at), default=function.node.end_byte)
    return frozenset(
        member(each.target)
        for each in function.assignments
        if each.value == local and first < each.node.start_byte < last
    )


def belongs(freed: str, target: str) -> bool:
    """Whether the free takes away what the target lies in, or what hangs on it."""
    if target.startswith("&"):
        rest = target[1:].removeprefix(freed)
        return freed.isidentifier() and rest[:2] == "->" and "->" not in rest[2:]
    return freed.startswith(f"{target}->") or (
        target.startswith(f"{freed}->") and freed.isidentifier()
    )


def mentions(source: Source, function: Function, name: str) -> bool:
    """Whether the word stands in the text of the function or of one that it calls, in view."""
    word = re.compile(rf"\b{re.escape(name)}\b")
    if word.search(function.unit.text):
        return True
    below = (function_named(source, call.name) for call in function.calls)
    return any(callee is not None and word.search(callee.unit.text) for callee in below)


_TEARS_DOWN = re.compile(
    r"(?:^|_)(?:remove|destroy|exit|fini|unbind|shutdown|free|release|teardown|tear_down"
    r"|deinit|uninit|unregister)(?:_|\d|$)|_suspend(?:_noirq|_late)?$"
)


def tears_down(function: Function) -> bool:
    """Whether the name of the function says that nothing may run after it."""
    if function.name is None:
        return False
    if _TEARS_DOWN.search(function.name):
        return True
    # Of a connection in other drivers: the device stays.
    return "disconnect" in function.name and any(
        parameter.type.struct == "usb_interface" for parameter in function.parameters
    )
