"""A function of a unit: its variables, calls and field accesses, in the words of the source."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, cast

from reviewer.c.comment import comment_above
from reviewer.c.place import Place
from reviewer.c.reading.collect import collect
from reviewer.c.reading.ctype import declared, type_name
from reviewer.c.structs import NO_STRUCTS
from reviewer.c.syntax import Access, Assignment, Call, CType, Use, Variable
from reviewer.c.unit import GAP

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tree_sitter import Node

    from reviewer.c.flow import Flow
    from reviewer.c.order.graph import Graph
    from reviewer.c.order.stores import Knowledge
    from reviewer.c.reading.collect import Collected
    from reviewer.c.structs import Structs
    from reviewer.c.unit import Unit
    from reviewer.model import Side, Span

__all__ = [
    "Access",
    "Assignment",
    "CType",
    "Call",
    "Function",
    "Use",
    "Variable",
    "function_of",
]

T = TypeVar("T")

_SEARCHED = {"ERROR", "translation_unit", "linkage_specification", "declaration_list"}


@dataclass(frozen=True, eq=False)
class Function:
    """One function of one side. Read lazily: what no rule asks for costs nothing."""

    unit: Unit
    path: str
    side: Side
    node: Node  # the function_definition
    structs: Structs = NO_STRUCTS

    @property
    def name(self) -> str | None:
        """None when the mail does not show it."""
        return self.unit.name

    @property
    def changed(self) -> bool:
        """Whether the patch adds or removes a row of it."""
        return bool(self.unit.changed)

    @cached_property
    def place(self) -> Place:
        """For text and lines of nodes."""
        return Place(self.unit, self.path, self.side)

    @cached_property
    def has_gap(self) -> bool:
        """Whether the mail hides a part of it."""
        return GAP in self.unit.masked

    @property
    def has_error(self) -> bool:
        """Whether the grammar could not read all of it."""
        return self.node.has_error

    @cached_property
    def alternatives(self) -> frozenset[int]:
        """Rows of `#if` and `#else` branches that begin inside of it: not all of them run."""
        rows = self.unit.alternatives
        return frozenset() if self.node.start_point[0] in rows else rows

    @cached_property
    def header_shown(self) -> bool:
        """Whether return type, `static` and parameters are the file's, not made up."""
        return self.place.span(self.node) is not None

    @cached_property
    def static(self) -> bool:
        """Declared `static`. False also when the header is not shown."""
        return any(
            child.type == "storage_class_specifier" and self.text(child) == "static"
            for child in self.node.children[:4]
        )

    @cached_property
    def returns(self) -> str | None:
        """The return type, "struct foo *"; None when the header is not shown."""
        kind = self.node.child_by_field_name("type")
        if kind is None or not self.header_shown:
            return None
        stars, inner = 0, self.node.child_by_field_name("declarator")
        while inner is not None and inner.type == "pointer_declarator":
            stars += 1
            inner = inner.child_by_field_name("declarator")
        return type_name(self.unit, kind) + (" " + "*" * stars if stars else "")

    @cached_property
    def parameters(self) -> tuple[Variable, ...]:
        """The named parameters in order."""
        inner = self.node.child_by_field_name("declarator")
        while inner is not None and inner.type != "function_declarator":
            inner = inner.child_by_field_name("declarator")
        listed = None if inner is None else inner.child_by_field_name("parameters")
        return tuple(
            Variable(found.name, found.type, True, False, found.node)
            for parameter in (listed.named_children if listed is not None else ())
            if parameter.type == "parameter_declaration"
            for found in declared(self.unit, parameter)
            if not found.name.startswith(GAP)
        )

    @cached_property
    def comment(self) -> str:
        """What the comment directly above says, in one line; "" where none is shown."""
        return comment_above(self.unit.text, self.node.start_byte)

    @cached_property
    def _collected(self) -> Collected:
        parameters = {variable.name: variable for variable in self.parameters}
        return collect(self.place, self.node, parameters, self.structs)

    @property
    def collected(self) -> Collected:
        """Everything that the query found, in one value."""
        return self._collected

    @property
    def variables(self) -> Mapping[str, Variable]:
        """Parameters and locals by name; a name declared with two types is not there."""
        return self._collected.variables

    @property
    def calls(self) -> tuple[Call, ...]:
        """Calls, iterator macros and guards in source order."""
        return self._collected.calls

    @property
    def accesses(self) -> tuple[Access, ...]:
        """Field accesses in source order."""
        return self._collected.accesses

    @property
    def assignments(self) -> tuple[Assignment, ...]:
        """Assignments and initialisers in source order."""
        return self._collected.assignments

    def _annotation(self, *names: str) -> tuple[str, ...]:
        body = self.node.child_by_field_name("body")
        stop = self.node.end_byte if body is None else body.start_byte
        return tuple(
            " ".join(mark.arguments.split())
            for mark in self.unit.marks
            if mark.name in names and mark.arguments and mark.start < stop
        )

    @cached_property
    def must_hold(self) -> tuple[str, ...]:
        """Arguments of `__must_hold()`."""
        return self._annotation("__must_hold", "__must_hold_shared", "__requires")

    @cached_property
    def acquires(self) -> tuple[str, ...]:
        """Arguments of `__acquires()`: held at the exits by contract."""
        names = ("__acquires", "__acquires_shared", "__cond_acquires", "__cond_acquires_shared")
        return self._annotation(*names, "__cond_lock")

    @cached_property
    def releases(self) -> tuple[str, ...]:
        """Arguments of `__releases()`: held at the entry by contract."""
        return self._annotation("__releases", "__releases_shared")

    @cached_property
    def first_line(self) -> int:
        """The first line of the file that it shows; 0 when it shows none."""
        return next((line for line in self.unit.lines if line is not None), 0)

    @cached_property
    def last_line(self) -> int:
        """The last line of the file that it shows; 0 when it shows none."""
        return next((line for line in reversed(self.unit.lines) if line is not None), 0)

    @property
    def words(self) -> frozenset[str]:
        """Every identifier and keyword of its text, also those in comments and strings."""
        return self.unit.words

    @cached_property
    def _facts(self) -> dict[object, object]:
        return {}

    def fact(self, make: Callable[[Function], T]) -> T:
        """What `make`, a function of a module, says of this one; made when first asked."""
        if make not in self._facts:
            self._facts[make] = make(self)
        return cast("T", self._facts[make])

    def span(self, node: Node) -> Span | None:
        """The lines of a node; None when it begins on a synthetic row."""
        return self.place.span(node)

    def text(self, node: Node) -> str:
        """The code of a node as it was written."""
        return self.place.text(node)

    @cached_property
    def takes_locks(self) -> bool:
        """Whether anything in it acquires a lock: where not, its flow has nothing to tell."""
        from reviewer.c.facts import acquirers

        return not acquirers().isdisjoint(self.unit.words)

    @cached_property
    def graph(self) -> Graph:
        """Which step follows which. Read by `reviewer.c.after`."""
        from reviewer.c.order.build import graph_of

        return graph_of(self)

    @cached_property
    def knowledge(self) -> Knowledge:
        """What its paths show of the expressions that it tests more than once."""
        from reviewer.c.order.stores import Knowledge

        return Knowledge(self.graph)

    @cached_property
    def flow(self) -> Flow:
        """Which locks are held where. Costs the walk when first asked."""
        from reviewer.c.walking.walk import walk

        return walk(self)


def function_of(
    unit: Unit, path: str, side: Side, structs: Structs = NO_STRUCTS
) -> Function | None:
    """The function of a unit of kind FUNCTION; None when the grammar sees none in it."""
    pending = [unit.tree.root_node]
    while pending:
        node = pending.pop(0)
        if node.type == "function_definition":
            return Function(unit, path, side, node, structs)
        if node.type in _SEARCHED:
            pending.extend(node.named_children)
    return None
