"""A new return leaves before the unlock that follows.

The mail does not show where the lock is taken, but right behind the new return the function
releases it, with nothing in between that takes it: so it is held here, and stays so. The same is
said of a new `goto` to another label than the one that unlocks, to which the exit above goes.

It is fine where the caller holds the lock and the function drops it for a while.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from reviewer.c.facts import lock_call, releasers
from reviewer.c.flow import ExitKind, Kind
from reviewer.c.lockops import calls_within
from reviewer.c.locks import IDENTIFIER, lock_key
from reviewer.c.onward import BRANCHES, JUMPS, gotos
from reviewer.c.unit import GAP
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.flow import Exit
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

    Lock = tuple[str, str]  # family and key

_KINDS = frozenset({Kind.RCU, Kind.SRCU, Kind.SPIN, Kind.MUTEX, Kind.RWSEM})
_READERS = frozenset({Kind.RCU, Kind.SRCU})
_SEMAPHORE = "up"
_GIVES_BACK = re.compile(
    r"unlock|_locked|(?:^|_)(?:end|finish|stop|put|release|exit|done|complete|drop|resume|thaw|leave"
    r"|yield|relax|wait)(?:_|$)"
)
_CLOSES = re.compile(
    r"unlock|(?:^|_)(?:put|end|finish|release|exit|done|abort|cancel|fail|cleanup|leave"
    r"|complete|unwind)(?:_|$)"
)
_TAKES = re.compile(r"lock|(?:^|_)(?:acquire|begin|start|reserve|enter|down|try|get|grab)(?:_|$)")
_UNLOCKS = re.compile(r"unlock|mutex|(?:^|_|\b)(?:lock|sem)(?:_|\b|$)")
_LOOPS = frozenset({"while_statement", "for_statement", "do_statement"})
_THROUGH = _LOOPS | {"compound_statement", "if_statement", "else_clause", "labeled_statement"}
_STEPS = 60


def check(source: Source) -> Iterator[Finding]:
    """Returns on changed rows in front of a release, where a gap hides the acquire."""
    for function in source.touched:
        if not (function.has_gap and _adds_exit(function)) or _is_the_callers(function):
            continue
        if not any(_released(call) for call in function.calls):
            continue
        for way_out in (*function.flow.exits, *function.flow.jumps):
            row = way_out.node.start_point[0]
            if way_out.kind is not ExitKind.END and row in function.unit.changed:
                release = _ahead(function, way_out)
                if release is not None:
                    yield _finding(function, way_out, release)
                    break


def _adds_exit(function: Function) -> bool:
    """Whether a changed row has a return or goto: the flow of others is not worth its time."""
    rows = function.unit.text.split("\n")
    return any("return" in rows[row] or "goto" in rows[row] for row in function.unit.changed)


def _is_the_callers(function: Function) -> bool:
    """Whether the lock may be for the caller to hold or release."""
    told = function.must_hold or function.releases or function.acquires
    return bool(told) or _GIVES_BACK.search(function.name or "unlock") is not None


def _released(call: Call) -> Lock | None:
    """The lock that a statement surely gives back."""
    known = lock_call(call.name)
    if known is None or known.acquires or not call.statement or call.cut:
        return None
    if known.kind not in _KINDS or known.family == _SEMAPHORE:
        return None
    return known.family, _key(call, known.argument)


def _key(call: Call, place: int | None) -> str:
    return "" if place is None or place >= len(call.arguments) else lock_key(call.arguments[place])


def _ahead(function: Function, way_out: Exit) -> Call | None:
    """The release that runs next where this return is not taken."""
    branch = _branch(way_out.node)
    if branch is None or not _comes_late(function, branch):
        return None
    release = _next_release(function, branch)
    if release is None:
        return None
    lock = _released(release)
    if lock is None or _known_before(function, lock, way_out.node, release):
        return None
    if _decides(function, branch, lock) or _cleans_up(function, branch, way_out.node, lock):
        return None
    unlocks = _exits_unlock(function, branch)
    if way_out.kind is ExitKind.JUMP:
        return release if unlocks and not _UNLOCKS.search(way_out.value) else None
    return release if unlocks or _is_over(function, release) else None


def _exits_unlock(function: Function, branch: Node) -> bool:
    """Whether the old exits right above the branch go to a label that unlocks, by its name."""
    start = max(function.unit.masked.rfind(GAP, 0, branch.start_byte), 0)
    return any(
        start < goto.start_byte < branch.start_byte
        and goto.start_point[0] not in function.unit.changed
        and _UNLOCKS.search(function.text(goto)) is not None
        for goto in gotos(function)
    )


def _branch(node: Node) -> Node | None:
    """The whole `if` that the return is in, with its `else if`s."""
    found: Node | None = None
    each: Node | None = node.parent
    while each is not None and each.type in ("compound_statement", "if_statement", "else_clause"):
        if each.type == "if_statement":
            found = each
            if each.parent is None or each.parent.type != "else_clause":
                return found
        elif found is not None and each.type == "compound_statement":
            return found
        each = each.parent
    return found


def _comes_late(function: Function, branch: Node) -> bool:
    """Whether something before the branch is hidden, and the branch itself is in view."""
    body = function.node.child_by_field_name("body")
    text = function.unit.masked
    if body is None or GAP in text[branch.start_byte : branch.end_byte]:
        return False
    return GAP in text[body.start_byte : branch.start_byte]


def _following(function: Function, start: Node) -> Iterator[Node]:
    """The statements behind a branch, out of blocks and loops, up to a jump or a gap."""
    node: Node | None = start
    while node is not None and node.type != "function_definition":
        sibling = node.next_named_sibling
        while sibling is not None:
            if sibling.type == "else_clause":
                break
            if sibling.type != "comment":
                if GAP in function.unit.masked[sibling.start_byte : sibling.end_byte]:
                    return
                yield from _opened(sibling)
                if sibling.type in JUMPS:
                    return
            sibling = sibling.next_named_sibling
        node = node.parent
        if node is None or node.type not in _THROUGH:
            return


def _opened(statement: Node) -> Iterator[Node]:
    """The statements that a label stands before, the statement itself otherwise."""
    if statement.type == "labeled_statement":
        yield from statement.named_children[1:]
    else:
        yield statement


def _next_release(function: Function, branch: Node) -> Call | None:
    """The first release behind the branch of what is not taken behind it too."""
    taken: list[Lock] = []
    for statement in islice(_following(function, branch), _STEPS):
        calls = calls_within(function, statement.start_byte, statement.end_byte)
        operations = [(call, known) for call in calls if (known := lock_call(call.name))]
        if statement.type in BRANCHES:
            if operations or _leaves(function, statement):
                return None
            continue
        for call, known in operations:
            lock = (known.family, _key(call, known.argument))
            if known.acquires:
                taken.append(lock)
            elif lock in taken:
                taken.remove(lock)
            else:
                return call if _released(call) else None
        if statement.type in JUMPS:
            return None
    return None


def _leaves(function: Function, branch: Node) -> bool:
    """Whether an old return stands in it: then the lock may well be the caller's."""
    pending = [branch]
    while pending:
        node = pending.pop()
        if node.type == "return_statement" and node.start_point[0] not in function.unit.changed:
            return True
        pending.extend(node.named_children)
    return False


def _known_before(function: Function, lock: Lock, way_out: Node, release: Call) -> bool:
    """Whether the text shows another operation on the lock: before it, or taking it again."""
    for call in function.calls:
        known = lock_call(call.name)
        if known is None or call.node == release.node:
            continue
        same = known.family == lock[0] and _key(call, known.argument) == lock[1]
        if same and (known.acquires or call.node.start_byte < way_out.start_byte):
            return True
    return any(held.guard and held.family == lock[0] for held in function.flow.at(way_out).may)


def _decides(function: Function, branch: Node, lock: Lock) -> bool:
    """Whether the condition may be about the lock: the object that has it, or who takes it."""
    head = branch.child_by_field_name("condition")
    text = "" if head is None else function.text(head)
    names = set(IDENTIFIER.findall(text))
    if _TAKES.search(text) or any(name in names for name in IDENTIFIER.findall(lock[1])[:1]):
        return True
    start = max(function.unit.masked.rfind(GAP, 0, branch.start_byte), 0)
    return any(
        each.target in names
        and start < each.node.start_byte < branch.start_byte
        and _TAKES.search(each.value.split("(")[0])
        for each in function.assignments
        if "(" in each.value and lock[1]
    )


def _cleans_up(function: Function, branch: Node, way_out: Node, lock: Lock) -> bool:
    """Whether something in front of the return may release the lock by another name."""
    calls = calls_within(function, branch.start_byte, way_out.end_byte)
    root = set(IDENTIFIER.findall(lock[1])[:1])
    return any(_CLOSES.search(call.name) or root & set(call.arguments) for call in calls)


def _is_over(function: Function, release: Call) -> bool:
    """Whether the function does not take the lock again, as far as that can be told.

    An RCU reader section is hardly ever the caller's. Of other locks the end must be in view.
    """
    known = lock_call(release.name)
    if known is not None and known.kind in _READERS:
        return True
    return GAP not in function.unit.masked[release.node.end_byte :]


def _finding(function: Function, way_out: Exit, release: Call) -> Finding:
    known = lock_call(release.name)
    lock = _key(release, None if known is None else known.argument)
    reader = known is not None and known.kind in _READERS
    this = "goto" if way_out.kind is ExitKind.JUMP else "return"
    what = "the reader section open" if reader else f"{lock or 'the lock'} held"
    return Finding(
        span=way_out.span,
        message=f"this {this} leaves {what}: {release.name}() comes behind it",
        function=function.name,
        evidence=(Evidence(release.span, "it is released here, and nothing between takes it"),),
        fix=Fix(f"call {release.name}() before it, or jump to a label that does"),
    )


rule = Rule(
    title="A new return in front of the unlock",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=releasers(_KINDS),
    links=("https://docs.kernel.org/locking/index.html",),
)
