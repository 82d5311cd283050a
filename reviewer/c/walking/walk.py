"""The walk: runs the statements of a function over sets of lock states until nothing changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.flow import Exit, ExitKind, Flow
from reviewer.c.walking.entry import told_by_comment
from reviewer.c.walking.lower import TooDeepError
from reviewer.c.walking.paths import Paths
from reviewer.c.walking.prepare import Prepared, prepare
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
from reviewer.c.walking.states import (
    NOTHING,
    NOWHERE,
    State,
    States,
    TooManyError,
    assuming,
    blurred,
    hidden,
    joined,
)
from reviewer.c.walking.summary import UNREACHED, Summary

if TYPE_CHECKING:
    from collections.abc import Callable

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.walking.program import Statement

_ROUNDS = 6
_TURNS = 3
_STEPS = 100_000


class _TooLongError(Exception):
    """More than _STEPS states went through statements, or labels did not settle."""


def walk(function: Function) -> Flow:
    """The locks at each point of a function. Never raises; over a bound `complete` is False."""
    try:
        prepared = prepare(function)
        try:
            return _Walk(prepared, True).run()
        except TooManyError:
            return _Walk(prepared, False).run()
    except (TooDeepError, TooManyError, _TooLongError):
        return Flow({}, (), complete=False)


class _Frame:
    """Where break and continue go. `entry`: the states at the head of a switch."""

    def __init__(self, parent: _Frame | None, loop: bool, hidden_: bool = False) -> None:
        self.parent = parent
        self.loop = loop
        self.hidden = hidden_  # an `if (__gap__)` that may be a loop or switch
        self.breaks: States = NOTHING
        self.continues: States = NOTHING
        self.entry: States | None = None


class _Walk(Paths):
    def __init__(self, prepared: Prepared, by_goto: bool) -> None:
        super().__init__(prepared)
        self._by_goto = by_goto
        self._labels: dict[str, States] = {}
        self._run: dict[str, States] = {}  # what of a label's states the last round used
        self._steps = 0
        self.exits: dict[tuple[int, int], States] = {}
        self.exit_nodes: dict[int, tuple[ExitKind, Node]] = {}
        self._runners: dict[type, Callable[..., States]] = {
            Steps: self._plain,
            Block: self._block,
            If: self._if,
            Loop: self._loop,
            Switch: self._switch,
            Scoped: self._scoped,
            Return: self._return,
            Goto: self._goto,
            Label: self._label,
            Case: self._case,
            Break: self._break,
            Continue: self._continue,
            Decide: self._decide,
            Gap: lambda gap, states, _: self.behind(gap.offset, states),
            Suppose: self._suppose,
        }

    def run(self) -> Flow:
        """Rounds until no label gets a state that the last round did not see."""
        for _ in range(_ROUNDS):
            self.records, self.nodes, self.exits = {}, {}, {}
            self._run = {}
            left = self._statement(self.prepared.body, self.prepared.entry, None)
            self._leave(ExitKind.END, self.prepared.closing, left)
            if all(self._run.get(name) == states for name, states in self._labels.items()):
                return self._result()
        raise _TooLongError

    def _result(self) -> Flow:
        perhaps = told_by_comment(self.prepared.function, self.prepared.entry)
        summary = Summary(self.prepared.function, self.transfer.locks, perhaps)
        ids = self.prepared.ids
        before = dict.fromkeys(self.prepared.readable, UNREACHED)
        for (low, high), states in self.records.items():
            locks = summary.locks(states)
            for position in range(low, high):
                before[ids[position]] = locks
        for node_id, states in self.nodes.items():
            before[node_id] = summary.locks(states)
        exits: list[Exit] = []
        jumps: list[Exit] = []
        for (node_id, via), states in self.exits.items():
            kind, node = self.exit_nodes[node_id]
            out = summary.exit(kind, node, states, self.prepared.jumps.get(via))
            if out is not None:
                (jumps if kind is ExitKind.JUMP else exits).append(out)
        exits.sort(key=_by_line)
        ids_of_jumps = {out.node.id for out in jumps}
        left = frozenset[State]().union(
            *(states for (at, _), states in self.exits.items() if at not in ids_of_jumps)
        )
        dropped = self._dropped(left)
        known = (self.prepared.released, dropped, tuple(jumps), self.prepared.new)
        return Flow(before, tuple(exits), True, *known)

    def _dropped(self, states: States) -> frozenset[tuple[str, str]]:
        """What was released at some exit without having been acquired."""
        found: set[tuple[str, str]] = set()
        for state in states:
            locks = (self.transfer.locks[number].held for number in state.held)
            found |= state.released - {(held.family, held.key) for held in locks}
        return frozenset(found)

    def _statement(self, statement: Statement, states: States, frame: _Frame | None) -> States:
        self._steps += 1 + len(states)
        if self._steps > _STEPS:
            raise _TooLongError
        return self._runners[type(statement)](statement, states, frame)

    def _dead(self, states: States, start: int, end: int) -> bool:
        """Nothing reaches this piece, and no label or case in it could."""
        return not states and not self.prepared.has_target(start, end)

    def _plain(self, steps: Steps, states: States, _: _Frame | None) -> States:
        return self.items(steps.low, steps.high, states)

    def _decide(self, decide: Decide, states: States, _: _Frame | None) -> States:
        return joined(*self.test(decide.test, states))

    def _suppose(self, suppose: Suppose, states: States, _: _Frame | None) -> States:
        if suppose.expression not in self.prepared.tracked:
            return states
        return assuming(states, suppose.expression, True)

    def _block(self, block: Block, states: States, frame: _Frame | None) -> States:
        if self._dead(states, block.start, block.end):
            return states
        for statement in block.body:
            states = self._statement(statement, states, frame)
        return self.without_guards(states, block.start, block.end)

    def _if(self, branch: If, states: States, frame: _Frame | None) -> States:
        if self._dead(states, branch.start, branch.end):
            return states
        inner = frame
        if branch.hidden:
            states = self.behind(branch.start, states)
            inner = _Frame(frame, frame is not None and frame.loop, True)
        outs = []
        for test, body in branch.arms:
            true, states = self.test(test, states)
            outs.append(self._statement(body, true, inner))
        if branch.other is not None:
            states = self._statement(branch.other, states, inner)
        if branch.hidden and inner is not None:
            outs.append(blurred(inner.breaks | inner.continues))
        return joined(*outs, states)

    def _loop(self, loop: Loop, states: States, frame: _Frame | None) -> States:
        if self._dead(states, loop.start, loop.end):
            return states
        inner = _Frame(frame, True)
        outs: list[States] = []
        seen: set[State] = set()
        head = states
        for turn in range(_TURNS):
            new = frozenset(head - seen)
            if not new and turn:
                break
            seen |= new
            into = new
            if not loop.after or turn:
                into, left = self._head(loop, new)
                outs.append(left)
            head = joined(self._statement(loop.body, into, inner), inner.continues)
            inner.continues = NOTHING
            head = self.without_guards(head, loop.start, loop.end)
            head = self.items(*loop.step, head)
        if loop.after:
            outs.append(self._head(loop, head)[1])
        return joined(*outs, self.without_guards(inner.breaks, loop.start, loop.end))

    def _head(self, loop: Loop, states: States) -> tuple[States, States]:
        """The states that enter the body, and those that leave the loop."""
        if loop.test is not None:
            return self.test(loop.test, states)
        if loop.call is not None:
            self.note(loop.call.node.id, states)
        states = self.items(*loop.header, states)
        forget = self.transfer.forget
        states = frozenset(forget(state, loop.assigned) for state in states)
        return states, states

    def _switch(self, switch: Switch, states: States, frame: _Frame | None) -> States:
        if self._dead(states, switch.start, switch.end):
            return states
        states = self.items(switch.low, switch.high, states)
        inner = _Frame(frame, False)
        inner.entry = states
        out = self._statement(switch.body, NOTHING, inner)
        breaks = self.without_guards(inner.breaks, switch.start, switch.end)
        return joined(out, breaks, NOTHING if switch.default else states)

    def _case(self, case: Case, states: States, frame: _Frame | None) -> States:
        while frame is not None and frame.entry is None:
            frame = frame.parent
        if frame is None or frame.entry is None:
            return joined(states, hidden(states | {State()}))
        return joined(states, frame.entry)

    def _scoped(self, scoped: Scoped, states: States, frame: _Frame | None) -> States:
        if self._dead(states, scoped.start, scoped.end):
            return states
        self.note(scoped.call.node.id, states)
        states = self.items(*scoped.header, states)
        effect = self.prepared.scoped.get(scoped.call.node.id)
        failed: States = NOTHING
        if effect is not None:
            if effect.result:
                failed, effect = states, effect._replace(result="")
            states = self.transfer.apply(effect, states)
        inner = _Frame(frame, True)
        out = self._statement(scoped.body, states, inner)
        left = joined(out, inner.breaks, inner.continues)
        return joined(self.without_guards(left, scoped.start, scoped.end), failed)

    def _break(self, jump: Break, states: States, frame: _Frame | None) -> States:
        if frame is not None and frame.loop:
            states = self._leaving(states, jump.offset)
        while frame is not None:
            frame.breaks = joined(frame.breaks, states)
            if not frame.hidden:
                break
            frame = frame.parent
        return NOTHING

    def _continue(self, _: Continue, states: States, frame: _Frame | None) -> States:
        while frame is not None:
            if frame.loop:
                frame.continues = joined(frame.continues, states)
                if not frame.hidden:
                    break
            frame = frame.parent
        return NOTHING

    def _goto(self, goto: Goto, states: States, _: _Frame | None) -> States:
        if not states:
            return NOTHING
        target = self.prepared.labels.get(goto.name)
        self.note(goto.node.id, states)
        if target is None:
            self._leave(ExitKind.JUMP, goto.node, states)
            return NOTHING
        start = goto.node.start_byte
        marked = self._by_goto and target > start and any(state.held for state in states)
        arriving = []
        for state in states:
            via = state.via
            if target < start:
                via = NOWHERE
            elif marked and via == NOWHERE:
                via = start
            state = state._replace(held=self.after_jump(state.held, target), via=via)
            arriving.append(state)
        self._labels[goto.name] = joined(self._labels.get(goto.name, NOTHING), arriving)
        return NOTHING

    def _leaving(self, states: States, offset: int) -> States:
        """The states, now told apart from those that leave the loop in another way."""
        if not self._by_goto or not any(state.held for state in states):
            return states
        return frozenset(
            state._replace(via=offset) if state.via == NOWHERE else state for state in states
        )

    def _label(self, label: Label, states: States, _: _Frame | None) -> States:
        arriving = self._labels.get(label.name, NOTHING)
        self._run[label.name] = arriving
        return joined(states, arriving)

    def _return(self, statement: Return, states: States, _: _Frame | None) -> States:
        states = self.items(statement.low, statement.high, states)
        self.note(statement.node.id, states)
        self._leave(ExitKind.RETURN, statement.node, states)
        return NOTHING

    def _leave(self, kind: ExitKind, node: Node | None, states: States) -> None:
        if node is None:
            return
        self.exit_nodes[node.id] = (kind, node)
        for state in states:
            key = (node.id, state.via)
            self.exits[key] = self.exits.get(key, NOTHING) | {state}


def _by_line(out: Exit) -> tuple[int, int]:
    return out.node.start_byte, 0 if out.via is None else out.via.line
