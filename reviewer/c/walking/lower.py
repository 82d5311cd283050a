"""From the syntax tree of a function to the statements that the walk over lock states runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.unit import GAP
from reviewer.c.walking.branch import Condition, Leaf, condition, expressions, value_of
from reviewer.c.walking.program import (
    Block,
    Break,
    Case,
    Continue,
    Decide,
    Gap,
    Goto,
    If,
    Label,
    Loop,
    Return,
    Scoped,
    Steps,
    Suppose,
    Switch,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tree_sitter import Node

    from reviewer.c.syntax import Call
    from reviewer.c.walking.items import Items
    from reviewer.c.walking.program import Statement

DEEPEST = 100
"""Nested statements; Python's own stack bounds it."""

_TARGETS = {"labeled_statement", "case_statement"}
_JUMPS = {"return_statement", "goto_statement", "break_statement", "continue_statement"}


class TooDeepError(Exception):
    """The code is nested deeper than DEEPEST."""


class Lowering:
    """One function on its way; the positions of what jumps need are gathered beside."""

    def __init__(self, items: Items, headers: Mapping[int, Call]) -> None:
        self.items = items
        self.headers = headers  # iterator macros and scoped guards by the id of their node
        self.labels: dict[str, int] = {}
        self.targets: list[int] = []  # offsets of labels and cases
        self.blocks: list[tuple[int, int]] = []
        self.jumps: list[int] = []  # offsets of return and goto
        self.gaps: list[tuple[int, int]] = []
        self.gotos: list[Node] = []
        self.breaks: list[Node] = []
        self.tests: list[str] = []  # expressions that conditions test, once for each time
        self.guarding: list[tuple[int, int, Condition]] = []  # arms of `if`, with their tests
        self._alternatives = items.function.alternatives
        self._kinds: dict[str, Callable[[Node, int], Statement]] = {
            "compound_statement": self._block,
            "if_statement": self._if,
            "while_statement": self._while,
            "do_statement": self._do,
            "for_statement": self._for,
            "switch_statement": self._switch,
            "goto_statement": self._goto,
            "return_statement": self._return,
            "expression_statement": self._expression,
            "declaration": self._plain,
        }

    def statement(self, node: Node, depth: int = 0) -> Statement:
        """Lower one statement. Raises TooDeepError."""
        if depth > DEEPEST:
            raise TooDeepError
        kind = node.type
        if kind == "break_statement":
            self.breaks.append(node)
            return Break(node.start_byte)
        if kind == "continue_statement":
            return Continue()
        if kind == "labeled_statement" or kind == "case_statement":
            return Block(tuple(self._targeted(node, depth)), node.start_byte, node.end_byte)
        if kind == "ERROR":
            return self._gap(node)
        if kind in {"else_clause", "attributed_statement"} or kind.startswith("preproc_"):
            return self._sequence(node, depth)
        lower = self._kinds.get(kind, self._other)
        return lower(node, depth)

    def _gap(self, node: Node) -> Gap:
        self.gaps.append((node.start_byte, node.end_byte))
        return Gap(node.start_byte)

    def _other(self, node: Node, depth: int) -> Statement:
        return self._plain(node, depth)

    def _plain(self, node: Node, _: int) -> Statement:
        if self.items.shows_gap(node):
            return self._gap(node)
        return Steps(*self.items.within(node))

    def _expression(self, node: Node, _: int) -> Statement:
        if self.items.shows_gap(node):
            return self._gap(node)
        low, high = self.items.within(node)
        if self.items.locks_within(low, high):
            text = self.items.masked(node)
            if "?" in text or "&&" in text or "||" in text:
                return Decide(self._condition(node.named_children[0]))
        return Steps(low, high)

    def _sequence(self, node: Node, depth: int) -> Block:
        body: list[Statement] = []
        children = [child for child in node.named_children if child.type != "comment"]
        for index, child in enumerate(children):
            body.extend(self._in_sequence(child, depth))
            if index + 1 < len(children) and children[index + 1].type == "goto_statement":
                supposed = self._supposed(child)
                if supposed is not None:
                    body.append(supposed)
        return Block(tuple(body), node.start_byte, node.end_byte)

    def _in_sequence(self, child: Node, depth: int) -> Iterator[Statement]:
        if child.type in _TARGETS:
            yield from self._targeted(child, depth + 1)
            return
        lowered = self.statement(child, depth + 1)
        if self._alternatives and child.start_point[0] in self._alternatives:
            yield from self._alternative(child, lowered)
        else:
            yield lowered

    def _alternative(self, child: Node, lowered: Statement) -> Iterator[Statement]:
        """A statement of an `#if` branch that stands beside its `#else`: it may or may not run."""
        if child.type in _JUMPS:
            yield self._gap(child)
            yield If(((Leaf(0, 0), lowered),), None, True, child.start_byte, child.end_byte)
        elif self.items.locks_within(*self.items.within(child)):
            yield self._gap(child)
            yield lowered
            yield self._gap(child)
        else:
            yield lowered

    def _supposed(self, node: Node) -> Suppose | None:
        children = node.named_children if node.type == "expression_statement" else ()
        if not children or children[0].type != "assignment_expression":
            return None
        inner = children[0]
        left, right = inner.child_by_field_name("left"), inner.child_by_field_name("right")
        if left is None or right is None or left.type != "identifier":
            return None
        known = value_of(self.items.code(right)) is not None
        return None if known else Suppose(self.items.code(left))

    def _targeted(self, node: Node, depth: int) -> Iterator[Statement]:
        """A label or case and the statements behind it, which the grammar puts under it."""
        if depth > DEEPEST:
            raise TooDeepError
        self.targets.append(node.start_byte)
        children = node.named_children
        if node.type == "labeled_statement":
            name = self.items.masked(children[0])
            self.labels[name] = node.start_byte
            yield Label(name, node.start_byte)
            children = children[1:]
        else:
            value = node.child_by_field_name("value")
            yield Case(value is None)
            children = [child for child in children if child != value]
        for child in children:
            yield from self._in_sequence(child, depth + 1)

    def _block(self, node: Node, depth: int) -> Block:
        self.blocks.append((node.start_byte, node.end_byte))
        return self._sequence(node, depth)

    def _body(self, node: Node | None, depth: int) -> Statement:
        if node is None:
            return Gap(self.items.function.node.end_byte)
        return Block(tuple(self._in_sequence(node, depth)), node.start_byte, node.end_byte)

    def _condition(self, node: Node | None) -> Condition:
        if node is None:
            return Leaf(0, 0, gap=self.items.function.node.end_byte)
        lowered = condition(self.items, node)
        self.tests.extend(expressions(lowered))
        return lowered

    def _if(self, node: Node, depth: int) -> If:
        """One If for the whole chain, so that a long one is not a deep one."""
        arms: list[tuple[Condition, Statement]] = []
        start, end, hidden = node.start_byte, node.end_byte, False
        other: Node | None = node
        while other is not None and other.type == "if_statement":
            test = other.child_by_field_name("condition")
            hidden = hidden or test is None or GAP in self.items.masked(test)
            lowered = self._condition(test)
            body = other.child_by_field_name("consequence")
            if body is not None:
                self.guarding.append((body.start_byte, body.end_byte, lowered))
            arms.append((lowered, self._body(body, depth)))
            other = other.child_by_field_name("alternative")
            if other is not None and other.type == "else_clause" and other.named_children:
                other = other.named_children[-1]
        last = None if other is None else self._body(other, depth)
        return If(tuple(arms), last, hidden, start, end)

    def _while(self, node: Node, depth: int) -> Statement:
        test, body = (node.child_by_field_name(name) for name in ("condition", "body"))
        call = self.headers.get(node.id)
        if call is None:
            lowered = self._condition(test)
            return self._loop(node, lowered, self._body(body, depth))
        header = (0, 0) if test is None else self.items.within(test)
        inner = self._body(body, depth)
        if call.guard:
            return Scoped(call, header, inner, node.start_byte, node.end_byte)
        names = frozenset(text for text in call.arguments if text.isidentifier())
        start, end = node.start_byte, node.end_byte
        return Loop(None, header, (0, 0), inner, False, call, names, start, end)

    def _loop(
        self,
        node: Node,
        test: Condition,
        body: Statement,
        step: tuple[int, int] = (0, 0),
        after: bool = False,
    ) -> Loop:
        place = (node.start_byte, node.end_byte)
        return Loop(test, (0, 0), step, body, after, None, frozenset(), *place)

    def _do(self, node: Node, depth: int) -> Statement:
        body = self._body(node.child_by_field_name("body"), depth)
        test = self._condition(node.child_by_field_name("condition"))
        return self._loop(node, test, body, after=True)

    def _for(self, node: Node, depth: int) -> Statement:
        first, test, step, body = (
            node.child_by_field_name(name)
            for name in ("initializer", "condition", "update", "body")
        )
        lowered = Leaf(0, 0, constant=True) if test is None else self._condition(test)
        after = (0, 0) if step is None else self.items.within(step)
        loop = self._loop(node, lowered, self._body(body, depth), after)
        if first is None:
            return loop
        begin = Steps(*self.items.within(first))
        return Block((begin, loop), node.start_byte, node.end_byte)

    def _switch(self, node: Node, depth: int) -> Switch:
        test, body = (node.child_by_field_name(name) for name in ("condition", "body"))
        low, high = (0, 0) if test is None else self.items.within(test)
        inner = self._body(body, depth)
        default = body is not None and any(
            child.type == "case_statement" and child.child_by_field_name("value") is None
            for child in body.named_children
        )
        return Switch(low, high, inner, default, node.start_byte, node.end_byte)

    def _goto(self, node: Node, _: int) -> Statement:
        label = node.child_by_field_name("label")
        self.jumps.append(node.start_byte)
        self.gotos.append(node)
        return self._gap(node) if label is None else Goto(self.items.masked(label), node)

    def _return(self, node: Node, _: int) -> Statement:
        self.jumps.append(node.start_byte)
        return Return(node, *self.items.within(node))
