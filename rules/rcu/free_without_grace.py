"""An object is taken out of reach of RCU readers and freed at once.

A reader that found it before may still hold the pointer. Between `list_del_rcu()` (or the store of
another pointer) and `kfree()` a grace period has to pass: `kfree_rcu()`, `call_rcu()` or
`synchronize_rcu()`.

It is fine where the object was never reachable, and where readers cannot run any more.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.after import reachable
from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.reach import Objects, Reach
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_Removed = tuple["Node", "Call", str, str, str]
"""Where to begin, the call that removes or publishes, the variable, a note, which readers."""
_UNLINKS = re.compile(
    r"(?:h?list(?:_nulls|_bl)?)_del(?:_init)?_rcu\Z|hash_del_rcu\Z|list_replace_rcu\Z"
)
_FREES = frozenset({"kfree", "kvfree", "vfree", "kfree_sensitive"})
_READS = re.compile(r"(?:rcu_dereference_protected|rtnl_dereference|rcu_replace_pointer)\Z")
_WAITS = re.compile(
    r"synchronize_\w+|\w*call_rcu\w*|k[v]?free_rcu\w*|rcu_barrier\w*|\w*_sync|\w*grace\w*|\w*quiesce\w*"
)
_MEMBER = re.compile(r"&\s*(\w+)\s*->")
_BEFORE, _SINCE = "before", "since"
_STORES = frozenset({"rcu_assign_pointer", "RCU_INIT_POINTER"})


def check(source: Source) -> Iterator[Finding]:
    """Frees that can follow the removal on a path without a wait."""
    for function in source.touched_with(_FREES):
        frees = {c.node.id: c for c in function.calls if c.name in _FREES and len(c.arguments) == 1}
        removed = (
            (*_unlinked(function), *_replaced(function), *_published(function, source))
            if frees
            else ()
        )
        waits = {call.node.id for call in function.calls if _WAITS.fullmatch(call.name)}
        for start, removal, name, note, which in removed:
            free = _first_free(function, start, name, frees, waits)
            if free is not None:
                yield _finding(function, removal, free, note, which)


def _first_free(
    function: Function, start: Node, name: str, frees: Mapping[int, Call], waits: set[int]
) -> Call | None:
    """The first call that frees it on a path that does not wait."""
    for node in reachable(function, start, lambda each: each.id in waits, of=name):
        free = frees.get(node.id)
        if free is not None and free.arguments[0] == name:
            return free
    return None


def _unlinked(function: Function) -> Iterator[_Removed]:
    for call in function.calls:
        member = _MEMBER.match(call.arguments[0]) if call.arguments else None
        if _UNLINKS.match(call.name) and member and member[1] in function.variables:
            note = f"{call.name}() takes it out of the list here"
            yield call.node, call, member[1], note, _BEFORE


def _replaced(function: Function) -> Iterator[_Removed]:
    """Stores over an RCU pointer whose old value was read into a variable."""
    calls: Mapping[int, Call] = {call.node.id: call for call in function.calls}
    for store in function.assignments:
        read = calls.get(store.value_node.id)
        if read is None or not read.arguments or not _READS.match(read.name):
            continue
        name = store.target.lstrip("*")
        if read.name == "rcu_replace_pointer":
            yield store.node, read, name, f"{read.arguments[0]} is replaced here", _BEFORE
        for call in function.calls:
            same = call.name in _STORES and call.arguments[:1] == read.arguments[:1]
            if same and call.node.start_byte > store.node.end_byte:
                yield call.node, call, name, f"{call.arguments[0]} is set anew here", _BEFORE


def _published(function: Function, source: Source) -> Iterator[_Removed]:
    """Objects that the function itself lets readers see, and may take back on an error path."""
    objects = Objects(function, source)
    for call in function.calls:
        if call.name != "rcu_assign_pointer" or len(call.arguments) < 2:
            continue
        variable = function.variables.get(call.arguments[1])
        if variable is None or variable.parameter:
            continue
        if objects.reach(call.argument_nodes[0]) is not Reach.LOCAL:
            note = f"{call.arguments[0]} is set to it here"
            yield call.node, call, variable.name, note, _SINCE


def _finding(function: Function, removal: Call, free: Call, note: str, which: str) -> Finding:
    name = free.arguments[0]
    return Finding(
        span=free.span,
        message=f"{free.name}({name}) does not wait for the RCU readers that found {name} "
        f"{which} {removal.name}()",
        function=function.name,
        evidence=(Evidence(removal.span, note),),
        fix=Fix(f"use kfree_rcu() for {name}, or synchronize_rcu() before it is freed"),
        confidence=Confidence.HUNCH if sets_up_or_tears_down(function) else None,
    )


rule = Rule(
    title="An object is freed with no grace period",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(
        {"list_del_rcu", "hlist_del_rcu", "hlist_del_init_rcu", "hash_del_rcu", "list_replace_rcu"}
        | {"hlist_nulls_del_rcu", "hlist_bl_del_rcu", "rcu_replace_pointer"}
        | _STORES
    ),
    links=(
        "https://docs.kernel.org/RCU/checklist.html",
        "https://docs.kernel.org/RCU/listRCU.html",
    ),
)
