"""An allocation that can start I/O in a path that resumes or resets a USB device.

While the device is being reset or resumed, memory may have to be written out to a disk behind it.
An allocation with GFP_KERNEL can wait for that write, which waits for the reset. Use GFP_NOIO in
pre_reset(), post_reset(), resume() and reset_resume(), and in what they call.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.callees import callers_of
from reviewer.c.gfp import FLAGS
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source

_PATHS = re.compile(r"(?:^|_)(?:pre_reset|post_reset|reset_resume|resume)\Z")
_STARTS_IO = re.compile(r"GFP_KERNEL\b")
_INTERFACE = "struct usb_interface"


def check(source: Source) -> Iterator[Finding]:
    """GFP_KERNEL in these callbacks of a USB driver, and in functions that they call in view."""
    for function in source.touched:
        if "GFP_KERNEL" not in function.unit.text:
            continue
        way = _on_the_way(source, function)
        if way is None:
            continue
        for call in function.calls:
            if any(FLAGS.fullmatch(a) and _STARTS_IO.match(a) for a in call.arguments):
                yield Finding(
                    span=call.span,
                    message=f"{call.name}() with GFP_KERNEL can wait for I/O to the very device "
                    f"that {way[0]}() brings back",
                    function=function.name,
                    evidence=way[1],
                    fix=Fix("use GFP_NOIO"),
                )


def _on_the_way(source: Source, function: Function) -> tuple[str, tuple[Evidence, ...]] | None:
    """The callback that the function is, or that calls it, and the call."""
    if _is_callback(function):
        return function.name or "", ()
    if function.name is None or not function.static:
        return None
    for caller, call in callers_of(source, function.name):
        if _is_callback(caller):
            return caller.name or "", (Evidence(call.span, f"{caller.name}() calls it here"),)
    return None


def _is_callback(function: Function) -> bool:
    if function.name is None or not _PATHS.search(function.name):
        return False
    return any(each.type.name == _INTERFACE for each in function.parameters)


rule = Rule(
    title="GFP_KERNEL in the reset or resume path of a USB device",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"usb_interface"}),
    links=("https://docs.kernel.org/driver-api/usb/power-management.html",),
)
