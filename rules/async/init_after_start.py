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

_INITS = frozenset(
    {
        *("mutex_init", "spin_lock_init", "raw_spin_lock_init", "spin_lock_init_nested"),
        *("rwlock_init", "init_rwsem", "sema_init", "seqlock_init", "init_srcu_struct"),
        *("init_completion", "init_waitqueue_head", "INIT_WORK", "INIT_DELAYED_WORK"),
        *("timer_setup", "hrtimer_setup", "tasklet_setup", "INIT_LIST_HEAD"),
    }
)
_STARTS = frozenset(
    {
        *("request_irq", "request_threaded_irq", "request_any_context_irq", "kthread_run"),
        *("devm_request_irq", "devm_request_threaded_irq", "devm_request_any_context_irq"),
        *("cdev_add", "misc_register", "register_netdev", "input_register_device"),
        *("snd_card_register", "rc_register_device", "video_register_device"),
        *("rcu_assign_pointer", "device_add_disk", "add_disk", "device_register", "device_add"),
        *("cdev_device_add", "register_netdevice", "ieee80211_register_hw", "wiphy_register"),
        *("hci_register_dev", "ib_register_device", "scsi_add_host", "scsi_add_host_with_dma"),
        *("ata_host_activate", "mmc_add_host", "usb_add_hcd", "usb_add_gadget_udc", "hid_hw_start"),
        *("usb_add_gadget", "i2c_add_adapter", "i2c_add_numbered_adapter", "i3c_master_register"),
        *("spi_register_controller", "devm_spi_register_controller", "uart_add_one_port"),
        *("iio_device_register", "devm_iio_device_register", "watchdog_register_device"),
        *("devm_watchdog_register_device", "gpiochip_add_data", "devm_gpiochip_add_data"),
        *("register_netdevice_notifier", "register_pm_notifier", "dma_async_device_register"),
        *("shrinker_register", "register_shrinker", "napi_enable", "napi_enable_locked"),
    }
)
_REGISTERS = re.compile(r"(?:\w+_)?register(?:_(?!chrdev)\w+)?\Z")
_PRIVATE = re.compile(r"\w+_priv\((\w+)\)\Z|(\w+)->priv\Z")
_DATA_OF = re.compile(r"\w+_get_(?:drv|intf|client|adap|ctrl|dev)?data\((\w+)\)\Z")
_SETS_DATA = re.compile(r"\w+_set_(?:drv|intf|client|adap|ctrl|dev)?data\Z")
_ROOT = re.compile(r"&([A-Za-z_]\w*)(?:->|\.)")


def check(source: Source) -> Iterator[Finding]:
    """An initialisation of a member of the object that an earlier call was given."""
    for function in source.touched_with(_INITS):
        starts = [c for c in function.calls if _starts(source, c.name) and not c.cut]
        allocated = Objects(function, source).allocated if starts else frozenset()
        for init in function.calls if starts else ():
            if init.name not in _INITS or not init.arguments:
                continue
            root = _ROOT.match(init.arguments[0])
            start = _before(function, init, starts, root[1], allocated) if root else None
            if start and _may_use(source, start, member(init.arguments[0]) or ""):
                yield _finding(function, init, start)


def _starts(source: Source, name: str) -> bool:
    """Whether it is a known function, or by its name one of the core: no helper of the file."""
    if name in _STARTS:
        return True
    return _REGISTERS.match(name) is not None and function_named(source, name) is None


def _before(
    function: Function, init: Call, starts: list[Call], root: str, allocated: frozenset[str]
) -> Call | None:
    """The start that the object was given to, and that this comes after."""
    own = re.compile(rf"(?:&\s*)?(?:{'|'.join(_names(function, root))})(?:\s*->.*|\s*\..*)?\Z")
    for start in starts:
        objects = _objects(start)
        given = [each for each in objects if own.match(each)] or _devices(
            function, start, root, objects
        )
        if start.name == "rcu_assign_pointer" and root not in allocated:
            continue
        if given and follows(statement_of(start.node), init.node):
            stores = (a.node.start_byte for a in function.assignments if a.target == root)
            if not any(store > start.node.start_byte for store in stores):
                return start
    return None


def _names(function: Function, root: str) -> set[str]:
    """The variables for the object, also the one whose private part `root` is."""
    names = {root}
    for store in function.assignments:
        part = _PRIVATE.match(store.value) if store.target == root else None
        if part is not None:
            names.add(part[1] or part[2])
    return names


def _devices(function: Function, start: Call, root: str, objects: tuple[str, ...]) -> list[str]:
    """Those of the objects whose driver data `root` is: what their callbacks ask for first.

    The first argument of a managed call is the device that it is bound to.
    """
    names = {
        found[1]
        for store in function.assignments
        if store.target == root and (found := _DATA_OF.match(store.value))
    }
    for call in function.calls:
        before = call.node.start_byte < start.node.start_byte
        if before and _SETS_DATA.match(call.name) and call.arguments[1:] == (root,):
            names.add(call.arguments[0])
    bound = objects[:1] if start.name.startswith("devm_") else ()
    return [each for each in objects if each in names and each not in bound]


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
    if start.name not in _STARTS:  # with the cookie for its callbacks behind the rest
        return tuple(each for each in start.arguments[1:][-1:] if each.isidentifier())
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
    triggers=_INITS,
    links=("https://docs.kernel.org/driver-api/driver-model/driver.html",),
)
