"""An RCU list is changed, or walked by readers, with the plain list operations.

`list_del()` poisons the pointers that a reader is about to follow, `list_add()` publishes an
element before it is whole, and `list_for_each_entry()` in a reader section loads them with no
ordering. Where the same member is used with the `_rcu` forms, these need them too.

It is fine before the element is published, and when no reader is left.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.flow import Kind
from reviewer.c.reach import Objects, Reach
from reviewer.c.walks import RCU_WALK, link_of
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call
    from reviewer.c.walks import Link

_WALK = re.compile(r"h?list_for_each_entry(?:_continue|_from|_reverse)?\Z")
_CHANGE = re.compile(r"(h?list)_(del|del_init|add|add_tail|add_head|replace)\Z")
_LOCKS = frozenset({Kind.SPIN, Kind.MUTEX, Kind.RWSEM, Kind.OTHER})


def check(source: Source) -> Iterator[Finding]:
    """Plain operations on a member that readers in view walk with the _rcu form."""
    walked: dict[Link, tuple[Function, Call]] | None = None
    for function in source.touched:
        plain = [call for call in function.calls if not call.cut and _is_plain(call)]
        if not plain or sets_up_or_tears_down(function):
            continue
        walked = _walked(source) if walked is None else walked
        for call in plain:
            link = link_of(function, call)
            if link in walked and link is not None and _is_wrong(source, function, call):
                yield _finding(function, call, *walked[link])


def _is_plain(call: Call) -> bool:
    return _CHANGE.match(call.name) is not None or (call.loop and bool(_WALK.match(call.name)))


def _walked(source: Source) -> dict[Link, tuple[Function, Call]]:
    """What readers walk: in a section of their own, by the struct and member that is followed."""
    found: dict[Link, tuple[Function, Call]] = {}
    for function in source.functions_with("_rcu"):
        for call in function.calls:
            if call.loop and RCU_WALK.match(call.name):
                link = link_of(function, call)
                if link is not None:
                    found.setdefault(link, (function, call))
    return found


def _is_wrong(source: Source, function: Function, call: Call) -> bool:
    locks = function.flow.at(call.node)
    if call.loop:
        in_reader = any(lock.kind is Kind.RCU for lock in locks.must)
        return in_reader and not any(lock.kind in _LOCKS for lock in locks.may)
    if "add" in call.name and len(call.argument_nodes) > 1:
        return Objects(function, source).reach(call.argument_nodes[1]) is Reach.SHARED
    return True


def _finding(function: Function, call: Call, reader: Function, walk: Call) -> Finding:
    rcu = f"{call.name}_rcu()" if not call.name.endswith("_init") else "list_del_rcu()"
    return Finding(
        span=call.span,
        message=f"{call.name}() on a list that {reader.name}() walks with {walk.name}(): "
        "readers need the _rcu form",
        function=function.name,
        evidence=(Evidence(walk.span, "readers walk it here"),),
        fix=Fix(f"use {rcu}"),
        confidence=None if call.loop else Confidence.HUNCH,
    )


rule = Rule(
    title="A plain list operation on a list that RCU readers walk",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"list_for_each_entry_rcu", "hlist_for_each_entry_rcu"}),
    links=(
        "https://docs.kernel.org/RCU/listRCU.html",
        "https://docs.kernel.org/RCU/checklist.html",
    ),
)
