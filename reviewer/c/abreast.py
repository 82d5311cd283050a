"""What stands beside a place, in the same rows of the mail, and tells whether it is a reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.facts import lock_call
from reviewer.c.onward import labels
from reviewer.c.readers import sleeps_by_itself
from reviewer.c.unit import GAP

if TYPE_CHECKING:
    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.syntax import Call

_LOOK_UPS = frozenset(
    {"dev_get_by_index", "dev_get_by_name", "netdev_get_by_index", "netdev_get_by_name"}
    | {"in_dev_get", "in6_dev_get", "find_get_pid", "get_pid_task", "find_get_task_by_vpid"}
)
"""They open a reader section for the look-up and take a reference, for callers that are in none."""


def no_reader_beside(function: Function, node: Node) -> Call | None:
    """A call that no reader makes, with the same sections open as at `node`.

    For places behind a gap. Between them, in either order, stands nothing that takes or gives back
    a lock, no label and no gap: whatever was open before is open at both, or at neither.
    """
    near = sorted(
        (call for call in function.calls if call.node.start_byte != node.start_byte),
        key=lambda call: abs(call.node.start_byte - node.start_byte),
    )
    for call in near:
        if not call.cut and (call.name in _LOOK_UPS or sleeps_by_itself(call)):
            return call if _same_sections(function, call.node, node) else None
    return None


def _same_sections(function: Function, one: Node, other: Node) -> bool:
    first, last = sorted((one.start_byte, other.start_byte))
    text = function.unit.masked[first:last]
    if GAP in text or any(first <= each.start_byte < last for each in labels(function).values()):
        return False
    return not any(
        first <= call.node.start_byte < last
        and (call.guard or "lock" in call.name or lock_call(call.name) is not None)
        for call in function.calls
    )
