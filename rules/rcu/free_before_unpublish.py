"""An object is freed before the RCU pointer to it is cleared.

Until `rcu_assign_pointer(.., NULL)` has run, a new reader can still load the pointer, and between
the free and that store it gets freed memory. Clear the pointer first, wait for a grace period, free
then.

It is fine where no reader is left, as when the structure that holds the pointer is torn down.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.c.callees import function_named
from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.locks import IDENTIFIER
from reviewer.c.onward import follows, statement_of
from reviewer.c.reach import Objects
from reviewer.c.sleep import on_main_path
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call
    from reviewer.model import Span

_CLEARS = frozenset({"rcu_assign_pointer", "RCU_INIT_POINTER"})
_STORES = _CLEARS | {"rcu_replace_pointer", "unrcu_pointer", "xchg"}
_FREES = frozenset(
    {"kfree", "kvfree", "vfree", "kfree_sensitive", "kfree_rcu", "kfree_rcu_mightsleep"}
)
_READS = re.compile(r"(?:\w+_dereference\w*|rcu_access_pointer)\(\s*")
_LOADS = frozenset({"rcu_dereference_protected", "rtnl_dereference", "rcu_access_pointer"})


@dataclass(frozen=True, slots=True)
class _Clear:
    """A store of NULL to the pointer, an expression."""

    pointer: str
    target: Node
    node: Node
    span: Span


def check(source: Source) -> Iterator[Finding]:
    """Stores of NULL that come after the free of what the pointer leads to."""
    for function in source.touched_with(_CLEARS | _LOADS):
        clears = list(_clears(function))
        frees = [c for c in function.calls if clears and _freed(source, c)]
        for clear in clears:
            for free in frees:
                if _comes_before(function, free, clear) and _is_same(source, function, free, clear):
                    yield _finding(function, free, clear)
                    break


def _clears(function: Function) -> Iterator[_Clear]:
    """The stores of NULL: with the macros, and plain ones where the load shows an RCU pointer."""
    for call in function.calls:
        if call.name in _CLEARS and call.arguments[1:] == ("NULL",):
            yield _Clear(call.arguments[0], call.argument_nodes[0], call.node, call.span)
    loads = [each.value for each in function.assignments if _READS.match(each.value)]
    for store in function.assignments if loads else ():
        if store.value == "NULL" and not store.target.isidentifier():
            read = re.compile(_READS.pattern + re.escape(store.target) + r"\s*[,)]")
            if any(read.match(load) for load in loads):
                yield _Clear(store.target, store.target_node, store.node, store.span)


def _freed(source: Source, call: Call) -> str | None:
    """What the call surely frees, itself or in a callee in view; None: nothing is known of it."""
    if call.cut or not call.arguments:
        return None
    if call.name in _FREES:
        return call.arguments[0]
    callee = function_named(source, call.name) if call.statement else None
    if callee is None or callee.has_gap or callee.words.isdisjoint(_FREES):
        return None
    given = dict(zip((each.name for each in callee.parameters), call.arguments, strict=False))
    for inner in callee.calls:
        if inner.name in _FREES and inner.arguments and on_main_path(callee, inner):
            return given.get(inner.arguments[0])
    return None


def _comes_before(function: Function, free: Call, clear: _Clear) -> bool:
    """Whether the store of NULL follows the free of what the pointer still leads to."""
    place = _place(function, free)
    return follows(place, clear.node) and not _taken_out(function, free, clear)


def _taken_out(function: Function, free: Call, clear: _Clear) -> bool:
    """Whether the pointer got another value between the load of what is freed and the free."""
    end = free.node.start_byte
    loads = [
        each.node.end_byte
        for each in function.assignments
        if each.target in free.arguments and each.node.start_byte < end
    ]
    return bool(loads) and any(
        loads[-1] <= call.node.start_byte < end and call.arguments[:1] == (clear.pointer,)
        for call in function.calls
        if call.name in _STORES
    )


def _place(function: Function, free: Call) -> Node:
    """The free, or the `if (p)` that it is all of: it runs for whatever there is to free."""
    above = statement_of(free.node)
    while above.parent is not None and above.parent.type == "compound_statement":
        if above.parent.named_child_count > 1:
            return above
        above = above.parent
    test = above.parent
    if test is None or test.type != "if_statement" or test.child_by_field_name("alternative"):
        return above
    condition = test.child_by_field_name("condition")
    tested = "" if condition is None else function.text(condition).strip("() ")
    return test if tested == free.arguments[0] else above


def _is_same(source: Source, function: Function, free: Call, clear: _Clear) -> bool:
    """Whether the pointer leads to what is freed: read from there, or type and name agree."""
    freed, pointer = _freed(source, free), clear.pointer
    if freed is None or pointer in freed:
        return freed is not None
    if not freed.isidentifier():
        return False
    values = [each.value for each in function.assignments if each.target == freed]
    if any((match := _READS.match(v)) and v[match.end() :].startswith(pointer) for v in values):
        return True
    if any(_READS.match(value) for value in values):
        return False
    field = IDENTIFIER.findall(pointer)[-1]
    variable = function.variables.get(freed)
    declared = Objects(function, source).type(clear.target)
    if declared is not None and variable is not None and declared.name != variable.type.name:
        return False
    return field == freed or (len(freed) > 2 and field.endswith(f"_{freed}"))


def _finding(function: Function, free: Call, clear: _Clear) -> Finding:
    pointer = clear.pointer
    return Finding(
        span=free.span,
        message=f"{free.name}() frees what {pointer} still points to: until it is cleared below, "
        "a reader can load it and use freed memory",
        function=function.name,
        evidence=(Evidence(clear.span, f"{pointer} is cleared only here"),),
        fix=Fix(f"clear {pointer} first, and free what it led to after a grace period"),
        confidence=Confidence.HUNCH if sets_up_or_tears_down(function) else None,
    )


rule = Rule(
    title="An object is freed before its RCU pointer is cleared",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_CLEARS | _LOADS,
    links=(
        "https://docs.kernel.org/RCU/checklist.html",
        "https://docs.kernel.org/RCU/whatisRCU.html",
    ),
)
