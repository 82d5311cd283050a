"""A counter at file scope decides what is set up for the first user, and no lock guards it.

`if (users == 0) register(); users++;` and its counterpart are run for every device, and devices are
probed and removed at the same time. Two of them both find zero and both register, or the last one
takes away what a new one has just begun to use. Take a mutex around the test, the change and what
is done between them.

It is fine under a lock of the caller, and in code that runs once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from reviewer.c.callees import callers_of
from reviewer.c.unit import Kind
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source

_COUNTER = re.compile(
    r"^[ \t]*static[ \t]+(?:unsigned[ \t]+)?(?:int|long|char|short|u8|u16|u32|u64|size_t)[ \t]+"
    r"(\w+)(?:[ \t]*=[ \t]*0)?;",
    re.MULTILINE,
)
_ONCE = re.compile(r"\b__(?:init|exit|meminit|cpuinit)\b|\b(?:init|exit)_module\b")
_LOCKED = re.compile(r"_(?:un)?locked(?:_|\Z)|nolock|\A__")
_CALLERS = 8
_COUNTERS = 8  # of one function that are looked at
_TESTS = frozenset({"if_statement", "conditional_expression"})
_WAYS_UP = frozenset(
    {"parenthesized_expression", "unary_expression", "binary_expression", "update_expression"}
)


@dataclass(frozen=True, slots=True)
class _Use:
    """A place where the counter is changed."""

    function: Function
    node: Node
    up: bool
    test: Node  # where the function tests it


def check(source: Source) -> Iterator[Finding]:
    """The first change of a counter that is tested in the same function, with no lock held."""
    counters = source.fact(_counters)
    for function in source.touched_with(counters.keys()) if counters else ():
        if _is_alone(source, function):
            continue
        for name in sorted(counters.keys() & function.words)[:_COUNTERS]:
            use = _use(function, name)
            span = function.span(use.node) if use is not None else None
            if use is None or span is None or not _both_ways(source, name):
                continue
            if function.flow.at(use.node).surely_none:
                yield from _finding(use, name, function)


def _counters(source: Source) -> Mapping[str, str]:
    """The static integers at file scope, by name."""
    found: dict[str, str] = {}
    for unit in source.units:
        if unit.kind is Kind.DECLARATION and "static" in unit.words:
            found.update((match[1], match[0]) for match in _COUNTER.finditer(unit.masked))
    return found


def _is_alone(source: Source, function: Function) -> bool:
    """Whether it runs once, or every caller in view may hold a lock."""
    name, head = function.name, function.unit.text.partition("{")[0]
    if name is None or _LOCKED.search(name) or _ONCE.search(head):
        return True
    calls = list(islice(callers_of(source, name), _CALLERS))
    if any(_ONCE.search(caller.unit.text.partition("{")[0]) for caller, _ in calls):
        return True
    held = (caller.flow.at(call.node) for caller, call in calls)
    return any(locks.must or locks.may for locks in held)


def _use(function: Function, name: str) -> _Use | None:
    """The first change of the counter, in a function that also tests it for the first or last."""
    if name in function.variables:
        return None
    nodes = list(_identifiers(function, name))
    test = next((node for node in nodes if _is_tested(function, node)), None)
    for node in nodes if test is not None else ():
        change = _change(function, node)
        if change is not None and test is not None:
            return _Use(function, change, _goes_up(function, change), test)
    return None


def _identifiers(function: Function, name: str) -> Iterator[Node]:
    pending = [function.node]
    while pending:
        node = pending.pop()
        if node.type == "identifier" and function.text(node) == name:
            yield node
        pending.extend(reversed(node.named_children))


def _is_tested(function: Function, node: Node) -> bool:
    """Whether an `if` asks for zero or one: `!n`, `n == 0`, `n != 0`, `--n`, `n++ == 0`."""
    above = node.parent
    while above is not None and above.type in _WAYS_UP:
        sides = [above.child_by_field_name(side) for side in ("left", "right")]
        texts = {function.text(side) for side in sides if side is not None}
        if above.type == "binary_expression" and texts.isdisjoint({"0", "1"}):
            operator = above.child_by_field_name("operator")
            if operator is None or operator.type not in ("&&", "||"):
                return False
        above = above.parent
    return above is not None and above.type in _TESTS


def _change(function: Function, node: Node) -> Node | None:
    above = node.parent
    if above is None:
        return None
    if above.type == "update_expression":
        return above
    left = above.child_by_field_name("left")
    counts = above.type == "assignment_expression" and left == node
    sign = above.child_by_field_name("operator")
    return above if counts and sign is not None and sign.type in ("+=", "-=") else None


def _goes_up(function: Function, change: Node) -> bool:
    return "+" in function.text(change)


def _both_ways(source: Source, name: str) -> bool:
    """Whether it goes up and down in the functions in view: a count of users."""
    ways = set[bool]()
    for function in source.functions_naming(frozenset({name})):
        changes = (_change(function, node) for node in _identifiers(function, name))
        ways.update(_goes_up(function, change) for change in changes if change is not None)
    return len(ways) == 2


def _finding(use: _Use, name: str, function: Function) -> Iterator[Finding]:
    change, tested = function.span(use.node), function.span(use.test)
    if change is None or tested is None:
        return
    what = "registers" if use.up else "tears down"
    yield Finding(
        span=tested,
        message=f"{name} is tested here and changed with no lock held: two devices at once can "
        "both be the first one, or one comes while the last one goes",
        function=function.name,
        evidence=(Evidence(change, "changed here"),) if change != tested else (),
        fix=Fix(f"take a mutex around the test, the change, and what it {what}"),
    )


rule = Rule(
    title="A count of users at file scope without a lock",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"static"}),
    links=("https://docs.kernel.org/kernel-hacking/locking.html",),
)
