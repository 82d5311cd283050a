"""Calls, iterator macros and guards with their arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reviewer.c.reading.ctype import folded
from reviewer.c.syntax import Call
from reviewer.c.unit import GAP

if TYPE_CHECKING:
    from tree_sitter import Node

    from reviewer.c.place import Place
    from reviewer.c.unit import Mark

_GUARDS = {"guard", "CLASS", "CLASS_INIT", "ACQUIRE", "scoped_class"}
_SCOPED = {"scoped_guard", "scoped_cond_guard"}
LONGEST = 4_000
"""Characters of an expression that are read: texts of nested ones add up."""

_OPEN, _CLOSE = "([{", ")]}"


class Called(NamedTuple):
    """A call and the ids of the calls that are only its spelling: `guard(x)` in `guard(x)(y)`."""

    call: Call
    inner: tuple[int, ...] = ()


def called(place: Place, node: Node, statement: bool) -> Called | None:
    """The call at a call_expression; None on a synthetic row or of a `__gap__` name."""
    function, listed = (node.child_by_field_name(name) for name in ("function", "arguments"))
    if function is None or listed is None or not place.shows(node):
        return None
    nodes, guard = tuple(listed.named_children), False
    inner: tuple[int, ...] = ()
    if function.type == "call_expression":
        outer = called(place, function, False)
        if outer is None:
            return None
        guard = outer.call.name in _GUARDS
        if guard:
            nodes = (*outer.call.argument_nodes, *nodes)
            name, inner = outer.call.name, (function.id,)
    if not guard:
        name = short(place, function)
    if name.startswith(GAP):
        return None
    texts = tuple([short(place, each) for each in nodes])
    cut = _cut(place, node)
    call = Call(name, texts, node, nodes, place, False, guard, statement, cut)
    return Called(call, inner)


def looped(place: Place, node: Node, mark: Mark) -> Called | None:
    """The iterator macro or scoped guard that the mask wrote as `while`."""
    condition = node.child_by_field_name("condition")
    if condition is None or not place.shows(node):
        return None
    arguments = tuple(split(mark.arguments)) if mark.arguments else ()
    nodes = tuple(_operands(condition))
    if len(nodes) != len(arguments):
        nodes = ()
    cut = _cut(place, condition)
    guard = mark.name in _SCOPED
    return Called(Call(mark.name, arguments, node, nodes, place, not guard, guard, False, cut))


def short(place: Place, node: Node) -> str:
    """The code of a node on one line; of a very long one, the beginning."""
    start, end = node.start_byte, node.end_byte
    code = place.unit.text[start : end if end - start <= LONGEST else start + LONGEST]
    return code if code.isidentifier() else folded(code)


def _cut(place: Place, node: Node) -> bool:
    """Whether a part of the text is not in the mail, or too long to be read."""
    if node.end_byte - node.start_byte > LONGEST:
        return True
    first, last = node.start_point[0], node.end_point[0]
    if first != last and None in place.unit.lines[first : last + 1]:
        return True
    return GAP in place.unit.masked[node.start_byte : node.end_byte]


def _operands(condition: Node) -> list[Node]:
    """The operands of the comma expression in parentheses."""
    operands: list[Node] = []
    pending = list(condition.named_children)
    while pending:
        node = pending.pop(0)
        if node.type == "comma_expression":
            pending[:0] = node.named_children
        else:
            operands.append(node)
    return operands


def split(text: str) -> list[str]:
    """The arguments of a list, at the commas that no parenthesis encloses, white space folded."""
    if "(" not in text and "{" not in text and "[" not in text:
        return [folded(part) for part in text.split(",")] if text.strip() else []
    parts, depth, start = [], 0, 0
    for index, letter in enumerate(text):
        if letter in _OPEN:
            depth += 1
        elif letter in _CLOSE:
            depth -= 1
        elif letter == "," and depth == 0:
            parts.append(folded(text[start:index]))
            start = index + 1
    parts.append(folded(text[start:]))
    return parts
