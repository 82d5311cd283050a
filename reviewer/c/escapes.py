"""Pointers that are found in a critical section and used after it, with nothing to keep them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from reviewer.c.facts import iterator, needs_reader, readers
from reviewer.c.flow import Kind
from reviewer.c.lent import lends_under_rcu
from reviewer.c.onward import statement_of, target_of
from reviewer.c.uses import ObjectUse, Touch, uses_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.flow import Held, Locks
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Assignment, Call
    from reviewer.c.uses import Uses
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

_UNDER_RCU = re.compile(r"\w+_rcu\Z")
_NO_LOOK_UP = re.compile(
    r"(?:\w*_)?(?:\w{0,2}get|hold|lock|alloc|create|request|take|dup|copy"
    r"|add|del|insert|replace|remove|free|put|init|assign|call|start|destroy|release)\d*_"
)

_WALKS = re.compile(r"\w*(?:list|hash)|(?:xas?|sk|idr|radix_tree|mas|mt|plist)_(?:nulls_)?for_each")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_KEPT = re.compile(
    r"\b(?:protected by|hold|held|referen|refcount|refs?\b|pinned|alive|usage_count|cannot go)",
    re.IGNORECASE,
)
_SECTION_WORD = re.compile(r"lock|guard\(")
_MOST = 100  # pointers of one function from which the paths are searched
_FINDS = LOOKUPS | LOADS
_SECTIONS = frozenset({Kind.RCU, Kind.SPIN, Kind.MUTEX, Kind.RWSEM})
_LOOKS = re.compile(
    r"\w*(?:cmp|match|equal|_is_|_has_|print|_dbg|_debug|_warn|_info|_unhashed|trace)\w*"
    r"|(?:is|has|to|trace|pr|WARN|BUG|IS_ERR|PTR_ERR|time|READ_ONCE|container_of|debug)_?\w*"
    r"|\w+_(?:err|empty|entry|read|test|log)|\w+_to_\w+|\w*(?:WARN|BUG)_\w+|test_bit|memcpy|ether_addr_copy|strn?cpy|strscpy"
    r"|(?:un)?likely|rcu_dereference\w*|(?:raw_)?spin_\w*|mutex_\w+|(?:read|write)_(?:un)?lock\w*"
)
# Of those that only look at an object: they surely read what they get a pointer to.
_FOLLOWS = re.compile(
    r"(?:uuid|guid)_(?:equal|is_null|copy)|import_\w+id|mem(?:cpy|cmp|chr)|str[ln]*(?:cmp|cpy|len|casecmp)"
    r"|strscpy|ether_addr_(?:copy|equal)\w*|is_\w+_ether_addr|ipv6_addr_\w+"
)
_ACCESSOR = re.compile(r"\w*(?:rcu|RCU|dereference)|xchg|cmpxchg|READ_ONCE|WRITE_ONCE|swap\Z")
_KEEPS = re.compile(r"\w*(?:tryget|try_\w*get|not_zero|unless_zero)\w*|\w+_get|get_\w+|\w+_hold")
_TAKES_OUT = re.compile(
    r"\w*(?:list|hash|hlist|rb|xa|idr|radix_tree|rhashtable)\w*_(?:del|erase|remove|move|splice|replace)\w*"
    r"|list_cut\w*|\w*dequeue\w*|\w*unlink\w*|\w*_remove\w*|\w*detach\w*|rb_erase\w*"
)
# Not the "put" of input, output, compute.
_GIVES_UP = re.compile(
    r"\w*(?:(?<!in)(?<!out)(?<!com)put|unref|free|release|destroy|drop|unpin|dec_and_test|deref\b)\w*"
)


def finds_under_rcu(name: str) -> bool:
    """Whether what the function returns is good in the caller's reader section only.

    The table of those that say so, and the convention of the name `foo_find_rcu()`
    where it does not speak of a reference, or of a change, too.
    """
    named = _UNDER_RCU.match(name) is not None and _NO_LOOK_UP.match(name) is None
    return named or needs_reader(name) == "lent"


@dataclass(frozen=True, slots=True)
class Escape:
    """The pointer, how and under what it was found, and its first use behind the section."""

    name: str
    found: Span
    how: str  # "rcu_dereference()", "list_for_each_entry_rcu()"
    held: Held
    use: ObjectUse
    foreign: bool  # by a look-up in what others own, whatever this function sets up
    added: bool  # the patch opens the section in a function that did without any


@dataclass(frozen=True, slots=True)
class _Found:
    name: str
    node: Node
    span: Span
    how: str
    foreign: bool
    walk: bool = False


def escapes(
    function: Function, kinds: frozenset[Kind], source: Source | None = None
) -> Iterator[Escape]:
    """The pointers found under a section of these kinds, taken in view, that outlive it.

    With the source also those that a callee in view finds for its caller.
    """
    in_callee = source is not None and "rcu_read_lock" in function.unit.text
    if not function.takes_locks or not (in_callee or _may_find(function)):
        return
    found = list(islice(_found(function, source), _MOST))
    uses = uses_in(function) if found else None
    for each in found:
        held = _section(function.flow.at(each.node))
        if uses is None or held is None or held.kind not in kinds or _is_kept(function, each.name):
            continue
        use = _first_behind(function, uses, each)
        if use is None or _is_explained(function, held, use):
            continue
        if use.touch is not Touch.RETURNED or not _is_held(function, each.name):
            added = _is_added(function, held)
            yield Escape(each.name, each.span, each.how, held, use, each.foreign, added)


def _first_behind(function: Function, uses: Uses, found: _Found) -> ObjectUse | None:
    """The first use on a path that does not make the object ours, with nothing held any more."""

    def keeps(node: Node) -> bool:
        return _keeps(uses, node, found.name)

    hidden = not function.flow.at(found.node).known
    for use in uses.after(found.node, found.name, keeps):
        locks = function.flow.at(_asked(use.node))
        if _counts(use) and locks.reached and not locks.may and (locks.known or hidden):
            return use
    return _taken_along(function, uses, found) if found.walk else None


def used_bare(function: Function, found: Node, name: str) -> ObjectUse | None:
    """The first use of what was found there, before anything makes it ours, with nothing held."""
    uses = uses_in(function)
    for use in uses.after(found, name, lambda node: _keeps(uses, node, name)):
        if _counts(use) and not function.flow.at(_asked(use.node)).may:
            return use
    return None


def _taken_along(function: Function, uses: Uses, found: _Found) -> ObjectUse | None:
    """The first use of an element that leaves the section, and its walk, in another variable."""
    for store in function.assignments:
        plain = store.value == found.name and store.operator == "=" and not store.declares
        inside = found.node.start_byte < store.node.start_byte < found.node.end_byte
        if not (plain and inside and store.target in function.variables):
            continue
        locks = function.flow.at(store.node)
        if not locks.reached or locks.may or _is_ours(function, uses, found, store.node):
            continue
        if _leaves(function, store.node):
            return ObjectUse(store.node, Touch.KEPT, found.name)
        for use in uses.after(store.node, store.target):
            if _counts(use) and not function.flow.at(_asked(use.node)).may:
                return use
    return None


def _is_ours(function: Function, uses: Uses, found: _Found, end: Node) -> bool:
    """Whether a call of the walk before that place may make the element ours."""
    return any(
        found.node.start_byte < call.node.start_byte < end.start_byte
        and _keeps(uses, call.node, found.name)
        for call in function.calls
    )


def _leaves(function: Function, node: Node) -> bool:
    """Whether what follows is a goto to a label that the mail does not show."""
    following = statement_of(node).next_named_sibling
    if following is None or following.type != "goto_statement":
        return False
    return target_of(function, following) is None


def _is_explained(function: Function, held: Held, use: ObjectUse) -> bool:
    """Whether a comment from just before the section to the use says what keeps the object."""
    if held.acquire is None:
        return False
    text = function.unit.text
    start = text.rfind("\n\n", 0, held.acquire.node.start_byte) + 1
    comments = _COMMENT.findall(text[start : use.node.start_byte])
    return any(_KEPT.search(comment) is not None for comment in comments)


def _is_added(function: Function, held: Held) -> bool:
    """Whether the function stood there before without this section, or another in its place."""
    unit = function.unit
    body = function.node.child_by_field_name("body")
    if held.acquire is None or body is None or body.start_point[0] in unit.changed:
        return False
    return (
        held.acquire.node.start_point[0] in unit.changed and _SECTION_WORD.search(unit.gone) is None
    )


def _may_find(function: Function) -> bool:
    """Whether its text has a word that finds something: most need not be read."""
    text, words = function.unit.text, function.words
    if "for_each" in text or "_rcu" in text:
        return True
    return not (_FINDS.isdisjoint(words) and readers().isdisjoint(words))


def _found(function: Function, source: Source | None) -> Iterator[_Found]:
    """Where a plain variable gets an element of something shared."""
    calls = {call.node.id: call for call in function.calls}
    for store in function.assignments:
        call = calls.get(store.value_node.id)
        if call is None or store.operator != "=" or not store.target.lstrip("*").isidentifier():
            continue
        known = call.name in LOOKUPS or call.name in LOADS
        foreign = lent_to(function, store, call)
        if known or foreign or (source is not None and lends_under_rcu(source, call.name)):
            name = store.target.lstrip("*")
            yield _Found(name, store.node, store.span, f"{call.name}()", foreign)
        if call.name in LOADS and call.arguments and "->" in call.arguments[0]:
            yield _Found(call.arguments[0], store.node, store.span, f"{call.name}()", foreign)
    for call in function.calls:
        cursor = _cursor(call)
        if cursor is not None:
            yield _Found(cursor, call.node, call.span, f"{call.name}()", False, walk=True)
            yield from _kept_in(function, call, cursor)


def _kept_in(function: Function, walk: Call, cursor: str) -> Iterator[_Found]:
    """The variables that take an element of the walk out of it: `found = pos;`."""
    element = re.compile(
        rf"{re.escape(cursor)}|container_of\(\s*{re.escape(cursor)}\s*,.*", re.DOTALL
    )
    for store in function.assignments:
        inside = walk.node.start_byte < store.node.start_byte < walk.node.end_byte
        if inside and store.operator == "=" and not store.declares and store.target != cursor:
            variable = function.variables.get(store.target)
            if variable is not None and element.fullmatch(store.value) is not None:
                yield _Found(store.target, store.node, walk.span, f"{walk.name}()", False)


def lent_to(function: Function, store: Assignment, call: Call) -> bool:
    """Whether a pointer variable gets what a function has found for a reader section only."""
    variable = function.variables.get(store.target.lstrip("*"))
    pointer = variable is not None and variable.type.pointer == 1
    return pointer and finds_under_rcu(call.name)


def _cursor(call: Call) -> str | None:
    known = iterator(call.name) if call.loop and not call.cut else None
    if known is None or known.cursor is None or known.container is None:
        return None
    if _WALKS.match(call.name) is None:
        return None
    name = call.arguments[known.cursor] if known.cursor < len(call.arguments) else ""
    return name if name.isidentifier() else None


def _section(locks: Locks) -> Held | None:
    """The section that protects what is found here: a lock before an RCU reader section.

    None when one of them was taken by the caller, who may keep it longer than is shown.
    """
    if not locks.reached or locks.may != locks.must:
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
    passed = use.call if use.touch is Touch.PASSED else None
    if passed is not None and _ACCESSOR.match(passed.name):
        return False
    if passed is None or _FOLLOWS.fullmatch(passed.name) is not None:
        return True
    return _LOOKS.fullmatch(passed.name) is None


def _keeps(uses: Uses, node: Node, name: str) -> bool:
    """Whether the node makes the object ours.

    A reference is taken, it leaves the container, it is marked, or a function that is not known to
    look only gets it while the section lasts.
    """
    call = uses.calls.get(node.id)
    if call is not None:
        if _TAKES_OUT.fullmatch(call.name) or _KEEPS.fullmatch(call.name):
            return True
        return _gets(call, name) and not _LOOKS.fullmatch(call.name)
    use = uses.of(node, name)
    return use is not None and use.touch is Touch.WRITE


def _gets(call: Call, name: str) -> bool:
    """Whether the object itself, or something inside of it, is passed; `p->other` is neither."""
    inside = re.compile(rf"\*?\(?{re.escape(name)}\)?|&\s*\(?{re.escape(name)}\b.*", re.DOTALL)
    return any(inside.fullmatch(argument) for argument in call.arguments)


def _about(call: Call, name: str) -> bool:
    return any(re.match(rf"&?\(?{re.escape(name)}\b", argument) for argument in call.arguments)


def _is_held(function: Function, name: str) -> bool:
    """Whether the function may take a reference for its caller."""
    return any(_KEEPS.fullmatch(call.name) and _about(call, name) for call in function.calls)


def _is_kept(function: Function, name: str) -> bool:
    """Whether the function gives a reference back, or frees the object: then it had one."""
    return any(_GIVES_UP.fullmatch(call.name) and _about(call, name) for call in function.calls)
