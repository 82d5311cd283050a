"""Uses of the object that a variable points to, among the nodes that can run after a place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reviewer.c.after import reachable
from reviewer.c.syntax import Use

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.syntax import Access, Call

_UNEVALUATED = re.compile(
    r"(?:__)?typeof(?:__)?|\w*struct_size\w*|flex_array_size|offsetof\w*|sizeof\w*|ARRAY_SIZE"
)
_LOOKS_ONLY = re.compile(
    r"IS_ERR\w*|PTR_ERR\w*|ERR_\w+|WARN\w*|BUG_ON|likely|unlikely|pr_\w+|printk|ARRAY_SIZE|typeof"
    r"|virt_to_\w+|trace_\w+|kasan_\w+|kmemleak_\w+|xa_is_\w+|xa_mk_\w+|WRITE_ONCE|rcu_assign_pointer|smp_store_\w+|hash\w*|swap|max\w*|min\w*"
)
_NEAR = 12  # nodes above an expression that are asked


class Touch(StrEnum):
    """How the object is used."""

    READ = "read"  # `p->f` as a value or a condition, `*p`, `p[i]`
    WRITE = "written"
    INSIDE = "used"  # the address of a member goes to a call
    PASSED = "passed"  # the pointer itself goes to a call
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class ObjectUse:
    """One use; `call` is the call that gets the object or a member of it."""

    node: Node
    touch: Touch
    text: str
    call: Call | None = None


@dataclass(frozen=True)
class Uses:
    """The uses in one function; made once for all questions about it."""

    function: Function
    accesses: Mapping[int, Access]
    calls: Mapping[int, Call]

    def after(
        self, start: Node, name: str, stop: Callable[[Node], bool] = lambda _: False
    ) -> Iterator[ObjectUse]:
        """The uses of the object of variable `name` that can follow `start`, nearest first.

        Paths on which the variable is assigned anew, or shown to be NULL, end there.
        """
        for node in reachable(self.function, start, stop, of=name):
            found = self.of(node, name)
            if found is not None:
                yield found

    def of(self, node: Node, name: str) -> ObjectUse | None:
        """The use that this very node makes of the object; None when it makes none."""
        kind = node.type
        if self._unevaluated(node):
            return None
        if kind == "field_expression":
            return self._member(node, name)
        if kind == "identifier":
            return self._plain(node, name) if self.function.text(node) == name else None
        if kind in ("pointer_expression", "subscript_expression"):
            operand = node.child_by_field_name("argument")
            bare = operand is not None and operand.type == "identifier"
            if operand is None or not bare or self.function.text(operand) != name:
                return None
            if kind == "pointer_expression" and node.children[0].type != "*":
                return None
            touch = Touch.WRITE if _is_target(node) else Touch.READ
            return ObjectUse(node, touch, self.function.text(node))
        return None

    def _member(self, node: Node, name: str) -> ObjectUse | None:
        access = self.accesses.get(node.id)
        if access is None or access.base != name or "->" not in access.text:
            return None
        if access.use is Use.ADDRESS or access.argument_of is not None:
            call = self._call_of(node)
            if call is None:
                return None
            touch = Touch.INSIDE if access.use is Use.ADDRESS else Touch.READ
            return ObjectUse(node, touch, access.text, call)
        touch = Touch.WRITE if access.use is Use.WRITE else Touch.READ
        return ObjectUse(node, touch, access.text)

    def _plain(self, node: Node, name: str) -> ObjectUse | None:
        above = node.parent
        while above is not None and above.type in ("parenthesized_expression", "cast_expression"):
            above = above.parent
        if above is not None and above.type == "return_statement":
            return ObjectUse(node, Touch.RETURNED, name)
        if above is None or above.type != "argument_list" or above.parent is None:
            return None
        call = self.calls.get(above.parent.id)
        if call is None or _LOOKS_ONLY.fullmatch(call.name):
            return None
        return ObjectUse(node, Touch.PASSED, name, call)

    def _unevaluated(self, node: Node) -> bool:
        """Whether it stands in `typeof(*p)` or the like, of which only the type counts."""
        above = node.parent
        for _ in range(_NEAR):
            if above is None or above.type.endswith(("statement", "declaration")):
                return False
            name = above.child_by_field_name("function")
            if name is not None and _UNEVALUATED.fullmatch(self.function.text(name)):
                return True
            above = above.parent
        return False

    def _call_of(self, node: Node) -> Call | None:
        """The call that has this expression, or its address, as one whole argument."""
        above = node.parent
        while above is not None and above.type in (
            *("pointer_expression", "parenthesized_expression", "cast_expression"),
            "argument_list",
        ):
            if above.type == "argument_list":
                return None if above.parent is None else self.calls.get(above.parent.id)
            above = above.parent
        return None


def _is_target(node: Node) -> bool:
    above = node.parent
    if above is None or above.type != "assignment_expression":
        return False
    return above.child_by_field_name("left") == node


def uses_in(function: Function) -> Uses:
    """What is needed to ask for the uses in one function."""
    return Uses(
        function,
        {access.node.id: access for access in function.accesses},
        {call.node.id: call for call in function.calls},
    )
