"""A device is registered before it can work.

From the registration on user space and other drivers call into the driver, often before the call
has returned: the core of a bus looks for devices at once. A clock or regulator that is switched on
only afterwards, or an interrupt without a handler, makes those calls fail, hang or read nonsense.
Register last.

It is fine where what comes afterwards is not needed by the operations of the interface.
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

_REGISTERS = frozenset(
    {
        *("iio_device_register", "devm_iio_device_register", "counter_register", "counter_add"),
        *("devm_counter_register", "devm_counter_add", "spi_register_controller"),
        *("spi_register_master", "devm_spi_register_controller", "devm_spi_register_master"),
        *("i2c_add_adapter", "i2c_add_numbered_adapter", "devm_i2c_add_adapter"),
        *("mmc_add_host", "register_netdev", "register_candev", "rtc_register_device"),
        *("devm_rtc_register_device", "watchdog_register_device", "uart_add_one_port"),
        *("devm_watchdog_register_device", "video_register_device", "snd_card_register"),
        *("device_add_disk", "add_disk", "ib_register_device", "ieee80211_register_hw"),
        *("hci_register_dev", "usb_add_gadget_udc", "pwmchip_add"),
    }
)
_STEPS = frozenset(
    {
        *("clk_prepare_enable", "clk_enable", "clk_bulk_prepare_enable", "regulator_enable"),
        *("regulator_bulk_enable", "reset_control_deassert", "devm_clk_get_enabled"),
        *("devm_regulator_get_enable", "devm_request_irq", "devm_request_threaded_irq"),
        *("request_irq", "request_threaded_irq", "dma_request_chan", "alloc_workqueue"),
    }
)
# What the driver's own functions are called that bring the hardware up.
_OWN = re.compile(
    r"_(?:hw_?|chip_|device_|sensor_)?(?:reset|setup|init(?:iali[sz]e)?)\Z|_dma_(?:request|init)\Z"
)
_ASIDE = re.compile(
    r"gpio|debug|sysfs|pm_|runtime|trace|led|smbus|alert|slave|target|notif|fs_|event"
)
_PROBE = re.compile(r"probe(?:_|\Z)")


def check(source: Source) -> Iterator[Finding]:
    """The first step of the set-up that comes after the registration in a probe()."""
    for function in source.touched_with(_REGISTERS):
        if function.name and _PROBE.search(function.name):
            registers = [c for c in function.calls if c.name in _REGISTERS and not c.cut]
            for register in registers:
                late = next(_late(function, register), None)
                if late is not None:
                    yield _finding(function, register, late)
                    break


def _late(function: Function, register: Call) -> Iterator[Call]:
    prefix = (function.name or "").split("_")[0] + "_"
    for call in function.calls:
        own = call.name.startswith(prefix) and _OWN.search(call.name)
        step = call.name in _STEPS or (own and not _ASIDE.search(call.name))
        if step and follows(register.node, call.node):
            yield call


def _finding(function: Function, register: Call, late: Call) -> Finding:
    return Finding(
        span=register.span,
        message=f"{register.name}() makes the device known before {late.name}() has been called: "
        "it can be used at once, and is not ready",
        function=function.name,
        evidence=(Evidence(late.span, "set up only here"),),
        fix=Fix(f"call {register.name}() last"),
    )


rule = Rule(
    title="Registered before it is ready",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_REGISTERS,
    links=("https://docs.kernel.org/driver-api/driver-model/driver.html",),
)
