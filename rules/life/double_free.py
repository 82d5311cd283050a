"""An object is freed a second time.

A member that is freed in one place and again in the next keeps its old value in between; a function
that frees what it was given, on every path or when it fails, leaves the caller with a pointer to
memory that is gone. The second free corrupts the allocator.

It is fine where the pointer is set to NULL or to another object in between.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from reviewer.c.after import reachable
from reviewer.c.callees import function_named
from reviewer.c.locks import IDENTIFIER
from reviewer.c.order.search import Search
from reviewer.c.ownership import FREES
from reviewer.c.summaries import summary_named
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.order.graph import Fact
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_MEMBER = re.compile(r"[A-Za-z_]\w*(?:(?:->|\.)\w+)+\Z")
_FAILS = re.compile(r"-\s*E[A-Z]+\Z|(?:ret|err|rc|error|status|retval|result)\Z")
_MOST = 60  # calls of one function from which the paths are searched
_SECOND = frozenset({"kmem_cache_free", "devm_kfree", "usb_ep_free_request"})


def check(source: Source) -> Iterator[Finding]:
    """Frees of what a path has freed before."""
    for function in source.touched_with(FREES):
        calls = {c.node.id: c for c in function.calls if not (c.cut or c.guard or c.loop)}
        last = [call for call in calls.values() if call.name in FREES]
        first = (call for call in calls.values() if call.name in FREES or _is_seen(source, call))
        for call in islice(first, _MOST) if last else ():
            if call.node.start_point[0] in function.alternatives:
                continue
            if call.name in FREES:
                yield from _members(function, call, calls)
            elif call.name.isidentifier() and any(text.isidentifier() for text in call.arguments):
                yield from _by_callee(source, function, call, calls)


def _is_seen(source: Source, call: Call) -> bool:
    return function_named(source, call.name) is not None


def _freed(call: Call) -> str | None:
    """The expression that the call of a table frees."""
    place = 1 if call.name in _SECOND else 0
    return call.arguments[place] if place < len(call.arguments) else None


def _members(function: Function, first: Call, calls: dict[int, Call]) -> Iterator[Finding]:
    """A member that the function frees twice, with nobody else getting the object between."""
    text = _freed(first)
    root = IDENTIFIER.match(text or "")
    if text is None or root is None or not _MEMBER.match(text):
        return
    word = re.compile(rf"\b{root[0]}\b")

    def may_set(node: Node) -> bool:
        call = calls.get(node.id)
        if call is None or (call.name in FREES and _freed(call) == text):
            return False
        return call.name not in FREES and any(_hands(word, each, text) for each in call.arguments)

    for node in reachable(function, first.node, may_set, of=text):
        call = calls.get(node.id)
        if call is not None and node != first.node and call.name in FREES and _freed(call) == text:
            evidence = (Evidence(first.span, "it is freed here"),)
            why = f"{first.name}() above has already freed it"
            yield _finding(function, call, text, why, evidence)
            return


def _hands(word: re.Pattern[str], argument: str, text: str) -> bool:
    """Whether the call that gets this argument may change the member, or whose it is."""
    found = word.search(argument)
    if found is None:
        return False
    plain = argument.strip()
    return not _MEMBER.match(plain) or text.startswith((f"{plain}->", f"{plain}."))


def _by_callee(
    source: Source, function: Function, first: Call, calls: dict[int, Call]
) -> Iterator[Finding]:
    """A variable that a callee in view has freed, on every path or when it failed."""
    for place, name in enumerate(first.arguments):
        if name not in function.variables:
            continue
        how = _frees(source, first, place)
        if how is None:
            continue
        found = (first.node, ()) if how.always else _failed(function, first)
        if found is None:
            continue
        for node in reachable(function, found[0], of=name, assume=found[1]):
            call = calls.get(node.id)
            if call is not None and call.name in FREES and _freed(call) == name:
                yield _finding(function, call, name, how.words(first), how.evidence)
                return


@dataclass(frozen=True, slots=True)
class _How:
    """How a callee frees an argument: on every path, or when it fails."""

    always: bool
    evidence: tuple[Evidence, ...]

    def words(self, call: Call) -> str:
        return f"{call.name}() has already freed it" + ("" if self.always else " when it fails")


def _frees(source: Source, call: Call, place: int) -> _How | None:
    summary = summary_named(source, call.name, 1)
    freed = None if summary is None else summary.frees.get(place)
    if summary is None or freed is None or freed.put:
        return None
    own = freed.calls[0]
    evidence = (Evidence(own.span, f"{call.name}() frees it here"),)
    if freed.always:
        return _How(True, evidence)
    return _How(False, evidence) if _on_failure(summary.function, own) else None


def _on_failure(callee: Function, freed: Call) -> bool:
    """Whether all ways out without the free return 0, and those with it an error."""
    if callee.has_gap or callee.has_error:
        return False
    kept = Search(callee, lambda node: node == freed.node)
    for _ in kept.from_entry():
        pass
    after = Search(callee, lambda _: False)
    for _ in after.after(freed.node):
        pass
    if kept.hidden or after.hidden or not kept.exits or not after.exits:
        return False
    return all(_returns(callee, each) == "0" for each in kept.exits) and all(
        _FAILS.match(_returns(callee, each)) for each in after.exits
    )


def _returns(function: Function, way_out: Node) -> str:
    text = function.text(way_out)
    return text.removeprefix("return").strip(" ;\t\n()") if text.startswith("return") else ""


def _failed(function: Function, call: Call) -> tuple[Node, tuple[Fact, ...]] | None:
    """Where the result of the call is kept, and that it is an error there."""
    for store in function.assignments:
        if store.value_node == call.node and store.target.isidentifier():
            return store.node, ((store.target, True),)
    return None


def _finding(
    function: Function, call: Call, name: str, why: str, evidence: tuple[Evidence, ...]
) -> Finding:
    return Finding(
        span=call.span,
        message=f"{name} is freed a second time: {why}",
        function=function.name,
        evidence=evidence,
        fix=Fix(f"free {name} in one place only, or set it to NULL after the first free"),
    )


rule = Rule(
    title="An object is freed twice",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=FREES,
    links=("https://docs.kernel.org/core-api/memory-allocation.html",),
)
