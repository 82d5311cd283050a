"""A word with atomic bit operations gets a plain read-modify-write.

`set_bit()` and its kin keep the other bits of the word as they are. `__set_bit()`, `|=` and bulk
operations such as `cpumask_andnot()` read the whole word and write it back: a bit that another CPU
changes in between is lost. Use the atomic form for all users of the word.

It is fine before the object is published, and under a lock that all users of the word take.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.facts import bit_word
from reviewer.c.marked import Place, place_of
from reviewer.c.reach import Objects, Reach
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call
    from reviewer.model import Span

_ATOMIC = re.compile(
    r"(?:test_and_)?(?:set|clear|change)_bit\Z|cpumask_(?:test_and_)?(?:set|clear)_cpu\Z"
)
_PLAIN = re.compile(r"__(?:set|clear|change|assign)_bit\Z")
_BULK = re.compile(r"(?:cpumask|bitmap)_(?:and|or|andnot|xor|copy|clear|setall|zero|fill)\Z")
_NAMED = re.compile(r"(?:set|clear|change)_(?:bit|cpu)\b")
_UPDATES = frozenset({"|=", "&=", "^="})


def check(source: Source) -> Iterator[Finding]:
    """Plain updates of a shared word, with no lock held, beside atomic ones in view.

    Of a word that the kernel only changes atomically also behind a gap: who takes a lock there
    does not keep the others out.
    """
    for function in source.touched:
        # `__set_foo()` is the form for callers who know that nobody else looks.
        if sets_up_or_tears_down(function) or (function.name or "").startswith("__"):
            continue
        objects = Objects(function, source)
        for place, node, span, how in _updates(function, objects):
            others = source.fact(_atomic).get(place, ())
            other = next((call for where, call in others if where is not function), None)
            locks = function.flow.at(node)
            if other is not None and locks.surely_none:
                yield _finding(function, span, how, other)
            elif how.endswith(")") and not locks.must and (known := _known_word(place)) is not None:
                yield _told(function, span, how, known)


def _known_word(place: Place) -> str | None:
    """The name of a word that the kernel is known to change atomically: "s_ext4_flags"."""
    name = re.split(r"->|\.", place.text)[-1]
    struct = bit_word(name) if place.struct is not None or name != place.text else None
    return name if struct is not None and place.struct in (None, struct) else None


def _updates(function: Function, objects: Objects) -> Iterator[tuple[Place, Node, Span, str]]:
    """The word, where it is updated, and how."""
    for call in function.calls:
        word = 1 if _PLAIN.match(call.name) else 0 if _BULK.match(call.name) else None
        if word is None or call.cut or len(call.argument_nodes) <= word:
            continue
        node = call.argument_nodes[word]
        if objects.reach(node) is Reach.SHARED:
            place = place_of(call.arguments[word], objects.access(node))
            yield place, call.node, call.span, f"{call.name}()"
    for store in function.assignments:
        if store.operator in _UPDATES and objects.reach(store.target_node) is Reach.SHARED:
            place = place_of(store.target, objects.access(store.target_node))
            yield place, store.node, store.span, store.operator


def _atomic(source: Source) -> dict[Place, list[tuple[Function, Call]]]:
    """The atomic operations in view on each word, outside of set-up code."""
    found: dict[Place, list[tuple[Function, Call]]] = {}
    for function in source.functions_where(lambda text: _NAMED.search(text) is not None):
        if sets_up_or_tears_down(function):
            continue
        objects = Objects(function, source)
        for call in function.calls:
            if not call.cut and len(call.arguments) == 2 and _ATOMIC.match(call.name):
                place = place_of(call.arguments[1], objects.access(call.argument_nodes[1]))
                found.setdefault(place, []).append((function, call))
    return found


def _finding(function: Function, span: Span, how: str, other: Call) -> Finding:
    return Finding(
        span=span,
        message=f"{how} is not atomic, but {other.name}() changes the same word elsewhere: "
        "a bit that is set in between is lost",
        function=function.name,
        evidence=(Evidence(other.span, "changed atomically here"),),
        fix=Fix("use the atomic form here too, bit by bit, or one lock for both"),
    )


def _told(function: Function, span: Span, how: str, word: str) -> Finding:
    return Finding(
        span=span,
        message=f"{how} is not atomic, but the bits of {word} are changed with set_bit() and its "
        "kin elsewhere: one that is set in between is lost",
        function=function.name,
        fix=Fix("use set_bit() or clear_bit()"),
    )


rule = Rule(
    title="A plain update of a word with atomic bit operations",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(
        {
            "set_bit",
            "clear_bit",
            "change_bit",
            "test_and_set_bit",
            "test_and_clear_bit",
            "cpumask_set_cpu",
            "cpumask_clear_cpu",
            *("__set_bit", "__clear_bit", "__change_bit", "__assign_bit"),
        }
    ),
    links=("https://docs.kernel.org/core-api/wrappers/atomic_bitops.html",),
)
