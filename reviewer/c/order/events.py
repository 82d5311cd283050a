"""What one expression does, in the order in which it is evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reviewer.c.facts import iterator
from reviewer.c.unit import GAP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.syntax import Call

_KINDS = frozenset(
    {
        *("call_expression", "field_expression", "subscript_expression", "pointer_expression"),
        *("identifier", "assignment_expression", "init_declarator", "update_expression"),
        *("declaration", "return_statement", "binary_expression", "while_statement"),
    }
)
_UNEVALUATED = frozenset({"sizeof_expression", "offsetof_expression", "alignof_expression"})
_DECLARATORS = ("declarator", "declaration")
_MOST = 4000  # events of one step: a table in an initialiser has no order worth knowing


class Event(NamedTuple):
    """A node that is evaluated; of a step they are sorted: an operand before its operator."""

    end: int
    before_start: int  # minus the offset of its start
    node: Node


def events_of(function: Function, node: Node | None) -> tuple[Event, ...]:
    """The events of a step. Of an iterator: its operands, then the while_statement itself."""
    if node is None:
        return ()
    found = [
        Event(each.end_byte, -each.start_byte, each)
        for each in _evaluated(node)
        if each.type != "identifier" or not _is_gap(function, each)
    ]
    found.sort(key=lambda event: event[:2])
    return tuple(found)


def head_events(function: Function, call: Call, test: Node) -> tuple[Event, ...]:
    """The events of an iterator or scoped guard; its cursor is assigned, not read."""
    assigned = assigned_by(call)
    found = [
        event
        for event in events_of(function, test)
        if event.node.type != "identifier" or function.text(event.node) not in assigned
    ]
    return (*found, Event(test.end_byte, -call.node.start_byte, call.node))


def assigned_by(call: Call) -> frozenset[str]:
    """The variables that an iterator macro stores to; of an unknown one every bare argument."""
    if call.guard:
        return frozenset()
    known = iterator(call.name)
    numbers = range(len(call.arguments))
    places = known.assigned if known is not None and known.assigned else numbers
    texts = (call.arguments[place] for place in places if place < len(call.arguments))
    return frozenset(text for text in texts if text.isidentifier())


def _evaluated(root: Node) -> Iterator[Node]:
    pending, count = [root], 0
    while pending and count < _MOST:
        node = pending.pop()
        count += 1
        if node.type in _UNEVALUATED:
            continue
        if node.type in _KINDS and not _declares(node):
            yield node
        pending.extend(node.named_children)


def _declares(node: Node) -> bool:
    """Whether the identifier is the name that a declaration introduces."""
    above = node.parent
    if node.type != "identifier" or above is None or not above.type.endswith(_DECLARATORS):
        return False
    return above.child_by_field_name("value") != node


def _is_gap(function: Function, node: Node) -> bool:
    return function.unit.masked.startswith(GAP, node.start_byte)
