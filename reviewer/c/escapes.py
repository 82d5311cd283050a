"""Pointers that are found in a critical section and used after it, with nothing to keep them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.c.facts import iterator
from reviewer.c.flow import Kind
from reviewer.c.uses import Touch, uses_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.flow import Held, Locks
    from reviewer.c.function import Function
    from reviewer.c.syntax import Call
    from reviewer.c.uses import ObjectUse, Uses
    from reviewer.model import Span

LOOKUPS = frozenset(
    {
        *("xa_load", "xas_load", "xa_find", "xa_find_after", "idr_find", "idr_get_next"),
        *("idr_get_next_ul", "radix_tree_lookup", "rhashtable_lookup", "rhashtable_lookup_fast"),
        *("rhltable_lookup", "list_first_or_null_rcu", "list_next_or_null_rcu", "mtree_load"),
        *("radix_tree_lookup_slot", "css_from_id"),
        *("find_task_by_vpid", "find_task_by_pid_ns", "pid_task", "interval_tree_iter_first"),
    }
)
"""Look-ups that take no reference: what they return is only as safe as the section around them."""

LOADS = frozenset({"rcu_dereference", "rcu_dereference_bh", "rcu_dereference_sched"})

_SECTIONS = frozenset({Kind.RCU, Kind.SPIN, Kind.MUTEX, Kind.RWSEM})
_LOOKS = re.compile(
    r"\w*(?:cmp|match|equal|_is_|_has_|print|_dbg|_debug|_warn|_info|_unhashed|trace)\w*"
    r"|(?:is|has|to|trace|pr|WARN|BUG|IS_ERR|PTR_ERR|time|READ_ONCE|container_of|debug)_?\w*"
    r"|\w+_(?:err|empty|entry|read|test|log)|test_bit|memcpy|ether_addr_copy|strn?cpy|strscpy"
    r"|(?:un)?likely|rcu_dereference\w*|(?:raw_)?spin_\w*|mutex_\w+|(?:read|write)_(?:un)?lock\w*"
)
_KEEPS = re.compile(r"\w*(?:tryget|try_\w*get|not_zero|unless_zero)\w*|\w+_get|get_\w+|\w+_hold")
_TAKES_OUT = re.compile(
    r"\w*(?:list|hash|hlist|rb|xa|idr|radix_tree|rhashtable)\w*_(?:del|erase|remove|move|splice|replace)\w*"
    r"|list_cut\w*|\w*dequeue\w*|\w*unlink\w*|\w*_remove\w*|\w*detach\w*|rb_erase\w*"
)
_GIVES_UP = re.compile(r"\w*(?:put|unref|free|release|destroy|drop|unpin|dec_and_test|deref\b)\w*")


@dataclass(frozen=True, slots=True)
class Escape:
    """The pointer, how and under what it was found, and its first use behind the section."""

    name: str
    found: Span
    how: str  # "rcu_dereference()", "list_for_each_entry_rcu()"
    held: Held
    use: ObjectUse


@dataclass(frozen=True, slots=True)
class _Found:
    name: str
    node: Node
    span: Span
    how: str
    walk: bool


def escapes(function: Function, kinds: frozenset[Kind]) -> Iterator[Escape]:
    """The pointers found under a section of these kinds, taken in view, that outlive it."""
    if not function.takes_locks:
        return
    found = list(_found(function))
    uses = uses_in(function) if found else None
    for each in found:
        held = _section(function.flow.at(each.node))
        if uses is None or held is None or held.kind not in kinds or _is_kept(function, each.name):
            continue
        use = _first_behind(function, uses, each)
        if use is not None:
            yield Escape(each.name, each.span, each.how, held, use)


def _first_behind(function: Function, uses: Uses, found: _Found) -> ObjectUse | None:
    """The first use on a path that does not make the object ours, with nothing held any more."""

    def keeps(node: Node) -> bool:
        return _keeps(uses, node, found.name)

    for use in uses.after(found.node, found.name, keeps):
        if _counts(use) and function.flow.at(_asked(use.node)).surely_none:
            return use
    return None


def _found(function: Function) -> Iterator[_Found]:
    """Where a plain variable gets an element of something shared."""
    calls = {call.node.id: call for call in function.calls}
    for store in function.assignments:
        call = calls.get(store.value_node.id)
        if call is None or store.operator != "=" or not store.target.lstrip("*").isidentifier():
            continue
        if call.name in LOOKUPS or call.name in LOADS:
            yield _Found(store.target.lstrip("*"), store.node, store.span, f"{call.name}()", False)
    for call in function.calls:
        name = _cursor(call)
        if name is not None:
            yield _Found(name, call.node, call.span, f"{call.name}()", True)


def _cursor(call: Call) -> str | None:
    known = iterator(call.name) if call.loop and not call.cut else None
    if known is None or known.cursor is None or known.container is None:
        return None
    if "list" not in call.name and "hash" not in call.name and not call.name.startswith("xa_"):
        return None
    name = call.arguments[known.cursor] if known.cursor < len(call.arguments) else ""
    return name if name.isidentifier() else None


def _section(locks: Locks) -> Held | None:
    """The section that protects what is found here: a lock before an RCU reader section.

    None when one of them was taken by the caller, who may keep it longer than is shown.
    """
    if not locks.known or not locks.reached or locks.may != locks.must:
        return None
    held = [lock for lock in locks.must if lock.kind in _SECTIONS or lock.kind is Kind.OTHER]
    if not held or any(lock.entry or lock.guard or lock.acquire is None for lock in locks.must):
        return None
    locking = [lock for lock in held if lock.kind is not Kind.RCU]
    return locking[0] if len(locking) == 1 else (held[0] if not locking else None)


def _asked(node: Node) -> Node:
    """The node that the flow knows: of a plain variable the call or return around it."""
    while node.type in ("identifier", "pointer_expression", "parenthesized_expression"):
        above = node.parent
        if above is None:
            break
        node = above
        if node.type == "argument_list" and node.parent is not None:
            node = node.parent
    return node


def _counts(use: ObjectUse) -> bool:
    return use.touch is not Touch.PASSED


def _keeps(uses: Uses, node: Node, name: str) -> bool:
    """Whether the node makes the object ours.

    A reference is taken, it leaves the container, it is marked, or a function that is not known to
    look only gets it while the section lasts.
    """
    call = uses.calls.get(node.id)
    if call is not None:
        if _TAKES_OUT.fullmatch(call.name) or _KEEPS.fullmatch(call.name):
            return True
        return _about(call, name) and not _LOOKS.fullmatch(call.name)
    use = uses.of(node, name)
    return use is not None and use.touch is Touch.WRITE


def _about(call: Call, name: str) -> bool:
    return any(re.match(rf"&?\(?{re.escape(name)}\b", argument) for argument in call.arguments)


def _is_kept(function: Function, name: str) -> bool:
    """Whether the function gives a reference back, or frees the object: then it had one."""
    return any(_GIVES_UP.fullmatch(call.name) and _about(call, name) for call in function.calls)
