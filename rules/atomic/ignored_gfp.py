"""A function takes GFP flags from its caller, and allocates with others.

The caller knows whether it may sleep or do I/O, which is why it passes the flags. An allocation
with GFP_KERNEL ignores that and can sleep in atomic context; one with GFP_ATOMIC fails where the
caller could have waited.

It is fine where the function first looks at the flags, or runs the allocation somewhere else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.gfp import FLAGS, flags_of, may_sleep, parameter
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_ASKS = r"gfpflags_allow\w*\s*\(\s*{0}\b|\b{0}\s*[&=!|]|[&=!|]\s*{0}\b|\b{0}\s*\?|\(\s*{0}\s*\)"


def check(source: Source) -> Iterator[Finding]:
    """Hard-coded flags in a function that has a gfp_t parameter and does not look at it."""
    for function in source.touched:
        name = parameter(function) if "gfp_t" in function.unit.text else None
        if name is None or re.search(_ASKS.format(name), function.unit.text):
            continue
        variable = next(each for each in function.parameters if each.name == name)
        for call in function.calls:
            flags = flags_of(call)
            if flags is None or not FLAGS.search(flags) or name in flags:
                continue
            if may_sleep(flags) or not _may_be_atomic(function, call):
                span = function.span(variable.node)
                yield Finding(
                    span=call.span,
                    message=f"{call.name}() allocates with {flags}, although the caller passes "
                    f"{name} for this",
                    function=function.name,
                    evidence=(Evidence(span, "the caller's flags"),) if span else (),
                    fix=Fix(f"use {name}"),
                )
                break


def _may_be_atomic(function: Function, call: Call) -> bool:
    """Whether a lock of the function itself may be why the allocation must not sleep."""
    locks = function.flow.at(call.node)
    return not locks.known or any(lock.atomic for lock in locks.may)


rule = Rule(
    title="GFP flags of the caller are ignored",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"gfp_t"}),
    links=("https://docs.kernel.org/core-api/memory-allocation.html",),
)
