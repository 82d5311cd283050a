"""What a declarative rule may ask of the paths after a match: its table `after`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.c.after import Success, exits_without, reachable, succeeded
from reviewer.c.order.graph import Kind
from reviewer.c.pattern import compile_pattern, folded
from reviewer.c.reach import bare
from reviewer.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.order.graph import Fact
    from reviewer.c.pattern import Match, Pattern
    from reviewer.declared.keys import Table
    from reviewer.model import Span

_KEYS = ("use", "unchecked", "then", "missing", "until", "note", "success")
_KINDS = ("use", "unchecked", "then", "missing")
_SUCCESS = {success.value: success for success in Success}
_EVENTS = frozenset(
    {
        *("call_expression", "field_expression", "subscript_expression", "pointer_expression"),
        *("assignment_expression", "init_declarator", "update_expression", "return_statement"),
        *("identifier", "binary_expression", "while_statement"),
    }
)
_FOLLOWS = frozenset({"field_expression", "subscript_expression", "pointer_expression"})
_END = "the end of the function"

Sequel = tuple["Span", dict[str, str]]
"""Where something is wrong, and what the message may call it."""


@dataclass(frozen=True, slots=True)
class After:
    """The table, checked. Exactly one of `use`, `unchecked`, `then`, `missing` is given."""

    note: str
    use: str = ""
    unchecked: str = ""
    then: tuple[Pattern, ...] = ()
    missing: tuple[Pattern, ...] = ()
    until: tuple[Pattern, ...] = ()
    success: Success | None = None

    @property
    def binds(self) -> frozenset[str]:
        """The variables that it gives to the message."""
        if self.then:
            return frozenset.intersection(*(pattern.variables for pattern in self.then))
        return frozenset({"EXIT"} if self.missing else {"USE"})


def read_after(table: Table, bound: frozenset[str]) -> After:
    """Read the table; `bound` are the variables of every pattern of `match`."""
    table.only(_KEYS)
    given = [key for key in _KINDS if key in table]
    if len(given) != 1:
        found = " and ".join(f"`{key}`" for key in given) or "none of them"
        raise RuleError(f"{table.file}: {table.at}: {found}; wanted one of {', '.join(_KINDS)}")
    return After(
        table.text("note"),
        _variable(table, "use", bound),
        _variable(table, "unchecked", bound),
        _events(table, "then"),
        _events(table, "missing"),
        _events(table, "until"),
        table.choice("success", _SUCCESS) if "success" in table else None,
    )


def _variable(table: Table, key: str, bound: frozenset[str]) -> str:
    name = table.text(key) if key in table else ""
    if name and name not in bound:
        wanted = ", ".join(sorted(bound)) or "none"
        what = f"{name!r} is not bound by every pattern of `match`; wanted one of {wanted}"
        raise table.error(key, what)
    return name


def read_pattern(table: Table, key: str, text: str) -> Pattern:
    """A pattern; RuleError names file and key."""
    try:
        return compile_pattern(text)
    except RuleError as error:
        raise table.error(key, str(error)) from None


def _events(table: Table, key: str) -> tuple[Pattern, ...]:
    texts = table.texts(key) if key in table else ()
    return tuple(_event(table, key, text) for text in texts)


def _event(table: Table, key: str, text: str) -> Pattern:
    pattern = read_pattern(table, key, text)
    if pattern.type not in _EVENTS:
        what = f"{text!r} is a statement; wanted a call, an access, an assignment or a return"
        raise table.error(key, what)
    return pattern


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
    name = after.use or after.unchecked
    of = match.bindings[name].text if name else _shared(after, match)
    found = _matches(after.then, match, function)
    stop = set(ends)
    nodes = reachable(
        function,
        start,
        lambda node: node.id in stop or bool(after.unchecked and _tests(function, node, of or "")),
        of=of,
        assume=facts,
    )
    for node in nodes:
        span = function.span(node)
        if span is None:
            continue
        if node.id in found:
            later = found[node.id]
            yield span, {key: bound.text for key, bound in later.bindings.items()}
            return
        if name and of and _uses(function, node, of, passed=bool(after.use)):
            yield span, {"USE": folded(function.text(node))}
            return


def _shared(after: After, match: Match) -> str | None:
    """The variable of the match that the patterns of `then` speak of, when there is one."""
    names = frozenset.intersection(*(pattern.variables for pattern in after.then))
    shared = sorted(names & match.bindings.keys())
    return match.bindings[shared[0]].text if len(shared) == 1 else None


def _places(patterns: Iterable[Pattern], match: Match, function: Function) -> set[int]:
    return set(_matches(patterns, match, function))


def _matches(patterns: Iterable[Pattern], match: Match, function: Function) -> Mapping[int, Match]:
    """What the patterns match with the variables that the first match has bound."""
    bound = {name: each.text for name, each in match.bindings.items()}
    return {
        found.node.id: found
        for pattern in patterns
        if all(word in function.unit.text for word in pattern.words)
        for found in pattern.match(function)
        if found.node.id != match.node.id
        and all(bound.get(name, each.text) == each.text for name, each in found.bindings.items())
    }


def _exit_text(function: Function, way_out: Node) -> str:
    if way_out.type != "return_statement":
        return _END
    return folded(function.text(way_out)).rstrip("; ")


def _uses(function: Function, node: Node, name: str, passed: bool) -> bool:
    """Whether the node follows the pointer; `passed`: also whether it hands it on."""
    if node.type in _FOLLOWS:
        operand = node.child_by_field_name("argument")
        if node.type == "pointer_expression" and node.children[0].type == "&":
            return False
        return operand is not None and folded(function.text(bare(operand))) == name
    if not passed:
        return False
    if node.type == "call_expression":
        listed = node.child_by_field_name("arguments")
        operands = listed.named_children if listed is not None else []
    elif node.type == "return_statement":
        operands = node.named_children
    else:
        return False
    return any(folded(function.text(bare(each))) == name for each in operands)


def _tests(function: Function, node: Node, name: str) -> bool:
    """Whether the node is the pointer itself as an operand of a condition."""
    if folded(function.text(node)) != name:
        return False
    above = node.parent
    if above is None or above.type in _FOLLOWS:
        return False
    step = function.graph.step_of(node)
    return step is not None and function.graph.steps[step].kind is Kind.TEST
