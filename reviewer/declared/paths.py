"""What a declarative rule may ask of the paths after a match: its table `after`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.c.after import Success, exits_without, reachable, succeeded
from reviewer.c.order.graph import Kind
from reviewer.c.pattern import folded
from reviewer.c.reach import bare
from reviewer.c.uses import Touch, uses_in
from reviewer.declared.occurrences import agreeing, occurrences
from reviewer.declared.reading import read_patterns
from reviewer.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.order.graph import Fact
    from reviewer.c.pattern import Match, Pattern
    from reviewer.c.uses import ObjectUse
    from reviewer.declared.keys import Table
    from reviewer.model import Span

_KINDS = ("use", "follow", "unchecked", "then", "missing")
_KEYS = (*_KINDS, "until", "note", "success")
_SUCCESS = {success.value: success for success in Success}
_EVENTS = frozenset(
    {
        *("call_expression", "field_expression", "subscript_expression", "pointer_expression"),
        *("assignment_expression", "init_declarator", "update_expression", "return_statement"),
        *("identifier", "binary_expression", "while_statement"),
    }
)
_FOLLOWS = frozenset({"field_expression", "subscript_expression", "pointer_expression"})
_FOLLOWED = frozenset({Touch.READ, Touch.WRITE})
_RESULT = "RESULT"
_STATEMENTS = ("statement", "declaration", "function_definition")
_END = "the end of the function"

_TOUCHES: Mapping[str, frozenset[Touch]] = {
    "use": _FOLLOWED | {Touch.INSIDE, Touch.PASSED},
    "follow": _FOLLOWED,
    "unchecked": _FOLLOWED | {Touch.INSIDE},
}

Sequel = tuple["Span", dict[str, str]]
"""Where something is wrong, and what the message may call it."""


@dataclass(frozen=True, slots=True)
class After:
    """The table, checked. Exactly one of `of`, `then`, `missing` is given.

    `of` is the variable of `use`, `follow` or `unchecked`; `touches` are the uses that count.
    """

    note: str
    of: str = ""
    touches: frozenset[Touch] = frozenset()
    tests: bool = False  # a test of the variable ends the path
    then: tuple[Pattern, ...] = ()
    missing: tuple[Pattern, ...] = ()
    until: tuple[Pattern, ...] = ()
    success: Success | None = None

    @property
    def binds(self) -> frozenset[str]:
        """The variables that it gives to the message."""
        if self.then:
            return frozenset.intersection(*(pattern.variables for pattern in self.then))
        return frozenset({"EXIT"} if self.missing else {"USE", "USED"})


def read_after(table: Table, bound: frozenset[str]) -> After:
    """Read the table; `bound` are the variables of every pattern of `match`."""
    table.only(_KEYS)
    given = [key for key in _KINDS if key in table]
    if len(given) != 1:
        found = " and ".join(f"`{key}`" for key in given) or "none of them"
        raise RuleError(f"{table.file}: {table.at}: {found}; wanted one of {', '.join(_KINDS)}")
    return After(
        note=table.text("note"),
        of=_variable(table, given[0], bound) if given[0] in _TOUCHES else "",
        touches=_TOUCHES.get(given[0], frozenset()),
        tests=given[0] == "unchecked",
        then=_events(table, "then"),
        missing=_events(table, "missing"),
        until=_events(table, "until"),
        success=table.choice("success", _SUCCESS) if "success" in table else None,
    )


def _variable(table: Table, key: str, bound: frozenset[str]) -> str:
    name = table.text(key)
    if name not in bound | {_RESULT}:
        wanted = ", ".join(sorted(bound | {_RESULT}))
        what = f"{name!r} is not bound by every pattern of `match`; wanted one of {wanted}"
        raise table.error(key, what)
    return name


def _events(table: Table, key: str) -> tuple[Pattern, ...]:
    patterns = read_patterns(table, key) if key in table else ()
    for pattern in patterns:
        if pattern.type not in _EVENTS:
            what = "is a statement; wanted a call, an access, an assignment or a return"
            raise table.error(key, f"{pattern.text!r} {what}")
    return patterns


def sequels(after: After, match: Match, function: Function) -> Iterator[Sequel]:
    """The first place on the paths from a match where it goes wrong; nothing when it does not."""
    start: Node = match.node
    facts: tuple[Fact, ...] = ()
    if after.success is not None:
        start, facts = succeeded(function, start, after.success)
    ends = _places(after.until, match, function)
    if after.missing:
        passed = ends | _places(after.missing, match, function)
        wanted: Callable[[Node], bool] = lambda node: node.id in passed  # noqa: E731
        for way_out in exits_without(function, start, wanted, assume=facts):
            if (span := function.span(way_out)) is not None:
                yield span, {"EXIT": _exit_text(function, way_out)}
                return
        return
    yield from _on_paths(after, match, function, start, facts, ends)


def _on_paths(
    after: After,
    match: Match,
    function: Function,
    start: Node,
    facts: tuple[Fact, ...],
    ends: Iterable[int],
) -> Iterator[Sequel]:
    if match.node.start_point[0] in function.alternatives:
        return  # one branch of an `#if`: what follows may be the other
    of = _shared(after, match)
    if after.of == _RESULT and after.of not in match.bindings:
        start = _holder(match.node)
        of = _stored(start, function)
        if of is None:
            yield from _at_once(match.node, start, function)
            return
    stop = set(ends)
    nodes = reachable(
        function,
        start,
        lambda node: node.id in stop or (after.tests and _tests(function, node, of or "")),
        of=of,
        assume=facts,
    )
    outside = (node for node in nodes if not _is_within(node, stop))
    yield from _first(after, match, function, outside, of)


def _is_within(node: Node, ends: Collection[int]) -> bool:
    """Whether it is an operand of what ends the path: operands come before their operator."""
    above = node.parent if ends else None
    while above is not None and not above.type.endswith(_STATEMENTS):
        if above.id in ends:
            return True
        above = above.parent
    return False


def _first(
    after: After, match: Match, function: Function, nodes: Iterable[Node], of: str | None
) -> Iterator[Sequel]:
    """The first of the nodes where it goes wrong."""
    found = _matches(after.then, match, function)
    uses = uses_in(function) if after.of else None
    for node in nodes:
        later = found.get(node.id)
        use = uses.of(node, of) if uses is not None and of is not None else None
        texts = None
        if later is not None:
            texts = {key: bound.text for key, bound in later.bindings.items()}
        elif use is not None and use.touch in after.touches:
            texts = _texts(function, use, of or "")
        if texts is not None and (span := function.span(node)) is not None:
            yield span, texts
            return


def _texts(function: Function, use: ObjectUse, name: str) -> dict[str, str]:
    if use.touch is Touch.PASSED and use.call is not None:
        code = folded(function.text(use.call.node))
        return {"USE": code, "USED": f"{name} goes to {use.call.name}()"}
    code = folded(use.text)
    return {"USE": code, "USED": f"{code} is {use.touch}"}


def _holder(node: Node) -> Node:
    """What the value of the expression is an operand of: an assignment, a call, a test."""
    above = node.parent
    while above is not None and above.type in {"parenthesized_expression", "cast_expression"}:
        above = above.parent
    return node if above is None else above


def _stored(holder: Node, function: Function) -> str | None:
    """The variable or field that the result is stored to."""
    side = {"assignment_expression": "left", "init_declarator": "declarator"}.get(holder.type)
    target = None if side is None else holder.child_by_field_name(side)
    return None if target is None else folded(function.text(target)).lstrip("* ")


def _at_once(node: Node, holder: Node, function: Function) -> Iterator[Sequel]:
    """The use when the result is followed where it stands: `f(x)->y`, `*f(x)`."""
    span = function.span(holder)
    pointer = holder.child_by_field_name("argument")
    sign = holder.child_by_field_name("operator")
    if span is None or pointer is None or bare(pointer).id != node.id:
        return
    by_pointer = sign is None or sign.type in {"->", "*"}
    if by_pointer and (holder.parent is None or not _is_address(holder.parent)):
        code = folded(function.text(holder))
        yield span, {"USE": code, "USED": f"{code} is {Touch.READ}"}


def _is_address(node: Node) -> bool:
    return node.type == "pointer_expression" and node.children[0].type == "&"


def _shared(after: After, match: Match) -> str | None:
    """What the paths are about: of `then` the one variable that it shares with the match."""
    if not after.then:
        return match.bindings[after.of].text if after.of in match.bindings else None
    names = frozenset.intersection(*(pattern.variables for pattern in after.then))
    shared = sorted(names & match.bindings.keys())
    return match.bindings[shared[0]].text if len(shared) == 1 else None


def _places(patterns: Iterable[Pattern], match: Match, function: Function) -> set[int]:
    return set(_matches(patterns, match, function))


def _matches(patterns: Iterable[Pattern], match: Match, function: Function) -> Mapping[int, Match]:
    """What the patterns match with the variables that the first match has bound."""
    found = agreeing(occurrences(patterns, function), match)
    return {each.node.id: each for each in found}


def _exit_text(function: Function, way_out: Node) -> str:
    if way_out.type != "return_statement":
        return _END
    return folded(function.text(way_out)).rstrip("; ")


def _tests(function: Function, node: Node, name: str) -> bool:
    """Whether the node is the pointer itself as an operand of a condition."""
    if folded(function.text(node)) != name:
        return False
    above = node.parent
    if above is None or above.type in _FOLLOWS:
        return False
    step = function.graph.step_of(node)
    return step is not None and function.graph.steps[step].kind is Kind.TEST
