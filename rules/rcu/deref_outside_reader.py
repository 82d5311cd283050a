"""An RCU pointer is loaded, or an RCU list walked, outside of any reader section.

Without `rcu_read_lock()` a grace period may end between the load and the use, and what the pointer
leads to is freed. That the caller is in a reader section is ruled out where the function itself
waits for readers or sleeps, and unlikely where it opens a section of its own; a caller in view that
is in none is enough too. Code that holds the lock of the writers says so with
`rcu_dereference_protected()`. Look-ups that document it need the section whatever lock is held.

It is fine with interrupts, bottom halves or preemption disabled, which readers may do instead.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from reviewer.c.abreast import no_reader_beside
from reviewer.c.callees import callers_of
from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.escapes import finds_under_rcu, lent_to
from reviewer.c.facts import needs_reader, readers
from reviewer.c.flow import Kind
from reviewer.c.readers import never_a_reader, outside_reader, own_section
from reviewer.c.walks import RCU_WALK
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_LOADS = frozenset({"rcu_dereference", "rcu_str_deref"})
_CSS_WALKS = frozenset(
    f"{kind}_for_each_descendant_{order}" for kind in ("css", "blkg") for order in ("pre", "post")
) | {"css_for_each_child"}
_ENABLES = frozenset({"spin_lock_irq", "raw_spin_lock_irq", "write_lock_irq"})
_CALLERS = 8  # that are asked whether they are readers
_ARGUMENTS = {
    **dict.fromkeys(("list_for_each_entry_rcu", "hlist_for_each_entry_rcu"), 3),
    **dict.fromkeys(("hash_for_each_rcu", "hash_for_each_possible_rcu"), 4),
    **dict.fromkeys(("for_each_netdev_rcu", "in_dev_for_each_ifa_rcu", "sk_for_each_rcu"), 2),
    "for_each_net_rcu": 1,
}
"""Of walks that ask lockdep for a reader section, unless a condition follows these arguments."""
_HEAD = 3  # arguments of any other walk: cursor, head, member


def check(source: Source) -> Iterator[Finding]:
    """Loads and walks with no reader section, in a function that is no part of one."""
    for function in source.touched:
        if (function.name or "").endswith("_rcu"):
            continue
        calls = []
        for call in function.calls:
            if _is_outside(function, call):
                calls.append(call)
            elif (beside := _beside(function, call)) is not None:
                yield _finding(function, call, (beside,))
        evidence = _evidence(function) if calls else None
        for call in calls:
            why = (evidence,) if evidence else _from_caller(source, function, call)
            if why:
                yield _finding(function, call, why)


def _is_outside(function: Function, call: Call) -> bool:
    """Whether it needs a reader section, and is in none as far as is shown."""
    if call.cut or not call.arguments:
        return False
    if call.loop and call.name in _CSS_WALKS:
        # They assert rcu_read_lock() or cgroup_mutex; a spinlock is not enough.
        return _no_css_lock(function, call)
    if call.loop:
        return _is_plain_walk(call) and function.flow.at(call.node).surely_none
    if call.name in _LOADS or needs_reader(call.name) is not None:
        return outside_reader(function, call.node) and not _in_macro(function, call)
    # By its name alone: a lock that is held may be what it needs as well.
    if not finds_under_rcu(call.name) or not function.flow.at(call.node).surely_none:
        return False
    stores = (store for store in function.assignments if store.value_node == call.node)
    return any(lent_to(function, store, call) for store in stores)


def _in_macro(function: Function, call: Call) -> bool:
    """Whether it is an argument of `foo_in_rcu(..)`, which opens a section around it."""
    return any(
        other.name.endswith("_rcu")
        and other.node.start_byte < call.node.start_byte < other.node.end_byte
        for other in function.calls
        if not other.loop
    )


def _is_plain_walk(call: Call) -> bool:
    """Whether it names no lockdep condition under which it is fine as well."""
    if call.name in _ARGUMENTS:
        return len(call.arguments) <= _ARGUMENTS[call.name]
    return RCU_WALK.match(call.name) is not None and len(call.arguments) <= _HEAD


def _beside(function: Function, call: Call) -> Evidence | None:
    """A call near a load which the patch adds behind a gap, that no reader makes."""
    added = call.node.start_point[0] in function.unit.changed
    if call.name not in _LOADS or call.cut or not added or function.flow.at(call.node).known:
        return None
    hidden = function.flow.at(call.node).may or "rcu_read_" in function.unit.text
    if hidden or _in_macro(function, call):
        return None
    found = no_reader_beside(function, call.node)
    if found is None:
        return None
    return Evidence(found.span, f"{found.name}() is not for callers in a reader section")


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


def _from_caller(source: Source, function: Function, call: Call) -> tuple[Evidence, ...]:
    """A caller in view that is no reader where it calls the function, and why it is none."""
    if function.name is None or (call.name in _CSS_WALKS and call.loop):
        return ()
    for caller, down in islice(callers_of(source, function.name), _CALLERS):
        locks = caller.flow.at(down.node)
        bare = locks.surely_none if call.loop else outside_reader(caller, down.node)
        why = _evidence(caller) if bare and caller.name != function.name else None
        if why is not None:
            return Evidence(down.span, f"{caller.name}() calls it here, in no section"), why
    return ()


def _finding(function: Function, call: Call, evidence: tuple[Evidence, ...]) -> Finding:
    locks = sorted(lock.key for lock in function.flow.at(call.node).must if lock.key)
    what = f"{call.name}({call.arguments[0]})" if call.name in _LOADS else f"{call.name}()"
    mutex = bool(locks) and not call.loop
    quiet = call.loop and sets_up_or_tears_down(function) and call.name not in _CSS_WALKS
    how = f"rcu_dereference_protected() with lockdep_is_held(&{locks[0]})" if mutex else ""
    return Finding(
        span=call.span,
        message=f"{what} runs outside of any RCU reader section: what it finds can be freed "
        "before it is used",
        function=function.name,
        evidence=evidence,
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
        {*_LOADS, *readers(), *_CSS_WALKS, *_ARGUMENTS} | {"rcu_read_lock", "rhashtable_lookup"}
    ),
    links=(
        "https://docs.kernel.org/RCU/checklist.html",
        "https://docs.kernel.org/RCU/lockdep.html",
    ),
)
