"""What can run after a place in a function: on some path, on every path, between two places.

Paths end where the mail hides what comes next. A path that needs a condition to hold at one place
and to fail at another, with nothing of it assigned between, is no path.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from reviewer.c.order.search import Search
from reviewer.c.order.stores import is_part, stores_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.order.graph import Fact

    Wanted = Callable[[Node], bool]


def _never(_: Node) -> bool:
    return False


def reachable(
    function: Function,
    start: Node,
    stop: Wanted = _never,
    *,
    of: str | None = None,
    assume: Iterable[Fact] = (),
) -> Iterator[Node]:
    """What can run after `start`, each node once, those near to it first.

    The nodes: calls, field accesses, `*p` and `&p`, `a[i]`, identifiers that are evaluated,
    assignments, initialisers, `++` and `--`, binary expressions, declarations, returns, and for an
    iterator macro its while_statement (`Call.node`). Operands come before their operator; nothing
    of `sizeof` is there. `stop` ends a path, and that node is left out.

    `of` is an expression, "p" or "fc->map": a path also ends where it gets another value, or where
    it is shown to be NULL or zero. `assume` holds just after `start`; see `succeeded`.
    """
    return Search(function, stop, of).after(start, assume)


def exits_without(
    function: Function,
    start: Node,
    wanted: Wanted,
    *,
    of: str | None = None,
    assume: Iterable[Fact] = (),
) -> tuple[Node, ...]:
    """The ways out that a path from `start` takes without passing what is wanted.

    Return statements, and the closing brace. What a return evaluates counts as passed. `of` ends
    paths, and `assume` holds, as in `reachable`.
    """
    search = Search(function, wanted, of)
    for _ in search.after(start, assume):
        pass
    return tuple(search.exits)


def always(function: Function, start: Node, wanted: Wanted, *, of: str | None = None) -> bool:
    """Whether what is wanted is evaluated on every path from `start`; False when not known."""
    search = Search(function, wanted, of, certain=True)
    for _ in search.after(start):
        pass
    return bool(search.stopped) and not (search.exits or search.hidden)


def on_every_path(function: Function, wanted: Wanted) -> bool:
    """Whether every path from the entry on passes what is wanted; False when not known."""
    search = Search(function, wanted, certain=True)
    for _ in search.from_entry():
        pass
    return bool(search.stopped) and not (search.exits or search.hidden)


def between(function: Function, first: Node, second: Node) -> Iterator[Node]:
    """What can run after `first` and before `second`, as in `reachable`.

    Nothing when no path leads from one to the other.
    """
    search = Search(function, lambda node: node == second)
    found = list(search.after(first))
    target = function.graph.step_of(second)
    if target is None or not search.stopped:
        return
    leading = function.graph.leading_to(target)
    last = (second.end_byte, -second.start_byte)
    for node in found:
        step = function.graph.step_of(node)
        if step != target:
            if step in leading:
                yield node
        elif (node.end_byte, -node.start_byte) < last:
            yield node


def dominated(function: Function, node: Node, by: Wanted) -> bool:
    """Whether every path from the entry to `node` passes what is wanted; False when not known."""
    free = Search(function, lambda each: each == node)
    bound = Search(function, lambda each: each == node or by(each), certain=True)
    for search in (free, bound):
        for _ in search.from_entry():
            pass
    if free.spent or bound.spent:
        return False
    return node in free.stopped and node not in bound.stopped


class Success(StrEnum):
    """The result of a call that did what it is for."""

    ZERO = "zero"  # else an error code
    NONZERO = "nonzero"  # true, or a pointer that is else NULL
    POINTER = "pointer"  # else NULL or ERR_PTR()


def succeeded(function: Function, call: Node, success: Success) -> tuple[Node, tuple[Fact, ...]]:
    """Where to start after a call that has succeeded, and what to `assume` there.

    `call` may also be the assignment of its result.
    """
    value, above = call, call.parent
    while above is not None and above.type in {"parenthesized_expression", "cast_expression"}:
        value, above = above, above.parent
    start = name = call
    for outer, inner in ((call, None), (above, value)):
        if outer is not None and (target := _stored_to(outer, inner)) is not None:
            start, name = outer, target
    text = "".join(function.text(name).split()).lstrip("*" if name is not call else "")
    if success is Success.ZERO:
        return start, ((text, False), (f"{text}<0", False))
    facts = ((text, True),)
    if success is Success.POINTER:
        return start, (*facts, (f"IS_ERR({text})", False), (f"IS_ERR_OR_NULL({text})", False))
    return start, facts


def _stored_to(above: Node, value: Node | None) -> Node | None:
    """The target of an assignment; None when another value than this one is assigned."""
    left = {"assignment_expression": ("left", "right"), "init_declarator": ("declarator", "value")}
    names = left.get(above.type)
    if names is None or value not in (None, above.child_by_field_name(names[1])):
        return None
    return above.child_by_field_name(names[0])


def reassigns(function: Function, node: Node, name: str) -> bool:
    """Whether the node gives the expression another value, or may: `p = ...`, `p++`, `&p`.

    Also the header of an iterator whose cursor it is, and its declaration. Of "p->next" also what
    does so to `p`.
    """
    name = "".join(name.split())
    return any(is_part(store.expression, name) for store in stores_in(function, node))
