"""A field of an object is stored after the object was published to RCU readers.

From `rcu_assign_pointer()` or `list_add_rcu()` on, readers find the object on other CPUs, and no
lock of the updaters keeps them out: they can read the field before it is stored. Fill in the whole
object first, and publish it last.

It is fine for a field that readers do not use.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.onward import onward, statement_of
from reviewer.c.reach import Objects
from reviewer.c.tested import is_serialised
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Assignment, Call

_ADDS = frozenset(
    {
        *("list_add_rcu", "list_add_tail_rcu", "hlist_add_head_rcu", "hlist_add_tail_rcu"),
        *("hlist_nulls_add_head_rcu", "hash_add_rcu"),
    }
)
_PUBLISHES = _ADDS | {"rcu_assign_pointer"}
_MEMBER = re.compile(r"&\s*(\w+)->")


def check(source: Source) -> Iterator[Finding]:
    """Stores to a new object in the statements right behind the one that publishes it."""
    for function in source.touched_with(_PUBLISHES):
        calls = [call for call in function.calls if call.name in _PUBLISHES and not call.cut]
        allocated = Objects(function, source).allocated if calls else frozenset()
        for call in calls if allocated else ():
            name = _published(call)
            store = _store_after(function, call, name) if name in allocated else None
            if store is not None and not is_serialised(function, name):
                yield _finding(function, call, store, name)


def _published(call: Call) -> str:
    """The variable that points to the object; empty when it is none."""
    at = 1 if call.name in ("rcu_assign_pointer", "hash_add_rcu") else 0
    text = call.arguments[at] if len(call.arguments) > at else ""
    if call.name == "rcu_assign_pointer":
        return text if text.isidentifier() else ""
    member = _MEMBER.match(text)
    return member[1] if member else ""


def _store_after(function: Function, call: Call, name: str) -> Assignment | None:
    """The first store to a field of it, with only other stores between."""
    by_node = {store.node.id: store for store in function.assignments if not store.declares}
    for statement in onward(function, statement_of(call.node)):
        inner = statement.named_children[0] if statement.named_children else statement
        if inner.type == "update_expression":
            continue
        store = by_node.get(inner.id)
        if store is None or store.target == name:
            return None
        if store.operator == "=" and re.match(rf"{name}->\w+(?:\.\w+)*\Z", store.target):
            return store
    return None


def _finding(function: Function, call: Call, store: Assignment, name: str) -> Finding:
    return Finding(
        span=store.span,
        message=f"{store.target} is stored after {call.name}() has made {name} visible: an RCU "
        "reader can find it without",
        function=function.name,
        evidence=(Evidence(call.span, "readers can find it from here on"),),
        fix=Fix(f"store it before the {call.name}()"),
    )


rule = Rule(
    title="A field is stored after the object was published",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_PUBLISHES,
    links=("https://docs.kernel.org/RCU/checklist.html",),
)
