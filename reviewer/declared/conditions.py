"""What a declarative rule may ask of a match: of its metavariables, its function, the locks held.

A condition answers with the evidence for it, which may be none, or with None when it does not
hold. What cannot be known does not hold.
"""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from reviewer.c import rcu
from reviewer.c.contexts import context_of
from reviewer.c.flow import UNKNOWN, Kind
from reviewer.c.reach import Objects, Reach, bare
from reviewer.c.unit import GAP
from reviewer.declared.occurrences import agreeing, occurrences
from reviewer.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tree_sitter import Node

    from reviewer.c.contexts import Registered
    from reviewer.c.flow import Held, Locks
    from reviewer.c.function import Function
    from reviewer.c.pattern import Bound, Match, Pattern
    from reviewer.c.syntax import CType

LOCKS: Mapping[str, frozenset[Kind]] = {
    "rcu": frozenset({Kind.RCU}),
    "srcu": frozenset({Kind.SRCU}),
    "spin": frozenset({Kind.SPIN}),
    "mutex": frozenset({Kind.MUTEX}),
    "rwsem": frozenset({Kind.RWSEM}),
    "irq": frozenset({Kind.IRQ}),
    "bh": frozenset({Kind.BH}),
    "preempt": frozenset({Kind.PREEMPT}),
    "lock": frozenset({Kind.SPIN, Kind.MUTEX, Kind.RWSEM, Kind.OTHER}),
    "any": frozenset(Kind),
    "spin-irq": frozenset({Kind.SPIN}),  # and taken with interrupts switched off
    "atomic": frozenset(),  # asked of the lock itself: some kinds are atomic only at times
}
"""The words for locks in `holding`."""

_KEYLESS: Mapping[Kind, str] = {
    Kind.RCU: "rcu_read_lock()",
    Kind.SRCU: "srcu_read_lock()",
    Kind.IRQ: "local_irq_disable()",
    Kind.BH: "local_bh_disable()",
    Kind.PREEMPT: "preempt_disable()",
}
_NEAR = 200  # nodes of a statement that are asked for the locks before it


Answer = tuple[Evidence, ...] | None
Where = Callable[["Bound", "Match", Objects], Answer]
"""A condition on what a variable of the match stands for, in the function of the objects."""


def every(conditions: Sequence[Where]) -> Where:
    """All of them hold."""

    def check(bound: Bound, match: Match, objects: Objects) -> Answer:
        evidence: tuple[Evidence, ...] = ()
        for condition in conditions:
            answer = condition(bound, match, objects)
            if answer is None:
                return None
            evidence += answer
        return evidence

    return check


def either(conditions: Sequence[Where]) -> Where:
    """At least one holds; the evidence of all that do."""

    def check(bound: Bound, match: Match, objects: Objects) -> Answer:
        answers = [condition(bound, match, objects) for condition in conditions]
        good = [answer for answer in answers if answer is not None]
        return tuple(evidence for answer in good for evidence in answer) if good else None

    return check


def reach(wanted: Reach) -> Where:
    """The object is shared, or local, for certain."""
    return lambda bound, _match, objects: _said(objects.reach(bound.node) is wanted)


def named(globs: Sequence[str], *, wanted: bool = True) -> Where:
    """The text fits one of the globs, or none of them when not `wanted`."""
    return lambda bound, _match, _objects: _said(fits(bound.text, globs) is wanted)


def typed(globs: Sequence[str]) -> Where:
    """The declared type, without its stars, fits one of the globs."""

    def check(bound: Bound, _match: Match, objects: Objects) -> Answer:
        declared = objects.type(bound.node)
        return _said(declared is not None and fits(declared.name, globs))

    return check


def pointer(wanted: bool) -> Where:
    """The declared type is a pointer, or is none. An array is not one."""

    def check(bound: Bound, _match: Match, objects: Objects) -> Answer:
        declared = objects.type(bound.node)
        return _said(declared is not None and _is_pointer(declared) is wanted)

    return check


def variable(wanted: bool) -> Where:
    """The expression is the name of a parameter or local variable, or is something else."""

    def check(bound: Bound, _match: Match, objects: Objects) -> Answer:
        named = bound.node.type == "identifier" and bound.text in objects.function.variables
        return _said(named is wanted)

    return check


def contains(patterns: Sequence[Pattern]) -> Where:
    """Something in the expression fits a pattern, with the variables that the match has bound."""

    def check(bound: Bound, match: Match, objects: Objects) -> Answer:
        start, end = bound.node.start_byte, bound.node.end_byte
        near = [each for each in patterns if each.trigger is None or each.trigger in bound.text]
        found = agreeing(occurrences(near, objects.function), match)
        return _said(any(start <= each.node.start_byte < end for each in found))

    return check


def declared_rcu(bound: Bound, _match: Match, objects: Objects) -> Answer:
    """The field or variable is declared `__rcu`, in view or in the kernel's headers."""
    node = bare(bound.node, address=True)
    if node.type == "identifier":
        variable = objects.function.variables.get(objects.function.text(node))
        span = objects.function.span(variable.node) if variable and variable.type.rcu else None
        return (Evidence(span, "declared __rcu here"),) if span else None
    access = objects.access(node)
    return rcu.declared_rcu(objects.source, access) if access else None


def read_under(kind: Kind) -> Where:
    """The same field is used inside a reader section, somewhere else in the file."""

    def check(bound: Bound, _match: Match, objects: Objects) -> Answer:
        access = objects.access(bound.node)
        readers = rcu.readers_of(objects.source, access, kind) if access else iter(())
        for function, reader in readers:
            name = f"{function.name}()" if function.name else "a reader"
            note = f"{name} uses {reader.text} under {_KEYLESS[kind]}"
            return (Evidence(reader.span, note),)
        return None

    return check


def held(match: Match, function: Function, words: Sequence[str]) -> Held | None:
    """A lock of those kinds that is held on every path to the match; the one taken first."""
    must = [lock for lock in locks_at(match.node, function).must if is_kind(lock, words)]
    return min(must, key=_taken_at, default=None)


def lock_text(lock: Held) -> str:
    """The lock in a sentence: its argument, or the call that takes one without argument."""
    return lock.key or _KEYLESS.get(lock.kind, "a lock")


def perhaps_held(match: Match, function: Function, words: Sequence[str]) -> bool:
    """Whether such a lock may be held: on some path, or because the locks are not known."""
    locks = locks_at(match.node, function)
    return not (locks.known and locks.reached) or any(
        lock.unnamed or is_kind(lock, words) for lock in locks.may
    )


def is_kind(lock: Held, words: Iterable[str]) -> bool:
    """Whether one of the words for locks means this one."""
    return any(_means(word, lock) for word in words)


def _means(word: str, lock: Held) -> bool:
    if word == "atomic":
        return lock.atomic
    return lock.kind in LOCKS[word] and (word != "spin-irq" or lock.irq)


def locks_at(node: Node, function: Function) -> Locks:
    """The locks before `node`: as the flow has it, else those before what is evaluated in it."""
    queue = [node]
    for _ in range(_NEAR):
        if not queue:
            break
        part = queue.pop()
        if part.id in function.flow.before:
            return function.flow.at(part)
        queue.extend(reversed(part.named_children))
    return UNKNOWN


def calls(function: Function, names: Sequence[str]) -> Answer:
    """The function calls one of these, in view; the first such call."""
    for call in function.calls:
        if fits(call.name, names):
            return (Evidence(call.span, f"{call.name}() is called here"),)
    return None


def runs_in(objects: Objects, words: Sequence[str]) -> Registered | None:
    """Where the function runs, when its registration is in view and a word for contexts fits."""
    found = context_of(objects.source, objects.function)
    if found is None:
        return None
    context = found.context
    given = {context.value: True, "atomic": context.atomic, "interrupt": context.interrupt}
    return found if any(given.get(word, False) for word in words) else None


def takes(function: Function, types: Sequence[str]) -> bool:
    """Whether a parameter is declared with such a type, its stars left out."""
    return any(fits(parameter.type.name, types) for parameter in function.parameters)


def is_named(function: Function, globs: Sequence[str]) -> bool | None:
    """Whether the function's name fits one of the globs; None when the mail does not show it."""
    if not function.name or GAP in function.name:
        return None
    return fits(function.name, globs)


def fits(text: str, globs: Iterable[str]) -> bool:
    """Whether the text is of one of the shell patterns."""
    return any(fnmatchcase(text, glob) for glob in globs)


def _said(holds: bool) -> Answer:
    return () if holds else None


def _is_pointer(declared: CType) -> bool:
    return declared.pointer > 0 and not declared.array


def _taken_at(lock: Held) -> tuple[int, str]:
    return (lock.acquire.span.line if lock.acquire else 0), lock.key
