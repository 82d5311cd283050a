"""From the syntax tree of a function to its graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reviewer.c.order.conditions import Conditions
from reviewer.c.order.events import head_events
from reviewer.c.order.graph import Graph, Kind, Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.order.conditions import Ends
    from reviewer.c.order.events import Event

DEEPEST = 100
"""Nested statements; Python's own stack bounds it."""

_NO_RETURN = frozenset(
    {
        *("BUG", "panic", "nmi_panic", "do_exit", "do_group_exit", "make_task_dead"),
        *("kthread_exit", "kthread_complete_and_exit", "unreachable", "__builtin_unreachable"),
    }
)


class _TooDeepError(Exception):
    """The code is nested deeper than DEEPEST."""


class _Frame(NamedTuple):
    """What `break`, `continue` and `case` of a statement refer to; None: not to this one."""

    parent: _Frame | None
    breaks: Ends | None = None
    continues: Ends | None = None
    entry: Ends | None = None
    hidden: bool = False  # its head is not in the mail: it may be a loop


def graph_of(function: Function) -> Graph:
    """The graph of a function; without steps when it is nested too deeply. Never raises."""
    builder = _Builder(function)
    try:
        builder.run()
    except _TooDeepError:
        return Graph(function, (), (), (), {}, {})
    return Graph(
        function,
        tuple(builder.steps),
        tuple(tuple(edges) for edges in builder.edges),
        tuple(builder.starts),
        builder.heads,
        builder.events,
    )


class _Builder(Conditions):
    """Ends are the edges, not yet drawn, along which control arrives at the next step."""

    def __init__(self, function: Function) -> None:
        super().__init__(function)
        self.heads: dict[int, int] = {}
        self.events: dict[int, tuple[Event, ...]] = {}
        self._calls = {c.node.id: c for c in function.calls if c.node.type == "while_statement"}
        self.starts: list[int] = []
        self._labels: dict[str, int] = {}
        self._either = function.alternatives
        self._kinds: dict[str, Callable[[Node, Ends, _Frame | None, int], Ends]] = {
            "compound_statement": self._sequence,
            "else_clause": self._sequence,
            "attributed_statement": self._sequence,
            "labeled_statement": self._labeled,
            "case_statement": self._case,
            "if_statement": self._if,
            "while_statement": self._while,
            "do_statement": self._do,
            "for_statement": self._for,
            "switch_statement": self._switch,
            "goto_statement": self._goto,
            "break_statement": self._break,
            "continue_statement": self._continue,
            "return_statement": self._return,
        }

    def run(self) -> None:
        """Build from the entry to the closing brace."""
        body = self.function.node.child_by_field_name("body")
        ends = self._start()
        if body is None:
            return
        ends = self._statement(body, ends, None, 0)
        last = body.children[-1] if body.children else None
        if last is None or last.is_missing or self.function.span(last) is None:
            self.step(Step(Kind.HIDDEN), ends)
        else:
            self.step(Step(Kind.EXIT, last), ends)
        if self.function.has_gap:
            targets = {edge.to for edges in self.edges for edge in edges}
            self.starts += [at for at in self._labels.values() if at not in targets]

    def _statement(self, node: Node, ends: Ends, frame: _Frame | None, depth: int) -> Ends:
        if depth > DEEPEST:
            raise _TooDeepError
        kind = node.type
        if kind in self._kinds:
            return self._kinds[kind](node, ends, frame, depth)
        if kind.startswith("preproc_"):
            return self._sequence(node, ends, frame, depth)
        if kind == "ERROR" or self.shows_gap(node):
            self._hidden(ends)
            return self._start()
        out: Ends = [(self.step(Step(Kind.RUN, node), ends), ())]
        return [] if self._never_returns(node) else out

    def _hidden(self, ends: Ends) -> Ends:
        self.step(Step(Kind.HIDDEN), ends)
        return []

    def _never_returns(self, node: Node) -> bool:
        inner = node.named_children if node.type == "expression_statement" else ()
        call = inner[0] if inner else None
        if call is None or call.type != "call_expression":
            return False
        name = call.child_by_field_name("function")
        return name is not None and self.function.text(name) in _NO_RETURN

    def _sequence(self, node: Node, ends: Ends, frame: _Frame | None, depth: int) -> Ends:
        # Of `#if` and `#else`, both in the text, one runs; what is inside of it runs whole.
        outermost = bool(self._either) and node.start_point[0] not in self._either
        for child in node.named_children:
            if child.type != "comment":
                after = self._statement(child, ends, frame, depth + 1)
                either = outermost and child.start_point[0] in self._either
                ends = [*ends, *after] if either else after
        return ends

    def _labeled(self, node: Node, ends: Ends, frame: _Frame | None, depth: int) -> Ends:
        label = node.child_by_field_name("label")
        join = self._label("" if label is None else self.masked(label))
        self.link(ends, join)
        ends = [(join, ())]
        for child in node.named_children:
            if child.type not in {"comment", "statement_identifier"}:
                ends = self._statement(child, ends, frame, depth + 1)
        return ends

    def _label(self, name: str) -> int:
        if name not in self._labels:
            self._labels[name] = self.step(Step(Kind.JOIN), [])
        return self._labels[name]

    def _goto(self, node: Node, ends: Ends, _: _Frame | None, __: int) -> Ends:
        label = node.child_by_field_name("label")
        if label is None or self.shows_gap(node):
            return self._hidden(ends)
        self.link(ends, self._label(self.masked(label)))
        return []

    def _case(self, node: Node, ends: Ends, frame: _Frame | None, depth: int) -> Ends:
        switch = frame
        while switch is not None and switch.entry is None:
            switch = switch.parent
        value = node.child_by_field_name("value")
        entry = self._start() if switch is None or switch.entry is None else switch.entry
        ends = [*ends, *entry]
        join: Ends = [(self.step(Step(Kind.JOIN), ends), ())]
        for child in node.named_children:
            if child.type != "comment" and child != value:
                join = self._statement(child, join, frame, depth + 1)
        return join

    def _if(self, node: Node, ends: Ends, frame: _Frame | None, depth: int) -> Ends:
        out: Ends = []
        other: Node | None = node
        while other is not None and other.type == "if_statement":
            test, body = (other.child_by_field_name(n) for n in ("condition", "consequence"))
            inner = frame
            if test is None or self.shows_gap(test):
                self._hidden(ends)
                true, ends = self._start(), []
                inner = _Frame(frame, hidden=True)
            else:
                true, ends = self.test(test, ends)
            if body is not None:
                true = self._statement(body, true, inner, depth + 1)
            out.extend(true)
            other = other.child_by_field_name("alternative")
            if other is not None and other.type == "else_clause" and other.named_children:
                other = other.named_children[-1]
        if other is not None:
            ends = self._statement(other, ends, frame, depth + 1)
        return [*out, *ends]

    def _start(self) -> Ends:
        """A place to which only what the mail hides leads."""
        self.starts.append(self.step(Step(Kind.JOIN), []))
        return [(self.starts[-1], ())]

    def _while(self, node: Node, ends: Ends, frame: _Frame | None, depth: int) -> Ends:
        test, body = (node.child_by_field_name(name) for name in ("condition", "body"))
        if test is None or body is None or self.shows_gap(test):
            self._hidden(ends)
            return [] if body is None else self._hidden_loop(body, frame, depth)
        if node.id in self._calls:
            return self._iterator(node, test, body, ends, frame, depth)
        head = self.step(Step(Kind.JOIN), ends)
        into, out = self.test(test, [(head, ())])
        inner = _Frame(frame, [], [])
        self._back(self._statement(body, into, inner, depth + 1), inner, head)
        return [*out, *(inner.breaks or ())]

    def _hidden_loop(self, body: Node, frame: _Frame | None, depth: int) -> Ends:
        return self._statement(body, self._start(), _Frame(frame, hidden=True), depth + 1)

    def _iterator(
        self, node: Node, test: Node, body: Node, ends: Ends, frame: _Frame | None, depth: int
    ) -> Ends:
        call = self._calls[node.id]
        head = self.step(Step(Kind.TURN, test), ends)
        self.heads[node.id] = head
        self.events[head] = head_events(self.function, call, test)
        inner = _Frame(frame, [], [])
        left = self._statement(body, [(head, ())], inner, depth + 1)
        if call.guard:
            return [*left, *(inner.breaks or ()), *(inner.continues or ())]
        self._back(left, inner, head)
        return [(head, ()), *(inner.breaks or ())]

    def _back(self, ends: Ends, frame: _Frame, head: int) -> None:
        self.link([*ends, *(frame.continues or ())], head)

    def _do(self, node: Node, ends: Ends, frame: _Frame | None, depth: int) -> Ends:
        test, body = (node.child_by_field_name(name) for name in ("condition", "body"))
        if test is None or body is None:
            return self._hidden(ends)
        head = self.step(Step(Kind.JOIN), ends)
        inner = _Frame(frame, [], [])
        left = self._statement(body, [(head, ())], inner, depth + 1)
        again, out = self.test(test, [*left, *(inner.continues or ())])
        self.link(again, head)
        return [*out, *(inner.breaks or ())]

    def _for(self, node: Node, ends: Ends, frame: _Frame | None, depth: int) -> Ends:
        first, test, step, body = (
            node.child_by_field_name(name)
            for name in ("initializer", "condition", "update", "body")
        )
        if body is None or self.shows_gap(node.children[0]):
            return self._hidden(ends)
        if first is not None:
            ends = [(self.step(Step(Kind.RUN, first), ends), ())]
        head = self.step(Step(Kind.JOIN), ends)
        out: Ends = []
        into: Ends = [(head, ())]
        if test is not None:
            into, out = self.test(test, into)
        inner = _Frame(frame, [], [])
        left = [*self._statement(body, into, inner, depth + 1), *(inner.continues or ())]
        if step is not None:
            left = [(self.step(Step(Kind.RUN, step), left), ())]
        self.link(left, head)
        return [*out, *(inner.breaks or ())]

    def _switch(self, node: Node, ends: Ends, frame: _Frame | None, depth: int) -> Ends:
        test, body = (node.child_by_field_name(name) for name in ("condition", "body"))
        if test is None or body is None or self.shows_gap(test):
            return self._hidden(ends)
        entry: Ends = [(self.step(Step(Kind.RUN, test), ends), ())]
        inner = _Frame(frame, [], None, entry)
        out = self._statement(body, [], inner, depth + 1)
        default = any(
            child.type == "case_statement" and child.child_by_field_name("value") is None
            for child in body.named_children
        )
        return [*out, *(inner.breaks or ()), *([] if default else entry)]

    def _break(self, _: Node, ends: Ends, frame: _Frame | None, __: int) -> Ends:
        while frame is not None and frame.breaks is None and not frame.hidden:
            frame = frame.parent
        if frame is None or frame.breaks is None:
            return self._hidden(ends)
        frame.breaks.extend(ends)
        return []

    def _continue(self, _: Node, ends: Ends, frame: _Frame | None, __: int) -> Ends:
        while frame is not None and frame.continues is None and not frame.hidden:
            frame = frame.parent
        if frame is None or frame.continues is None:
            return self._hidden(ends)
        frame.continues.extend(ends)
        return []

    def _return(self, node: Node, ends: Ends, _: _Frame | None, __: int) -> Ends:
        self.step(Step(Kind.EXIT, node), ends)
        return []
