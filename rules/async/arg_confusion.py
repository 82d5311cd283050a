"""Arguments of a well-known function are swapped, or count in another unit.

Jiffies and milliseconds are both plain integers to the compiler, as are flags and counts. A delay
of `500` jiffies is 0.5 s or 5 s by CONFIG_HZ; `mod_timer()` wants a point in time, not a distance.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.unit import Kind
from reviewer.model import Confidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_JIFFIES: Mapping[str, int] = {
    **dict.fromkeys(("schedule_delayed_work", "wait_for_completion_timeout"), 1),
    **dict.fromkeys(("wait_for_completion_interruptible_timeout",), 1),
    **dict.fromkeys(("queue_delayed_work", "mod_delayed_work"), 2),
    **dict.fromkeys(("wait_event_timeout", "wait_event_interruptible_timeout"), 2),
    **dict.fromkeys(("schedule_timeout", "schedule_timeout_interruptible"), 0),
    **dict.fromkeys(("schedule_timeout_uninterruptible", "schedule_timeout_killable"), 0),
}
"""Which argument, from 0, is a number of jiffies."""

_MILLISECONDS: Mapping[str, int] = {
    **dict.fromkeys(("msleep", "msleep_interruptible", "mdelay", "msecs_to_jiffies"), 0),
    **dict.fromkeys(("usb_control_msg", "usb_control_msg_send", "usb_control_msg_recv"), 8),
    **dict.fromkeys(("usb_bulk_msg", "usb_interrupt_msg"), 5),
}
"""Which argument, from 0, is a number of milliseconds."""

_ALLOCATES = frozenset(
    {"kmalloc", "kzalloc", "kvmalloc", "kvzalloc", "kmalloc_node", "kzalloc_node"}
)
_SETS = frozenset({"memset", "memset_io"})
_LEAST = 20  # a smaller number of jiffies may well be meant as such
_NUMBER = re.compile(r"\d+\Z")
_NAMES_MS = re.compile(r"[A-Za-z_][\w.>-]*_(?:ms|msecs?|MS|MSECS?)(?:\(\))?\Z")
_IN_JIFFIES = re.compile(r"\bHZ\b|jiffies")
_FROM_NOW = re.compile(
    r"(?:msecs_to_jiffies|secs_to_jiffies)\([^()]*\)\Z|(?:\d+ ?\* ?)?HZ(?: ?[*/] ?\d+)?\Z"
)


def check(source: Source) -> Iterator[Finding]:
    """Calls whose arguments are for another place or in another unit."""
    for function in source.touched_with(_NAMES):
        for call in function.calls:
            if call.name in _NAMES and not call.cut:
                found = _wrong(source, call)
                if found is not None:
                    yield Finding(call.span, found[0], function.name, fix=Fix(found[1]))


def _wrong(source: Source, call: Call) -> tuple[str, str] | None:
    """What is wrong, and what to do."""
    if call.name in _JIFFIES:
        return _not_jiffies(source, call)
    if call.name in _MILLISECONDS:
        return _not_milliseconds(call)
    if call.name == "mod_timer":
        return _not_a_time(call)
    return _swapped(call)


def _argument(call: Call, place: int) -> str:
    return call.arguments[place] if place < len(call.arguments) else ""


def _not_jiffies(source: Source, call: Call) -> tuple[str, str] | None:
    text = _argument(call, _JIFFIES[call.name])
    if _NUMBER.match(text) and int(text) >= _LEAST:
        return (
            f"{call.name}() counts in jiffies, so {text} is a time that depends on CONFIG_HZ",
            f"say msecs_to_jiffies() of the time that is meant instead of {text}",
        )
    if _NAMES_MS.match(text) and not _is_jiffies(source, text):
        return (
            f"{call.name}() counts in jiffies, and {text} is milliseconds by its name",
            f"pass msecs_to_jiffies({text})",
        )
    return None


def _is_jiffies(source: Source, text: str) -> bool:
    """Whether the name stands for jiffies all the same, or may: what a macro is must be in view."""
    word = re.escape(re.split(r"->|\.", text)[-1].removesuffix("()"))
    made = re.compile(rf"\b{word}\b(?:\([^()]*\))?[ \t]*(?:=[^=]|[ \t])([^;\n]*)")
    macro = re.compile(rf"#\s*define\s+{word}\b([^\n]*)")
    defined = False
    for unit in source.units:
        if unit.kind is not Kind.FUNCTION and (found := macro.search(unit.text)):
            defined = True
            if not re.fullmatch(r"\s*\(?\d+\)?\s*(?:/\*.*)?", found[1]):
                return True
        if any(_IN_JIFFIES.search(each[1]) for each in made.finditer(unit.text)):
            return True
    return word.isupper() and not defined


def _not_milliseconds(call: Call) -> tuple[str, str] | None:
    text = _argument(call, _MILLISECONDS[call.name])
    if not re.search(r"\bHZ\b|_to_jiffies\(", text):
        return None
    what = "converts milliseconds" if call.name == "msecs_to_jiffies" else "counts in milliseconds"
    return f"{call.name}() {what}, but {text} is jiffies", "pass milliseconds"


def _not_a_time(call: Call) -> tuple[str, str] | None:
    text = _argument(call, 1)
    if not _FROM_NOW.match(text):
        return None
    return (
        f"mod_timer() takes the time when the timer expires, but {text} is only a distance: "
        "it is long past",
        f"pass jiffies + {text}",
    )


def _swapped(call: Call) -> tuple[str, str] | None:
    first, second, third, *_ = (*call.arguments, "", "", "")
    name = call.name
    if name == "alloc_workqueue" and "WQ_" in third and "WQ_" not in second:
        text = f"the flags of alloc_workqueue() come before max_active: {third} is last"
        return text, f"swap {second} and {third}"
    if name in _SETS and third == "0" and second not in ("0", "0x00"):
        text = f"{name}() of length 0 does nothing: {second} stands in the place of the value"
        return text, "pass the value before the length"
    if name in _ALLOCATES and first.startswith("GFP_") and "GFP_" not in second:
        return f"{name}() takes the size before the flags", "swap the arguments"
    if name == "usleep_range" and _NUMBER.match(first) and _NUMBER.match(second):
        text = f"usleep_range() takes the shorter time first, but {first} is the longer"
        return (text, "swap the arguments") if int(first) > int(second) else None
    return None


_NAMES = frozenset(
    {
        *(*_JIFFIES, *_MILLISECONDS, *_ALLOCATES),
        *("mod_timer", "alloc_workqueue", "usleep_range", *_SETS),
    }
)

rule = Rule(
    title="An argument in another place or unit",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_NAMES,
    links=("https://docs.kernel.org/timers/delay_sleep_functions.html",),
)
