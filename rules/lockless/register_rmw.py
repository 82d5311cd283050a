"""A register that several users share is read, changed and written back without a lock.

Two callers that run at the same time both read the old value, and the one that writes last undoes
what the other has changed. The interrupt core calls the chip's callbacks with the lock of that one
interrupt, gpiolib calls for each line on its own, and the IIO core does not keep reads and writes
of attributes apart: lines and attributes that share a register need a lock around all three steps.

It is fine where each line has a register of its own, where the hardware sets and clears bits by
separate addresses, and where the callers are known to take turns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.c.callees import callers_of
from reviewer.c.locks import IDENTIFIER
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Assignment, Call

_READS = re.compile(
    r"(?:__raw_)?read[bwlq](?:_relaxed)?\Z|ioread(?:8|16|32)(?:be)?\Z|regmap_read\Z"
    r"|i2c_smbus_read_(?:byte|word)_data\Z|\w+_read(?:[bwl]|8|16|32)?(?:_reg|_relaxed)?\Z|in[bwl]\Z"
)
_SERIALISED = re.compile(r"lock|mutex|guard|disable_irq|irq_save|claim|_sync_unlock|bus_sync")
_SHARED = {
    "irq_data": "other interrupts of the chip",
    "gpio_chip": "other lines of the chip",
    "iio_chan_spec": "other attributes of the device",
    "device_attribute": "other attributes of the device",
}
_EXEMPT = re.compile(r"probe|init|setup|resume|suspend|remove|reset|startup|request|valid_mask")


@dataclass(frozen=True, slots=True)
class _Cycle:
    """The read, the write, and what they go to."""

    read: Call
    write: Call
    place: str


def check(source: Source) -> Iterator[Finding]:
    """The first callback that reads a register and writes it back, with no lock in sight."""
    for function in source.touched:
        who = _shares(function)
        if (
            who is None
            or not function.changed
            or function.has_gap
            or _EXEMPT.search(function.name or "init")
        ):
            continue
        if any(_SERIALISED.search(call.name) for call in function.calls) or _kept(source, function):
            continue
        found = next(_cycles(function), None)
        if found is not None:
            yield _finding(function, found, who)
            return


def _shares(function: Function) -> str | None:
    structs = [each.type.struct for each in function.parameters]
    return next((_SHARED[each] for each in structs if each in _SHARED), None)


def _kept(source: Source, function: Function) -> bool:
    """Whether callers may keep others out: they take a lock, or the chip is on a slow bus."""
    if function.must_hold or any("irq_bus_lock" in unit.text for unit in source.units):
        return True
    callers = [caller for caller, _ in callers_of(source, function.name or "")]
    return any(_SERIALISED.search(call.name) for each in callers for call in each.calls)


def _cycles(function: Function) -> Iterator[_Cycle]:
    inputs = {each.name for each in function.parameters[1:]}
    values = [each for each in function.assignments if each.operator == "="]
    for read in function.calls:
        if not _READS.match(read.name) or read.cut or not read.arguments:
            continue
        holder = next((a.target for a in values if _within(read, a)), None)
        if read.name == "regmap_read":
            holder = read.arguments[-1].removeprefix("&")
        if holder is None or not holder.isidentifier():
            continue
        place = _place(read)
        if _depends(function, place, inputs):
            continue
        for write in function.calls:
            if write.name == _writer(read.name) and write.node.start_byte > read.node.end_byte:
                value = [each for each in write.arguments if re.search(rf"\b{holder}\b", each)]
                rest = [each for each in write.arguments if each not in value]
                if value and not write.cut and ", ".join(rest) == place:
                    yield _Cycle(read, write, place)


def _within(call: Call, store: Assignment) -> bool:
    value = store.value_node
    return value.start_byte <= call.node.start_byte and call.node.end_byte <= value.end_byte


def _writer(name: str) -> str:
    return name.replace("read", "write") if "read" in name else name.replace("in", "out")


def _place(read: Call) -> str:
    """What is read, without the variable that regmap_read() stores to."""
    return ", ".join(read.arguments[:-1] if read.name == "regmap_read" else read.arguments)


def _depends(function: Function, place: str, inputs: set[str]) -> bool:
    """Whether the address is of the one line or channel, as far as the names tell."""
    names = set(IDENTIFIER.findall(place))
    if names & inputs or re.search(r"hwirq|offset|\[|chan|pin|irq\b|bank|address", place):
        return True
    locals_ = [each for each in function.assignments if each.target in names]
    return any(
        set(IDENTIFIER.findall(each.value)) & inputs
        or "hwirq" in each.value
        or "chan" in each.value
        for each in locals_
    )


def _finding(function: Function, cycle: _Cycle, who: str) -> Finding:
    return Finding(
        span=cycle.write.span,
        message=f"{cycle.write.name}() puts back what {cycle.read.name}() read, with no lock: what "
        f"{who} have changed in this register in between is lost",
        function=function.name,
        evidence=(Evidence(cycle.read.span, "read here"),),
        fix=Fix("hold a lock from the read to the write, or use regmap_update_bits()"),
    )


rule = Rule(
    title="A shared register is changed without a lock",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(_SHARED),
    links=("https://docs.kernel.org/kernel-hacking/locking.html",),
)
