"""An element is removed from the container that is being walked.

`list_for_each_entry()` reads the next pointer from the element of this round: when the body has
removed or freed it, that pointer is poison or gone. Use the `_safe` form, which reads it before. A
callback of `idr_for_each()` that removes entries frees the nodes which the walk stands on; that is
safe only inside an RCU reader section.

It is fine to remove an element and then leave the loop.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.callees import calls_below, function_named
from reviewer.c.facts import freed_argument, iterator
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_WALKS = re.compile(r"h?list_for_each_entry(?:_reverse|_from|_continue)?\Z")
_REMOVES = re.compile(r"(?:__)?h?list_(?:del|del_init|move|move_tail)\Z")
_FREES = frozenset({"kfree", "kvfree", "vfree", "kfree_sensitive"})
_ENDS = re.compile(r"(\w+)_(?:del|delete|free|destroy)")
_IDR_REMOVES = frozenset({"idr_remove", "idr_replace", "idr_destroy", "radix_tree_delete"})
_LEAVES = frozenset({"break_statement", "return_statement", "goto_statement"})
_SOUNDS_LIKE_REMOVAL = re.compile(r"_(?:close|remove|delete|del|destroy|unregister)(?:_|\Z)")
_DEPTH = 2


def check(source: Source) -> Iterator[Finding]:
    """Removal in the body of a walk, or in its callback."""
    for function in source.touched_with(rule.triggers):
        for walk in function.calls:
            if walk.loop and _WALKS.match(walk.name):
                yield from _in_body(function, walk)
            elif walk.name == "idr_for_each" and len(walk.arguments) == 3:
                yield from _in_callback(source, function, walk)


def _in_body(function: Function, walk: Call) -> Iterator[Finding]:
    known = iterator(walk.name)
    if known is None or known.cursor is None or known.safe or walk.cut:
        return
    cursor, member = walk.arguments[known.cursor], walk.arguments[-1]
    if not cursor.isidentifier():
        return
    for call in function.calls:
        inside = walk.node.start_byte < call.node.start_byte < walk.node.end_byte
        removes = inside and (_removes(call, cursor, member) or _ends(function, call, cursor))
        if removes and not _leaves_after(call.node, walk.node):
            yield Finding(
                span=call.span,
                message=f"{call.name}() removes {cursor} while {walk.name}() stands on it; "
                "the walk then reads the next element from it",
                function=function.name,
                evidence=(Evidence(walk.span, "the walk begins here"),),
                fix=Fix(f"use {walk.name.replace('_entry', '_entry_safe')}()"),
            )
            return


def _removes(call: Call, cursor: str, member: str) -> bool:
    """Whether it frees the cursor, or takes it off by the member that the walk follows."""
    if not call.arguments or call.cut:
        return False
    if call.name in _FREES:
        return call.arguments[0] == cursor
    own = call.arguments[0].replace(" ", "") == f"&{cursor}->{member}"
    return own and _REMOVES.match(call.name) is not None


def _ends(function: Function, call: Call, cursor: str) -> bool:
    """Whether a function of the kernel frees the cursor, or one that is named so for its type."""
    if call.cut or cursor not in call.arguments:
        return False
    if freed_argument(call.name) == call.arguments.index(cursor):
        return True
    variable = function.variables.get(cursor)
    struct = variable.type.struct if variable is not None else None
    what = _ENDS.fullmatch(call.name)
    return call.statement and what is not None and call.arguments[0] == cursor and what[1] == struct


def _leaves_after(node: Node, loop: Node) -> bool:
    """Whether a later statement on the way out of the loop's body leaves it or moves the cursor."""
    here: Node | None = node
    while here is not None and here.id != loop.id:
        after = here.next_named_sibling
        while after is not None:
            if after.type in _LEAVES or (after.type == "expression_statement" and _hidden(after)):
                return True
            after = after.next_named_sibling
        here = here.parent
    return False


def _hidden(node: Node) -> bool:
    return node.text is not None and node.text.startswith(b"__gap__")


def _in_callback(source: Source, function: Function, walk: Call) -> Iterator[Finding]:
    callback = function_named(source, walk.arguments[1])
    if callback is None or not function.flow.at(walk.node).surely_none:
        return
    for call in calls_below(source, callback, _DEPTH):
        sure = call.name in _IDR_REMOVES
        if sure or _SOUNDS_LIKE_REMOVAL.search(call.name):
            what = "removes entries" if sure else f"calls {call.name}(), which may remove entries,"
            yield Finding(
                span=walk.span,
                message=f"the callback {callback.name}() {what} during the walk of "
                f"{walk.arguments[0]}, outside of an RCU reader section",
                function=function.name,
                evidence=(Evidence(call.span, f"{call.name}() is called here"),),
                fix=Fix("take the whole map out of reach first, or walk it under rcu_read_lock()"),
                confidence=None if sure else Confidence.HUNCH,
            )
            return


rule = Rule(
    title="An element is removed from the container being walked",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(
        {
            "idr_for_each",
            *(
                f"{kind}_for_each_entry{form}"
                for kind in ("list", "hlist")
                for form in ("", "_reverse", "_from", "_continue")
            ),
        }
    ),
    links=("https://docs.kernel.org/core-api/list.html",),
)
