"""An RCU pointer is loaded, or an RCU list walked, outside of any reader section.

Without `rcu_read_lock()` a grace period may end between the load and the use, and what the pointer
leads to is freed. That the caller is in a reader section is ruled out where the function itself
waits for readers or sleeps, and unlikely where it opens a section of its own. Code that holds the
lock of the writers says so with `rcu_dereference_protected()`.

It is fine with interrupts, bottom halves or preemption disabled, which readers may do instead.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.flow import Kind
from reviewer.c.readers import never_a_reader, outside_reader, own_section
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_LOADS = frozenset({"rcu_dereference"})
_WALK = re.compile(r"h?list_for_each_entry(?:_continue|_from)?_rcu\Z")
_LOOKUPS = frozenset(
    {"find_task_by_vpid", "find_task_by_pid_ns", "dev_get_by_index_rcu", "dev_get_by_name_rcu"}
)
_CSS_WALKS = frozenset(
    f"{kind}_for_each_descendant_{order}" for kind in ("css", "blkg") for order in ("pre", "post")
) | {"css_for_each_child"}
_ENABLES = frozenset({"spin_lock_irq", "raw_spin_lock_irq", "write_lock_irq"})
_HEAD = 3  # arguments of a walk that has no lockdep condition: cursor, head, member


def check(source: Source) -> Iterator[Finding]:
    """Loads and walks with no reader section, in a function that is no part of one."""
    for function in source.touched:
        if (function.name or "").endswith("_rcu"):
            continue
        calls = [call for call in function.calls if _is_outside(function, call)]
        evidence = _evidence(function) if calls else None
        if evidence is None:
            continue
        for call in calls:
            yield _finding(function, call, evidence)


def _is_outside(function: Function, call: Call) -> bool:
    """Whether it needs a reader section, and is in none as far as is shown."""
    if call.cut or not call.arguments:
        return False
    if call.loop and call.name in _CSS_WALKS:
        # They assert rcu_read_lock() or cgroup_mutex; a spinlock is not enough.
        return _no_css_lock(function, call)
    if call.loop:
        plain = _WALK.match(call.name) is not None and len(call.arguments) <= _HEAD
        return plain and function.flow.at(call.node).surely_none
    needs = call.name in _LOADS or call.name in _LOOKUPS
    return needs and outside_reader(function, call.node)


def _no_css_lock(function: Function, call: Call) -> bool:
    locks = function.flow.at(call.node)
    ours = (lock.kind is Kind.SPIN and not lock.entry for lock in locks.may)
    return locks.known and locks.reached and all(ours)


def _evidence(function: Function) -> Evidence | None:
    """Why no caller can be the reader."""
    sleeper = never_a_reader(function)
    if sleeper is not None:
        return Evidence(
            sleeper.span, f"{sleeper.name}() can sleep, so no caller is in a reader section"
        )
    section = own_section(function)
    if section is not None:
        return Evidence(section.span, "the function opens a reader section of its own here")
    for call in function.calls:
        if call.name in _ENABLES:
            return Evidence(call.span, f"{call.name}() is for callers that hold nothing")
    return None


def _finding(function: Function, call: Call, evidence: Evidence) -> Finding:
    locks = sorted(lock.key for lock in function.flow.at(call.node).must if lock.key)
    what = f"{call.name}({call.arguments[0]})" if not call.loop else f"{call.name}()"
    mutex = bool(locks) and not call.loop
    quiet = call.loop and sets_up_or_tears_down(function) and call.name not in _CSS_WALKS
    how = f"rcu_dereference_protected() with lockdep_is_held(&{locks[0]})" if mutex else ""
    return Finding(
        span=call.span,
        message=f"{what} runs outside of any RCU reader section: what it finds can be freed "
        "before it is used",
        function=function.name,
        evidence=(evidence,),
        fix=Fix(f"use {how}" if how else "take rcu_read_lock() around the load and all uses"),
        confidence=Confidence.HUNCH if quiet else None,
    )


rule = Rule(
    title="An RCU pointer is loaded outside of a reader section",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(
        {*_LOADS, *_LOOKUPS, *_CSS_WALKS, "list_for_each_entry_rcu", "hlist_for_each_entry_rcu"}
    ),
    links=(
        "https://docs.kernel.org/RCU/checklist.html",
        "https://docs.kernel.org/RCU/lockdep.html",
    ),
)
