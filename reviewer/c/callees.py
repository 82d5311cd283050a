"""Who calls whom, as far as the file is in view."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.flow import Held
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call


def function_named(source: Source, name: str) -> Function | None:
    """The function of that name; None when it is not in view, or twice."""
    found = tuple(source.functions_named(name))
    return found[0] if len(found) == 1 else None


def calls_below(source: Source, function: Function, depth: int) -> Iterator[Call]:
    """The calls that a function makes, and those of its callees in view, `depth` levels down."""
    seen = {function.name}
    level = [function]
    for _ in range(depth):
        below: list[Function] = []
        for each in level:
            for call in each.calls:
                yield call
                callee = None if call.name in seen else function_named(source, call.name)
                if callee is not None:
                    seen.add(call.name)
                    below.append(callee)
        level = below


def may_have_released(source: Source, function: Function, held: Held, node: Node) -> bool:
    """Whether a callee in view, called between the acquire and `node`, gives such a lock back."""
    if held.acquire is None:
        return False
    start, end = held.acquire.node.end_byte, node.start_byte
    for call in function.calls:
        callee = None
        if start <= call.node.start_byte < end and not call.loop:
            callee = function_named(source, call.name)
        if callee is not None and any(family == held.family for family, _ in callee.flow.dropped):
            return True
    return False


def callers_of(source: Source, name: str) -> Iterator[tuple[Function, Call]]:
    """The calls of that function in view."""
    for function in source.functions_calling(name):
        yield from ((function, call) for call in function.calls if call.name == name)
