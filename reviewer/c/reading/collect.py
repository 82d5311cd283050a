"""One query over a function: its variables, calls, field accesses and assignments."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from tree_sitter import Query, QueryCursor

from reviewer.c.parse import language
from reviewer.c.reading.arguments import LONGEST, Called, called, looped, short
from reviewer.c.reading.ctype import declared
from reviewer.c.reading.resolve import Resolver
from reviewer.c.syntax import Access, Assignment, Call, Use, Variable
from reviewer.c.unit import GAP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tree_sitter import Node

    from reviewer.c.place import Place
    from reviewer.c.structs import Structs

_QUERY = """
(call_expression) @call
(expression_statement (call_expression) @statement)
(while_statement) @while
(field_expression) @access
(assignment_expression) @assign
(init_declarator value: (_)) @init
(update_expression) @update
(declaration) @declaration
(assignment_expression left: (field_expression) @write)
(assignment_expression left: (parenthesized_expression (field_expression) @write))
(update_expression argument: (field_expression) @write)
(pointer_expression operator: "&" argument: (field_expression) @address)
(sizeof_expression value: (field_expression) @address)
(sizeof_expression value: (parenthesized_expression (field_expression) @address))
(sizeof_expression value: (parenthesized_expression (pointer_expression (field_expression) @address)))
(unary_expression operator: "!" argument: (field_expression) @test)
(if_statement condition: (parenthesized_expression (field_expression) @test))
(while_statement condition: (parenthesized_expression (field_expression) @test))
(for_statement condition: (field_expression) @test)
(conditional_expression condition: (field_expression) @test)
(binary_expression) @binary
"""  # noqa: E501 - a pattern is read in one line
_TESTERS = {"likely", "unlikely", "WARN_ON", "WARN_ON_ONCE", "BUG_ON", "IS_ERR_OR_NULL"}


@dataclass(frozen=True)
class Update:
    """`++x` or `x--`."""

    target: str
    node: Node


@dataclass(frozen=True, eq=False)
class Collected:
    """Everything of one function, each in the order of the source and read when asked for.

    Nothing of a synthetic row, no `__gap__`.
    """

    _place: Place
    _found: Mapping[str, list[Node]]  # what the query captured
    _parameters: Mapping[str, Variable]
    _structs: Structs

    @cached_property
    def variables(self) -> Mapping[str, Variable]:
        """Parameters and locals by name; a name declared with two types is not there."""
        return _variables(self._place, _ordered(self._found, "declaration"), self._parameters)

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """Calls, iterator macros and guards."""
        return tuple([each.call for each in _called(self._place, self._found)])

    @cached_property
    def accesses(self) -> tuple[Access, ...]:
        """Field accesses."""
        if "access" not in self._found:
            return ()
        resolver = Resolver(self._place, self.variables, self._structs)
        contexts = _contexts(self._found, self.calls)
        return tuple(_accesses(self._place, self._found, contexts, resolver))

    @cached_property
    def assignments(self) -> tuple[Assignment, ...]:
        """Assignments and initialisers."""
        return tuple(_assignments(self._place, self._found))

    @cached_property
    def updates(self) -> tuple[Update, ...]:
        """`++` and `--`."""
        return tuple(_updates(self._place, _ordered(self._found, "update")))


@cache
def _query() -> Query:
    return Query(language(), _QUERY)


def collect(
    place: Place, node: Node, parameters: Mapping[str, Variable], structs: Structs
) -> Collected:
    """What the function under `node` holds."""
    return Collected(place, QueryCursor(_query()).captures(node), parameters, structs)


def _ordered(found: Mapping[str, list[Node]], *names: str) -> list[Node]:
    nodes = [node for name in names for node in found.get(name, ())]
    nodes.sort(key=lambda node: (node.start_byte, -node.end_byte))
    return nodes


def _variables(
    place: Place, declarations: list[Node], parameters: Mapping[str, Variable]
) -> dict[str, Variable]:
    """By name. A name that stands for two types in two blocks stands for none."""
    variables = dict(parameters)
    mixed: set[str] = set()
    for declaration in declarations:
        first = declaration.children[0]
        static = first.type == "storage_class_specifier" and place.text(first) == "static"
        for name, node, kind, initial, function in declared(place.unit, declaration):
            before = variables.get(name)
            if before is not None and before.type != kind:
                mixed.add(name)
            if not function and not name.startswith(GAP):
                variables[name] = Variable(name, kind, False, static, node, initial)
    for name in mixed:
        variables.pop(name, None)
    return variables


def _called(place: Place, found: Mapping[str, list[Node]]) -> Iterator[Called]:
    """The calls, iterators and guards in order; the inner call of `guard(x)(y)` is no call."""
    statements = {node.id for node in found.get("statement", ())}
    loops = {mark.start: mark for mark in place.unit.marks if mark.loop}
    inner: set[int] = set()
    for node in _ordered(found, "call", *(("while",) if loops else ())):
        if node.id in inner:
            continue
        if node.type == "while_statement":
            mark = loops.get(node.start_byte)
            each = looped(place, node, mark) if mark is not None else None
        else:
            each = called(place, node, node.id in statements)
        if each is not None:
            inner.update(each.inner)
            yield each


@dataclass(frozen=True)
class _Contexts:
    """Ids of field expressions by what surrounds them."""

    writes: frozenset[int]
    addresses: frozenset[int]
    tests: frozenset[int]
    arguments: Mapping[int, str]


def _contexts(found: Mapping[str, list[Node]], calls: tuple[Call, ...]) -> _Contexts:
    arguments: dict[int, str] = {}
    tests = {node.id for node in found.get("test", ())}
    for node in found.get("binary", ()):
        tests.update(_tested(node))
    for call in calls:
        for node in call.argument_nodes:
            kind = node.type
            if kind == "field_expression":
                arguments[node.id] = call.name
                if call.name in _TESTERS:
                    tests.add(node.id)
            elif kind == "pointer_expression":
                operand = node.child_by_field_name("argument")
                if operand is not None and operand.type == "field_expression":
                    arguments[operand.id] = call.name
    return _Contexts(
        frozenset(node.id for node in found.get("write", ())),
        frozenset(node.id for node in found.get("address", ())),
        frozenset(tests),
        arguments,
    )


def _tested(node: Node) -> Iterator[int]:
    """The operands of `&&`, `||` and of comparisons with NULL.

    Not part of the query: a pattern that ends on the right operand costs the square of the length
    of a chain.
    """
    left, sign, right = (node.child_by_field_name(name) for name in ("left", "operator", "right"))
    if left is None or sign is None or right is None:
        return
    logic, equality = sign.type in {"&&", "||"}, sign.type in {"==", "!="}
    if left.type == "field_expression" and (logic or (equality and right.type == "null")):
        yield left.id
    if right.type == "field_expression" and (logic or (equality and left.type == "null")):
        yield right.id


def _accesses(
    place: Place, found: Mapping[str, list[Node]], contexts: _Contexts, resolver: Resolver
) -> Iterator[Access]:
    inherited: dict[int, Use] = {}
    masked = place.unit.masked
    for node in _ordered(found, "access"):
        base = node.child_by_field_name("argument")
        field = node.child_by_field_name("field")
        if base is None or field is None or not place.shows(node):
            continue
        use = _use(node.id, contexts, inherited)
        arrow = "->" in masked[base.end_byte : field.start_byte]
        if not arrow and base.type == "field_expression":
            inherited[base.id] = use  # a part of it is what is read or written
        if node.end_byte - node.start_byte > LONGEST:
            continue
        text, name = short(place, node), place.text(field)
        if GAP in text:
            continue
        yield Access(
            short(place, base),
            name,
            text,
            use,
            resolver.struct(base, arrow),
            node,
            place,
            contexts.arguments.get(node.id),
        )


def _use(identity: int, contexts: _Contexts, inherited: Mapping[int, Use]) -> Use:
    if identity in inherited:
        return inherited[identity]
    if identity in contexts.writes:
        return Use.WRITE
    if identity in contexts.addresses:
        return Use.ADDRESS
    return Use.TEST if identity in contexts.tests else Use.READ


def _assignments(place: Place, found: Mapping[str, list[Node]]) -> Iterator[Assignment]:
    masked = place.unit.masked
    for node in _ordered(found, "assign", "init"):
        declares = node.type == "init_declarator"
        names = ("declarator", "value") if declares else ("left", "right")
        target, value = (node.child_by_field_name(name) for name in names)
        if target is None or value is None or not place.shows(node):
            continue
        operator = masked[target.end_byte : value.start_byte].strip()
        if declares:
            target, operator = _declarator_name(target), "="
        left, right = short(place, target), short(place, value)
        if left.startswith(GAP):
            continue
        yield Assignment(left, operator, right, node, target, value, place, declares)


def _declarator_name(node: Node) -> Node:
    for _ in range(20):
        inner = node.child_by_field_name("declarator")
        if inner is None and node.type == "parenthesized_declarator" and node.named_children:
            inner = node.named_children[0]
        if inner is None:
            break
        node = inner
    return node


def _updates(place: Place, nodes: list[Node]) -> Iterator[Update]:
    for node in nodes:
        target = node.child_by_field_name("argument")
        if target is not None and place.shows(node):
            yield Update(short(place, target), node)
