"""The power of a device goes while its interface is still registered.

What a `devm_..._register()` registers stays known until `remove()` has returned. When `remove()`
switches off a clock or regulator, or frees what the interface works with, user space and other
drivers can still call into the driver, on hardware without power or on memory that is gone. The
same happens where `remove()` unregisters by hand, but too late. Undo in the reverse order of the
set-up: after the first step that needs undoing by hand nothing may be managed, or everything must
be, with `devm_clk_get_enabled()`, `devm_regulator_get_enable()` or `devm_add_action_or_reset()`.

It is fine where what is switched off is not needed by the operations of the interface.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.onward import gotos, statement_of, target_of
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_MANAGED = frozenset(
    {
        *("devm_iio_device_register", "devm_counter_register", "devm_counter_add"),
        *("devm_spi_register_controller", "devm_spi_register_master", "devm_i2c_add_adapter"),
        *("devm_hwmon_device_register_with_info", "devm_hwmon_device_register_with_groups"),
        *("devm_gpiochip_add_data", "devm_led_classdev_register", "devm_led_classdev_register_ext"),
        *("devm_rtc_register_device", "devm_rtc_device_register", "devm_pwmchip_add"),
        *("devm_watchdog_register_device", "devm_power_supply_register", "devm_nvmem_register"),
        *("devm_thermal_of_zone_register", "devm_thermal_zone_of_sensor_register"),
        *("devm_hwrng_register", "devm_mbox_controller_register", "devm_register_netdev"),
        *("devm_fpga_mgr_register", "devm_rc_register_device", "devm_fpga_bridge_register"),
        *("devm_extcon_dev_register", "devm_of_phy_provider_register", "devm_devfreq_add_device"),
        "devm_reset_controller_register",
    }
)
_BY_HAND = frozenset(
    {
        *("iio_device_unregister", "counter_unregister", "spi_unregister_controller"),
        *("spi_unregister_master", "i2c_del_adapter", "hwmon_device_unregister"),
        *("gpiochip_remove", "led_classdev_unregister", "watchdog_unregister_device"),
        *("rtc_device_unregister", "pwmchip_remove", "power_supply_unregister"),
        *(
            "unregister_netdev",
            "video_unregister_device",
            "mmc_remove_host",
            "rc_unregister_device",
        ),
        *("mbox_controller_unregister", "thermal_zone_device_unregister", "hwrng_unregister"),
        *("cec_unregister_adapter", "dma_async_device_unregister", "mtd_device_unregister"),
        *("usb_remove_hcd", "usb_del_gadget_udc", "tcpm_unregister_port", "typec_unregister_port"),
        *("usb_role_switch_unregister", "usb_remove_phy", "uart_remove_one_port", "del_gendisk"),
        *("scsi_remove_host", "ib_unregister_device", "unregister_candev", "misc_deregister"),
        *("ieee80211_unregister_hw", "hci_unregister_dev", "rfkill_unregister", "cdev_del"),
        *("drm_dev_unregister", "input_unregister_device", "extcon_dev_unregister"),
    }
)
_POWER = frozenset(
    {
        *("regulator_disable", "regulator_bulk_disable", "clk_disable", "clk_disable_unprepare"),
        *("clk_bulk_disable", "clk_bulk_disable_unprepare", "reset_control_assert"),
        *("reset_control_bulk_assert", "dma_release_channel", "iounmap", "pci_iounmap"),
        *("pci_release_regions", "pci_disable_device", "pci_free_irq_vectors"),
        *("mutex_destroy", "destroy_workqueue"),
    }
)
_BUFFERS = frozenset({"iio_triggered_buffer_cleanup", "iio_kfifo_free", "iio_map_array_unregister"})
_OWN = re.compile(
    r"_(?:power_?(?:down|off)|turn_off|shut_?down|(?:hw_)?disable|clk_disable\w*"
    r"|deallocate_(?:ring|trigger|buffer))\Z"
)
_WRITES = re.compile(r"regmap_(?:write|update_bits|set_bits|clear_bits)\Z|i2c_smbus_write_")
_OFF = re.compile(r"DISABLE|POWER_?(?:DOWN|OFF)|SHUT_?DOWN|STANDBY|SLEEP|SUSPEND|_OFF\b|PWR_?DN")
_OTHER = re.compile(r"INT|IRQ|INTR|WAKE|EVENT|ALERT")
_UNDOES = re.compile(r"unregister|_del_|remove|devm_release|devm_free|devm_remove|_detach|_halt")


def check(source: Source) -> Iterator[Finding]:
    """Managed registrations that outlive a shutdown, and shutdowns before an unregistration."""
    for function in source.touched_with(_MANAGED):
        for register in function.calls:
            if register.name in _MANAGED and not register.cut:
                yield from _outlives(source, function, register)
    for function in source.touched_with(_BY_HAND):
        if _removes(function):
            yield from _too_early(source, function)


def _outlives(source: Source, probe: Function, register: Call) -> Iterator[Finding]:
    remover = _partner(source, probe)
    if remover is not None:
        if any(call.name in _BY_HAND for call in remover.calls):
            return
        off = next(_shutdowns(remover, writes=True), None)
        if (
            off is None
            or _undone_before(remover, off)
            or _was_so(source, (probe, register), (remover, off))
        ):
            return
        yield _managed(probe, register, remover, off)
    elif "probe" in (probe.name or ""):
        off = _undo_on_failure(probe, register)
        if off is not None and not _was_so(source, (probe, register), (probe, off)):
            yield _by_hand(probe, register, off)


def _was_so(source: Source, *places: tuple[Function, Call]) -> bool:
    """Whether all these calls stood there before the patch, perhaps with other arguments."""
    if source.before is None:
        return False
    for function, call in places:
        families = (each for each in (_MANAGED, _BY_HAND) if call.name in each)
        names = next(families, {call.name})
        earlier = source.before.functions_named(function.name or "")
        if not any(each.name in names for old in earlier for each in old.calls):
            return False
    return True


def _removes(function: Function) -> bool:
    return bool(function.name and re.search(r"_remove(?:_|\Z)|\Aremove_", function.name))


def _partner(source: Source, probe: Function) -> Function | None:
    """The remove() that goes with a probe(), by their names."""
    if not probe.name or "probe" not in probe.name:
        return None
    name = probe.name.replace("probe", "remove")
    return next(iter(source.functions_named(name)), None)


def _shutdowns(function: Function, *, writes: bool) -> Iterator[Call]:
    prefix = (function.name or "").split("_")[0] + "_"
    for call in function.calls:
        if call.name in _POWER or call.name in _BUFFERS:
            yield call
        elif call.name.startswith(prefix) and _OWN.search(call.name):
            if not _OTHER.search(call.name.upper()):
                yield call
        elif writes and _WRITES.match(call.name) and not call.cut:
            text = " ".join(call.arguments)
            if _OFF.search(text) and not _OTHER.search(text):
                yield call


def _undone_before(remover: Function, off: Call) -> bool:
    return any(
        _UNDOES.search(call.name) and call.node.start_byte < off.node.start_byte
        for call in remover.calls
    )


def _undo_on_failure(probe: Function, register: Call) -> Call | None:
    """What the failure of the registration shuts down by hand."""
    statement = statement_of(register.node)
    test = statement if statement.type == "if_statement" else statement.next_named_sibling
    if test is None or test.type != "if_statement":
        return None
    arm = test.child_by_field_name("consequence")
    if arm is None:
        return None
    starts = [arm.start_byte, arm.end_byte]
    for goto in gotos(probe):
        if arm.start_byte <= goto.start_byte < arm.end_byte:
            target = target_of(probe, goto)
            if target is None or target.start_byte < arm.end_byte:
                return None
            starts += [target.start_byte, probe.node.end_byte]
    for call in _shutdowns(probe, writes=False):
        at = call.node.start_byte
        if any(first <= at < last for first, last in zip(starts[::2], starts[1::2], strict=True)):
            return call
    return None


def _too_early(source: Source, remover: Function) -> Iterator[Finding]:
    for call in remover.calls:
        if call.name not in _BY_HAND:
            continue
        for off in remover.calls:
            early = off.node.start_byte < call.node.start_byte
            if off.name in _POWER | _BUFFERS and early and not _undone_before(remover, off):
                if not _was_so(source, (remover, off), (remover, call)):
                    yield _late(remover, off, call)
                return


def _managed(probe: Function, register: Call, remover: Function, off: Call) -> Finding:
    return Finding(
        span=register.span,
        message=f"{register.name}() keeps this registered until {remover.name}() has returned, "
        f"which calls {off.name}() before that: it can still be used in between",
        function=probe.name,
        evidence=(Evidence(off.span, f"{remover.name}() shuts down here"),),
        fix=Fix(f"let devm undo what {off.name}() does as well, or unregister first, by hand"),
    )


def _by_hand(probe: Function, register: Call, off: Call) -> Finding:
    return Finding(
        span=register.span,
        message=f"{register.name}() is undone only after remove(), but {off.name}() has to be "
        "called by hand before that: the device can still be used in between",
        function=probe.name,
        evidence=(Evidence(off.span, "undone by hand where the registration fails"),),
        fix=Fix(f"let devm undo what {off.name}() does as well, or register without devm"),
    )


def _late(remover: Function, off: Call, call: Call) -> Finding:
    return Finding(
        span=off.span,
        message=f"{off.name}() comes before {call.name}(): until that the device can still be "
        "used, now without what it needs",
        function=remover.name,
        evidence=(Evidence(call.span, "unregistered only here"),),
        fix=Fix(f"call {call.name}() first"),
    )


rule = Rule(
    title="Shut down while still registered",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_MANAGED | _BY_HAND,
    compares=True,
    links=("https://docs.kernel.org/driver-api/driver-model/devres.html",),
)
