"""Uses of the object that a variable points to, among the nodes that can run after a place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reviewer.c.after import reachable
from reviewer.c.locks import last_name
from reviewer.c.syntax import Use
from reviewer.c.unit import GAP

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
# A driver's own print macro, by its format: "%p" alone follows nothing, "%pM" would.
_PRINTS_ADDRESS = re.compile(r"%px?(?![A-Za-z])")
_PLAIN = frozenset({"expression_statement", "declaration", "return_statement", "comment"})
_JUMPS = ("goto", "return", "break", "continue")
_FOLLOWED = 40  # statements and blocks
_NEAR = 12  # nodes above an expression that are asked


_IF_ALIVE = re.compile(
    r"\w*(?:_|\b)(?:get|hold|inc|add|ref|pin)_(?:unless|not)_zero\w*|\w+_try_?(?:get|hold)(?:_\w+)?"
    r"|atomic\w*_inc_unless_negative"
)


def takes_if_alive(name: str) -> bool:
    """Whether the function takes a reference, and fails where the last one is gone."""
    return _IF_ALIVE.fullmatch(name) is not None


class Touch(StrEnum):
    """How the object is used."""

    READ = "read"  # `p->f` as a value or a condition, `*p`, `p[i]`
    WRITE = "written"
    INSIDE = "used"  # the address of a member goes to a call
    PASSED = "passed"  # the pointer itself goes to a call
    RETURNED = "returned"
    KEPT = "kept for later"  # in another variable; its use is not in view


@dataclass(frozen=True, slots=True)
class ObjectUse:
    """One use; `call` is the call that gets the object or a member of it."""

    node: Node
    touch: Touch
    text: str
    call: Call | None = None


def said(use: ObjectUse) -> str:
    """The use as a clause: "p->x is read", "p goes to f()"."""
    if use.touch is Touch.PASSED and use.call is not None:
        return f"{use.text} goes to {use.call.name}()"
    return f"{use.text} is {use.touch}"


@dataclass(frozen=True)
class Uses:
    """The uses in one function; made once for all questions about it."""

    function: Function
    accesses: Mapping[int, Access]
    calls: Mapping[int, Call]

    def after(
        self, start: Node, name: str, stop: Callable[[Node], bool] = lambda _: False
    ) -> Iterator[ObjectUse]:
        """The uses of the object of `name`, "p" or "fc->map", after `start`, nearest first.

        Paths on which that is assigned anew, or shown to be NULL, end there.
        """
        if _is_last(self.function, start, name):
            return
        for node in reachable(self.function, start, stop, of=name):
            found = self.of(node, name)
            if found is not None:
                yield found

    def of(self, node: Node, name: str) -> ObjectUse | None:
        """The use that this very node makes of the object; None when it makes none."""
        kind = node.type
        if self._unevaluated(node):
            return None
        if kind == "field_expression" and self.function.text(node) != name:
            return self._member(node, name)
        if kind in ("identifier", "field_expression"):
            return self._plain(node, name) if self.function.text(node) == name else None
        if kind in ("pointer_expression", "subscript_expression"):
            operand = node.child_by_field_name("argument")
            if operand is None or self.function.text(operand) != name:
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
        if any(_PRINTS_ADDRESS.search(text) for text in call.arguments if '"' in text):
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


def _is_last(function: Function, start: Node, name: str) -> bool:
    """Whether the statement of the call is followed by none that has the name, until control ends.

    Asked before the paths are searched: most frees stand right before a return.
    """
    node = start.parent
    if node is None or node.type != "expression_statement" or function.alternatives:
        return False
    for _ in range(_FOLLOWED):
        following = node.next_named_sibling
        if following is None:
            above = _around(function, node)
            if above is None or above.type == "function_definition":
                return above is not None
            node = above
        elif not _passes_by(function, following, name):
            return False
        elif _unlabeled(following).type == "return_statement":
            return True
        else:
            node = following
    return False


def _unlabeled(node: Node) -> Node:
    if node.type == "labeled_statement" and node.named_child_count == 2:
        return node.named_children[1]
    return node


def _around(function: Function, last: Node) -> Node | None:
    """What holds the block that ends with the statement; None of a loop and of what is hidden."""
    block, node = last.parent, last
    if block is not None and block.type == "labeled_statement":
        node, block = block, block.parent
        if node.next_named_sibling is not None:
            return node
    if block is not None and block.type == "compound_statement":
        node, block = block, block.parent
    while block is not None and block.type in ("else_clause", "if_statement"):
        if GAP in function.unit.masked[block.start_byte : node.start_byte]:
            return None
        node, block = block, block.parent
    if block is None or block.type not in ("compound_statement", "function_definition"):
        return None
    return block if block.type == "function_definition" else node


def _passes_by(function: Function, node: Node, name: str) -> bool:
    """Whether it is a plain statement, or a return, that does not have the name."""
    kind = _unlabeled(node).type
    code = function.text(node)
    if kind not in _PLAIN or last_name(name).lstrip(".") in code or GAP in code:
        return False
    return kind == "return_statement" or not any(word in code for word in _JUMPS)


def _is_target(node: Node) -> bool:
    above = node.parent
    if above is None or above.type != "assignment_expression":
        return False
    return above.child_by_field_name("left") == node


def uses_in(function: Function) -> Uses:
    """What is needed to ask for the uses in one function."""
    return function.fact(_uses_in)


def _uses_in(function: Function) -> Uses:
    return Uses(
        function,
        {access.node.id: access for access in function.accesses},
        {call.node.id: call for call in function.calls},
    )
