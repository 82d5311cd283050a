"""A reference is taken on an object that a lock-free look-up has just found.

The look-up keeps the memory (under RCU) or nothing at all, never the count: by the time of
`kref_get()` the last reference may be gone and the release on its way. Take it with
`kref_get_unless_zero()`, `refcount_inc_not_zero()` or the `_tryget` of the type, and look again
when that fails.

It is fine where the container owns a reference that it gives up only after a grace period, or
where the look-up runs under the lock of those who remove entries.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.after import reachable
from reviewer.c.escapes import LOADS, LOOKUPS, lent_to
from reviewer.c.facts import iterator
from reviewer.c.flow import Kind
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_SAFE_FORM = {
    "kref_get": "kref_get_unless_zero",
    "refcount_inc": "refcount_inc_not_zero",
    "get_device": "kobject_get_unless_zero",
    "kobject_get": "kobject_get_unless_zero",
    "get_page": "get_page_unless_zero",
    "folio_get": "folio_try_get",
    "sock_hold": "refcount_inc_not_zero",
}
_OWNED_BY_LIST = frozenset({"find_task_by_vpid", "find_task_by_pid_ns", "pid_task"})


def check(source: Source) -> Iterator[Finding]:
    """Plain gets of what a look-up found, with no lock held from one to the other."""
    for function in source.touched_with(_SAFE_FORM.keys()):
        gets = [call for call in function.calls if call.name in _SAFE_FORM and call.arguments]
        if not gets:
            continue
        for node, name, how in _found(function):
            if _lockless(function, node):
                after = {each.id for each in reachable(function, node, of=name)}
                for get in gets:
                    if get.node.id in after and _is_on(get, name) and _lockless(function, get.node):
                        yield _finding(function, name, how, get)


def _found(function: Function) -> Iterator[tuple[Node, str, Call]]:
    calls = {call.node.id: call for call in function.calls}
    for store in function.assignments:
        call = calls.get(store.value_node.id)
        if call is None:
            continue
        found = call.name in LOOKUPS - _OWNED_BY_LIST or call.name in LOADS
        if found or lent_to(function, store, call):
            yield store.node, store.target.lstrip("*"), call
    for call in function.calls:
        known = iterator(call.name) if call.loop and not call.cut else None
        if known is not None and known.rcu and known.cursor is not None:
            yield call.node, call.arguments[known.cursor], call


def _is_on(get: Call, name: str) -> bool:
    return re.match(rf"&?\(?{re.escape(name)}\b(?:->\w+)?\)?\Z", get.arguments[0]) is not None


def _lockless(function: Function, node: Node) -> bool:
    """Whether nothing but RCU protects this place, and nothing is hidden."""
    locks = function.flow.at(node)
    return locks.known and locks.reached and all(lock.kind is Kind.RCU for lock in locks.may)


def _finding(function: Function, name: str, how: Call, get: Call) -> Finding:
    in_section = bool(function.flow.at(get.node).must)
    keeps = "RCU keeps its memory, not its count" if in_section else "nothing keeps it until then"
    return Finding(
        span=get.span,
        message=f"{get.name}() on {name}, which {how.name}() has found without a lock: {keeps}, "
        "and the last reference may be gone already",
        function=function.name,
        evidence=(Evidence(how.span, f"{how.name}() finds it here"),),
        fix=Fix(f"use {_SAFE_FORM[get.name]}() and treat failure as not found"),
    )


rule = Rule(
    title="A plain get after a lock-free look-up",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(_SAFE_FORM),
    links=("https://docs.kernel.org/RCU/rcuref.html", "https://docs.kernel.org/core-api/kref.html"),
)
