"""The patch gives an exit another way out, on which other locks are released.

Exits that unlock by hand are turned into a `goto` to one label, or a `goto` into a plain `return`.
What the old way released, the new one has to release too, no more and no less: several exits that
share a label from now on must hold the same locks there.

It is fine where the old way was wrong, and the patch says so.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.c.callees import function_named
from reviewer.c.lockops import lock_ops
from reviewer.c.onward import follows, gotos, labels, onward
from reviewer.c.unit import GAP
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.lockops import LockOp
    from reviewer.c.source import Source

    Lock = tuple[str, str]  # family and key

_EXIT = re.compile(r"^[ \t{}]*(?:return\b|goto\s+(\w+)\s*;)")
_PLAIN = re.compile(r"out|err|error|fail|failed|done|exit|end|bail|ret|unlock|out_unlock")
_LABEL = re.compile(r"^\s*(\w+)\s*:(?!:)")
_UNLOCKS = re.compile(r"unlock")
_TOUCHES_LOCKS = re.compile(
    r"lock|guard\s*\(|__free|\b(?:down|up)_|\b(?:up|down)\(|acquire|release|put|end|finish|complete"
)
_LONGEST = 3000  # rows of a function that are compared


@dataclass(frozen=True, slots=True)
class _Exit:
    """An exit on changed rows; `label` is None for a return."""

    row: int
    label: str | None
    released: tuple[LockOp, ...]  # on the changed rows that belong to it
    plain: bool  # nothing else on them may touch a lock

    @property
    def locks(self) -> frozenset[Lock]:
        return frozenset(op.lock for op in self.released)


def check(source: Source) -> Iterator[Finding]:
    """Exits on changed rows that stand where another one stood."""
    before = source.before
    for function in source.touched_with({"goto", "return"}) if before is not None else ():
        old = function_named(before, function.name) if before and function.name else None
        if old is None or "goto" not in old.unit.text + function.unit.text:
            continue
        if max(len(function.unit.lines), len(old.unit.lines)) > _LONGEST:
            continue
        pairs = _pairs(function, old)
        if pairs:
            yield from _shared(function, old, pairs)
            yield from _returns(function, old, pairs)
            yield from _jumps(function, old, pairs)


def _pairs(function: Function, old: Function) -> list[tuple[_Exit, _Exit]]:
    """The old and the new exit at each place where the patch puts just one for one."""
    were, are = _exits(old), _exits(function)
    return [(were[place], each) for place, each in are.items() if place in were]


def _exits(function: Function) -> Mapping[int, _Exit]:
    """The places with one exit on changed rows, by the number of unchanged rows before them."""
    unit = function.unit
    rows = unit.masked.split("\n")
    places: dict[int, list[int]] = {}
    kept = 0
    for row, line in enumerate(unit.lines):
        if row in unit.changed:
            places.setdefault(kept, []).append(row)
        elif line is not None:
            kept += 1
    operations: dict[int, list[LockOp]] = {}
    for op in lock_ops(function):
        operations.setdefault(op.call.node.start_point[0], []).append(op)
    found: dict[int, _Exit] = {}
    for place, changed in places.items():
        ways = [(row, match) for row in changed if (match := _EXIT.match(rows[row]))]
        if len(ways) == 1:
            row, match = ways[0]
            ops = [op for at in range(changed[0], row + 1) for op in operations.get(at, ())]
            others = [r for r in changed if r != row and r not in operations]
            plain = not any(_TOUCHES_LOCKS.search(rows[each]) for each in others)
            plain &= not any(op.acquires or not op.call.statement for op in ops)
            found[place] = _Exit(row, match[1], tuple(ops), plain)
    return found


def _shared(
    function: Function, old: Function, pairs: Iterable[tuple[_Exit, _Exit]]
) -> Iterator[Finding]:
    """Exits that are sent to one label, and did not all release what it releases."""
    pairs = list(pairs)
    groups: dict[tuple[str, str | None], list[tuple[_Exit, _Exit]]] = {}
    for was, now in pairs:
        if was.plain and now.plain and now.label and not now.released and was.label != now.label:
            groups.setdefault((now.label, was.label), []).append((was, now))
    jumps = {goto.start_point[0]: goto for goto in gotos(function)} if groups else {}
    for (label, target), group in groups.items():
        node = labels(function).get(label)
        releases = _released_from(function, node, target) if node is not None else None
        alike = Counter(was.locks for was, _ in group)
        if releases is None or not alike.get(releases):
            continue
        moved = _moved(function, old, pairs)
        for was, now in group:
            if (
                was.locks != releases
                and now.row in jumps
                and moved.isdisjoint(was.locks ^ releases)
            ):
                yield from _differs(function, jumps[now.row], was, releases, label)


def _moved(
    function: Function, old: Function, pairs: Iterable[tuple[_Exit, _Exit]]
) -> frozenset[Lock]:
    """The locks that the patch takes or releases elsewhere too: they may be held for longer."""
    exits = {op.call.node.id for pair in pairs for each in pair for op in each.released}
    added = [
        node.start_byte
        for node in labels(function).values()
        if node.start_point[0] in function.unit.changed
    ]
    last = min(added, default=function.node.end_byte)  # what new labels release is compared
    return frozenset(
        op.lock
        for side, end in ((old, old.node.end_byte), (function, last))
        for op in lock_ops(side)
        if op.call.node.start_point[0] in side.unit.changed
        if op.call.node.id not in exits and op.call.node.start_byte < end
    )


def _released_from(function: Function, label: Node, target: str | None) -> frozenset[Lock] | None:
    """What is released from the label on to the old target, a label too, or to the return."""
    ops = {op.call.node.start_byte: op for op in lock_ops(function)}
    end = labels(function).get(target) if target is not None else None
    found: set[Lock] = set()
    inner = [child for child in label.named_children[1:] if child.type != "comment"]
    statements = [*inner[:1], *onward(function, inner[0])] if inner else []
    for statement in statements:
        if end is not None and end.start_byte <= statement.start_byte < end.end_byte:
            return frozenset(found)
        if statement.type == "expression_statement":
            for start, op in ops.items():
                if statement.start_byte <= start < statement.end_byte:
                    if op.acquires:
                        return None
                    found.add(op.lock)
        elif statement.type == "return_statement":
            return frozenset(found) if target is None else None
    return None


def _differs(
    function: Function, jump: Node, was: _Exit, releases: frozenset[Lock], label: str
) -> Iterator[Finding]:
    span = function.span(jump)
    less, more = sorted(was.locks - releases), sorted(releases - was.locks)
    if span is None or bool(less) == bool(more):
        return
    key = (less or more)[0][1] or (less or more)[0][0]
    what = (
        f"this exit released {key} before, and {label} does not: it stays held"
        if less
        else f"this exit did not release {key} before, and {label} does: it is not held here"
    )
    yield Finding(
        span=span,
        message=what,
        function=function.name,
        evidence=tuple(
            Evidence(op.call.span, "what it released before") for op in was.released[:2]
        ),
        fix=Fix(f"jump to a label that releases what is held here, not to {label}"),
    )


def _returns(
    function: Function, old: Function, pairs: Iterable[tuple[_Exit, _Exit]]
) -> Iterator[Finding]:
    """Plain returns where the old exit went to a label that unlocks, and that is still there."""
    for was, now in pairs:
        if now.label is not None or was.label is None or not _UNLOCKS.search(was.label):
            continue
        if was.released or now.released or not (was.plain and now.plain):
            continue
        if _moves_locks(function) or _moves_locks(old) or _is_taken_later(function, now):
            continue
        span = function.place.rows_span(now.row, now.row)
        if span is not None:
            yield Finding(
                span=span,
                message=f"this exit went to {was.label} and returns at once now: "
                "is the lock not held here any more?",
                function=function.name,
                fix=Fix(f"keep the jump to {was.label}"),
                confidence=None if _others_go_there(function, was.label, now) else Confidence.HUNCH,
            )


def _jumps(
    function: Function, old: Function, pairs: Iterable[tuple[_Exit, _Exit]]
) -> Iterator[Finding]:
    """Returns that became jumps, right before a lock is taken, to a label that the mail hides."""
    where = {goto.start_point[0]: goto for goto in gotos(function)}
    for was, now in pairs:
        jump = where.get(now.row)
        if was.label is not None or jump is None or now.label in labels(function):
            continue
        if now.label is None or _PLAIN.fullmatch(now.label) is None:
            continue  # "err_free" tells what it does
        if was.released or now.released or _moves_locks(function) or _moves_locks(old):
            continue
        taken = _taken_next(function, jump)
        span = function.span(jump)
        if taken is not None and span is not None:
            sure = _leaves_locked(function, now.label, taken)
            yield Finding(
                span=span,
                message=f"{taken.key} is only taken behind this exit, which returned before: "
                f"does {now.label} release it?",
                function=function.name,
                evidence=(Evidence(taken.call.span, f"{taken.key} is taken here"),),
                fix=Fix("return directly, or jump to a label behind the release"),
                confidence=None if sure else Confidence.HUNCH,
            )


def _taken_next(function: Function, jump: Node) -> LockOp | None:
    """The first operation on a lock in view, if it takes one behind the branch with the jump."""
    ops = lock_ops(function)
    if not ops or not ops[0].acquires or not ops[0].call.statement:
        return None
    start, end = jump.end_byte, ops[0].call.node.start_byte
    hidden = GAP in function.unit.masked[start:end]
    branch = _branch(jump)
    return (
        ops[0] if branch is not None and not hidden and follows(branch, ops[0].call.node) else None
    )


def _branch(jump: Node) -> Node | None:
    above = jump.parent
    if above is not None and above.type == "compound_statement":
        above = above.parent
    return above if above is not None and above.type == "if_statement" else None


def _leaves_locked(function: Function, label: str, taken: LockOp) -> bool:
    """Whether an exit that surely holds the lock goes to that label, without releasing it."""
    return any(
        goto.start_byte > taken.call.node.start_byte
        and re.fullmatch(rf"goto\s+{re.escape(label)}\s*;", function.text(goto)) is not None
        and any(held.key == taken.key for held in function.flow.at(goto).must)
        for goto in gotos(function)
    )


def _moves_locks(function: Function) -> bool:
    """Whether the changed rows do anything else to locks, or with the labels."""
    rows = function.unit.masked.split("\n")
    changed = [rows[row] for row in function.unit.changed if not _EXIT.match(rows[row])]
    return any(_TOUCHES_LOCKS.search(row) or _LABEL.match(row) for row in changed)


def _is_taken_later(function: Function, now: _Exit) -> bool:
    """Whether a lock is taken behind the exit, and none before it."""
    taken = [op.call.node.start_point[0] for op in lock_ops(function) if op.acquires]
    return bool(taken) and min(taken) > now.row


def _others_go_there(function: Function, label: str, now: _Exit) -> bool:
    """Whether exits above and below it, which the patch leaves, go to the label."""
    rows = [
        goto.start_point[0]
        for goto in gotos(function)
        if re.search(rf"goto\s+{re.escape(label)}\b", function.text(goto))
        and goto.start_point[0] not in function.unit.changed
    ]
    return any(row < now.row for row in rows)


rule = Rule(
    title="An exit releases other locks than it did",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"goto"}),
    compares=True,
    links=("https://docs.kernel.org/process/coding-style.html",),
)
