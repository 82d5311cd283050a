"""The patch removes the reader section around a look-up whose result is used without reference.

`xa_load()`, `xa_for_each()` and their kin open a section for the look-up itself, or need none. The
entry that they return is another matter: whoever erases it may free it at once, or as soon as the
readers of before are gone. The section that stood around the look-up and the use kept it.

It is fine where the entries cannot go as long as the function runs, or where a reference is taken.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.callees import callers_of, function_named
from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.escapes import used_bare
from reviewer.c.facts import iterator
from reviewer.c.uses import said
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call
    from reviewer.c.uses import ObjectUse

_WALK = re.compile(r"(?:xa|mt)_for_each\w*\Z")
_LOOKUPS = frozenset(
    {"xa_load", "xa_find", "xa_find_after", "rhashtable_lookup_fast", "mtree_load", "mtree_find"}
)
"""They need no section themselves. Of those that do, the patch has moved it to the callers."""
_ENTERS = re.compile(r"rcu_read_lock(?:_bh)?\Z")
_SECTION = re.compile(r"rcu_read_lock|guard\(rcu|RCU")


def check(source: Source) -> Iterator[Finding]:
    """Look-ups on added rows, in functions that were readers before the patch and are none now."""
    before = source.before
    for function in source.touched if before is not None else ():
        if _SECTION.search(function.unit.text) or function.name is None:
            continue
        old = function_named(before, function.name) if before is not None else None
        section = None if old is None else _section(old)
        if section is None or sets_up_or_tears_down(function) or _is_guarded(source, function):
            continue
        yield from _findings(function, section)


def _section(old: Function) -> Call | None:
    """Where the old function enters the reader section, on a row that the patch removes."""
    for call in old.calls:
        if _ENTERS.match(call.name) and call.node.start_point[0] in old.unit.changed:
            return call
    return None


def _is_guarded(source: Source, function: Function) -> bool:
    """Whether a caller in view may hold something instead."""
    calls = callers_of(source, function.name or "")
    return any(not caller.flow.at(call.node).surely_none for caller, call in calls)


def _findings(function: Function, section: Call) -> Iterator[Finding]:
    for call in function.calls:
        added = call.node.start_point[0] in function.unit.changed
        found = _result(function, call) if added and not call.cut else None
        if found is None or function.flow.at(call.node).may:
            continue
        name, start = found
        use = used_bare(function, start, name)
        if use is not None:
            yield _finding(function, call, name, use, section)
            return


def _result(function: Function, call: Call) -> tuple[str, Node] | None:
    """The variable that gets what it finds with no reference, and where it has got that."""
    if call.loop and _WALK.match(call.name):
        known = iterator(call.name)
        at = None if known is None else known.cursor
        name = call.arguments[at] if at is not None and at < len(call.arguments) else ""
        return (name, call.node) if name.isidentifier() else None
    stores = (each for each in function.assignments if each.value_node == call.node)
    store = next(stores, None) if call.name in _LOOKUPS else None
    return (store.target, store.node) if store and store.target.isidentifier() else None


def _finding(function: Function, call: Call, name: str, use: ObjectUse, section: Call) -> Finding:
    evidence = [Evidence(section.span, "the patch removes the reader section that began here")]
    span = function.span(use.node)
    if span is not None:
        evidence.append(Evidence(span, f"{said(use)} here"))
    return Finding(
        span=call.span,
        message=f"{call.name}() returns {name} with no reference, and without rcu_read_lock() it "
        "can be freed before it is used",
        function=function.name,
        evidence=tuple(evidence),
        fix=Fix("keep the reader section around the look-up and all uses"),
    )


rule = Rule(
    title="The reader section around a look-up is removed",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"rcu_read_lock", "rcu_read_lock_bh"}),
    compares=True,
    links=(
        "https://docs.kernel.org/core-api/xarray.html",
        "https://docs.kernel.org/RCU/checklist.html",
    ),
)
