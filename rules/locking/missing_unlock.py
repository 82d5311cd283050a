"""A way out of the function leaves a lock held.

Another path releases the lock, this one forgets it: the next one to take it waits for ever. An RCU
reader section that is left open holds up every grace period.

It is fine where the function hands the lock to its caller: `__acquires()`, a name such as
`foo_lock()` or `seq_start()`, or a success that keeps what every failure releases.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.callees import function_named
from reviewer.c.contract import given_away
from reviewer.c.facts import lock_call
from reviewer.c.flow import ExitKind, Kind
from reviewer.c.lockops import lock_ops
from reviewer.c.locks import lock_key
from reviewer.c.unit import GAP
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.flow import Exit, Held
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_BY_NAME = re.compile(r"_lock\w*\(|_mutex_acquire\(")  # any other function that may take one
_HANDS_OVER = re.compile(
    r"(?<![bc])lock(?!ed_)"
    r"|_(?:start|begin|enter|acquire|get|pin|claim|grab|hold|prepare|suspend|freeze)(?:_|$)"
)
_FAILURE = re.compile(r"-\s*E[A-Z0-9]+|-1|NULL|false|ERR_(?:PTR|CAST)\(.*", re.DOTALL)
_PERHAPS_FAILURE = re.compile(r"[a-z_]\w*|PTR_ERR\(.*", re.DOTALL)
_COMMENT = re.compile(r"/\*(?:[^*]|\*(?!/))*\*/|//[^\n]*")
_SAYS_RELEASED = re.compile(r"\b(?:releas(?:es|ed)|unlock(?:s|ed)|drop(?:s|ped))\b")
_OF_A_LOCK = re.compile(r"lock|mutex|_sem(?:aphore)?\b")
_SEMAPHORE = "up"
_TELLS = re.compile(r"_try_(?:\w+_)?lock\Z")  # its result says whether it has the lock
_GOES_BACK = re.compile(r"again|retry|restart|repeat|loop|next|cont|redo")
_WAYS = {
    ExitKind.RETURN: "this return",
    ExitKind.END: "the end of the function",
    ExitKind.JUMP: "this goto",
}
_TELLS_LOCKED = re.compile(r"&\w*locked\w*")


def check(source: Source) -> Iterator[Finding]:
    """The first exit on which a lock is held that the function releases elsewhere."""
    for function in source.touched:
        if function.words.isdisjoint(("return", "goto")) or function.acquires:
            continue  # it has no two ways out
        if not (function.takes_locks or _BY_NAME.search(function.unit.text)):
            continue
        said: set[tuple[str, str]] = set()
        for way_out in (*function.flow.exits, *function.flow.jumps):
            for held in sorted(way_out.leaked, key=lambda lock: (lock.family, lock.key)):
                if (held.family, held.key) in said or not _is_forgotten(function, way_out, held):
                    continue
                said.add((held.family, held.key))
                if not _others_release(source, function, way_out, held):
                    yield _finding(function, way_out, held)


def _is_forgotten(function: Function, way_out: Exit, held: Held) -> bool:
    flow = function.flow
    if held.acquire is None:
        return False
    if held.kind is Kind.OTHER and not _is_a_lock(function, held):
        return False
    if (held.family, held.key) not in flow.released:
        return False
    if way_out.kind is ExitKind.JUMP:
        return _label_forgets(function, way_out, held)
    others = [each for each in flow.exits if each is not way_out and not _holds(each, held)]
    if function.name and _HANDS_OVER.search(function.name):
        fails = _FAILURE.fullmatch(way_out.value) is not None
        return fails and any(_succeeds(each) for each in others)
    if not others:
        # The other ways out are hidden. The patch releases further down what it takes.
        return held.new and any(
            each > way_out.node.start_byte for each in _releases(function, held)
        )
    return not _is_contract(function, way_out, others)


def _label_forgets(function: Function, way_out: Exit, held: Held) -> bool:
    """Whether there is no release behind a label that the mail does not show.

    A lock that the patch brings is released by what the patch adds, so in view. And what another
    goto to the label does not hold, the label does not release.
    """
    if _GOES_BACK.search(way_out.value) or _HANDS_OVER.search(function.name or ""):
        return False
    if any(
        each.value == way_out.value and each.locks.known and not _holds(each, held)
        for each in function.flow.jumps
    ):
        return True
    hidden = function.unit.masked.find(GAP, way_out.node.end_byte)
    releases = _releases(function, held)
    return held.new and bool(releases) and hidden > 0 and max(releases) < hidden


def _releases(function: Function, held: Held) -> list[int]:
    """Where in the text the lock is released."""
    return [
        op.call.node.start_byte
        for op in lock_ops(function)
        if not op.acquires and op.lock == (held.family, held.key)
    ]


def _is_a_lock(function: Function, held: Held) -> bool:
    """Whether it is used as one that is known by its name alone.

    A result may say that it was not taken; and what is taken twice is released by someone else.
    """
    taken = held.acquire
    return (
        taken is not None
        and (taken.statement or _TELLS.search(taken.name) is not None)
        and not any(
            (each.family, each.key) == (held.family, held.key)
            for call in function.calls
            if call.name == taken.name
            for each in function.flow.at(call.node).may
        )
    )


def _succeeds(way_out: Exit) -> bool:
    """Whether the value is one that a success returns, as far as a constant tells."""
    return way_out.value in ("0", "true")


def _is_contract(function: Function, way_out: Exit, others: list[Exit]) -> bool:
    """Whether success keeps what every failure releases."""
    if way_out.kind is not ExitKind.RETURN or not way_out.value:
        return False
    if _FAILURE.fullmatch(way_out.value):
        return False
    # The value of a variable is not known. What the main path returns at its end is a success, and
    # what leaves before it by another value is none.
    parent = way_out.node.parent
    at_the_end = parent is not None and parent == function.node.child_by_field_name("body")
    return all(
        _FAILURE.fullmatch(each.value)
        or (at_the_end and each.value != way_out.value and _PERHAPS_FAILURE.fullmatch(each.value))
        for each in others
    )


def _others_release(source: Source, function: Function, way_out: Exit, held: Held) -> bool:
    """Whether a callee releases the lock, or may do so: a flag it gets or a comment says it."""
    if given_away(function, way_out, held, lambda name: function_named(source, name)):
        return True
    comments = _COMMENT.findall(function.unit.text[: way_out.node.start_byte])
    if any(_SAYS_RELEASED.search(text) and _OF_A_LOCK.search(text) for text in comments):
        return True
    return any(
        _TELLS_LOCKED.fullmatch(argument)
        for call in function.calls
        for argument in call.arguments
        if held.acquire is not None and call.node.start_byte > held.acquire.node.start_byte
    )


def _holds(way_out: Exit, held: Held) -> bool:
    return any((each.family, each.key) == (held.family, held.key) for each in way_out.locks.may)


def _finding(function: Function, way_out: Exit, held: Held) -> Finding:
    taken = held.acquire
    lock = held.key or {Kind.RCU: "the RCU reader section"}.get(held.kind, held.family)
    if taken and held.kind is Kind.OTHER:
        lock = f"the lock of {taken.name}({held.key})"
    evidence = [Evidence(taken.span, f"{taken.name}() is called here")] if taken else []
    if release := _release(function, held):
        evidence.append(Evidence(release.span, "another path releases it here"))
    what = _WAYS[way_out.kind]
    state = "open" if held.kind in (Kind.RCU, Kind.SRCU) else "held"
    return Finding(
        span=way_out.span,
        message=f"{what} leaves {lock} {state}",
        function=function.name,
        evidence=tuple(evidence),
        fix=Fix(f"call {release.name if release else held.family}() on this path too"),
        # Anyone may release a semaphore, an interrupt handler too.
        confidence=Confidence.HUNCH if held.family == _SEMAPHORE else None,
    )


def _release(function: Function, held: Held) -> Call | None:
    for call in function.calls:
        known = lock_call(call.name)
        family = call.name if known is None else known.family
        if family != held.family or (known and known.acquires):
            continue
        place = 0 if known is None else known.argument
        named = place is not None and place < len(call.arguments)
        if not named or lock_key(call.arguments[place or 0]) == held.key:
            return call
    return None


rule = Rule(
    title="A way out of the function leaves a lock held",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    links=("https://docs.kernel.org/locking/index.html",),
)
