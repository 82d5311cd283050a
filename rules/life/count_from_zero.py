"""A reference counter is counted up from zero.

A refcount_t that is 0 stands for an object that is gone. `refcount_inc()` warns ("addition on 0;
use-after-free") and saturates the counter, and the forms that can fail always do. The first user
has to `refcount_set()` it to 1; a plain count of users that begins with none is no refcount_t.

The rule speaks of a counter that the patch sets to 0, or declares at file scope, and sets to
nothing else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.place import Place
from reviewer.c.unit import Kind
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity, Side
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_COUNTS = frozenset({"refcount_inc", "refcount_add", "refcount_inc_not_zero"})
_NAME = re.compile(r"&\s*(?:[\w.>\[\]()-]+(?:->|\.))?(\w+)\Z")
_AT_FILE_SCOPE = frozenset({Kind.DECLARATION, Kind.INITIALISER})
_DECLARES = (
    r"^[ \t]*(?:static[ \t]+)?refcount_t[ \t]+{0}[ \t]*(?:=[ \t]*REFCOUNT_INIT\(0\)[ \t]*)?;"
)
_CLEARS = r"refcount_set\(&[^;,]*\b{0}\s*,\s*0\s*\)"
_SETS = r"(?:refcount_set|\w*init|REFCOUNT_INIT|memcpy)\s*\([^;]*\b{0}\b|\b{0}\s*=[^=]"


def check(source: Source) -> Iterator[Finding]:
    """The first count of each counter that the patch adds, and sets nowhere."""
    if source.side is Side.OLD:
        return
    seen: set[str] = set()
    for function in source.touched_with(rule.triggers):
        for call in function.calls:
            name = _counter(function, call)
            if name is not None and name not in seen:
                seen.add(name)
                yield from _unset(source, function, call, name)


def _counter(function: Function, call: Call) -> str | None:
    """The name of the counter, of a call on a row that the patch adds."""
    if call.name not in _COUNTS or not call.arguments or call.cut:
        return None
    named = _NAME.match(call.arguments[-1])
    added = call.node.start_point[0] in function.unit.changed
    return named[1] if named is not None and added else None


def _unset(source: Source, function: Function, call: Call, name: str) -> Iterator[Finding]:
    zero = _zero(source, name)
    if zero is None:
        return
    word = re.compile(rf"\b{re.escape(name)}\b")
    clears = re.compile(f"{_DECLARES}|{_CLEARS}".format(re.escape(name)), re.MULTILINE)
    sets = re.compile(_SETS.format(re.escape(name)))
    for unit in (unit for file in source.patch for unit in file.units):
        if word.search(unit.gone) or sets.search(clears.sub("", unit.text)):
            return
    yield _finding(function, call, name, zero)


def _zero(source: Source, name: str) -> Evidence | None:
    """Where the patch sets the counter to 0, in this file."""
    declares = re.compile(_DECLARES.format(re.escape(name)), re.MULTILINE)
    clears = re.compile(_CLEARS.format(re.escape(name)))
    for unit in source.units:
        pattern = declares if unit.kind in _AT_FILE_SCOPE else clears
        found = pattern.search(unit.text) if name in unit.text else None
        row = 0 if found is None else unit.text.count("\n", 0, found.start())
        if found is not None and row in unit.changed:
            span = Place(unit, source.path, source.side).rows_span(row, row)
            return None if span is None else Evidence(span, "it is 0 from here on")
    return None


def _finding(function: Function, call: Call, name: str, zero: Evidence) -> Finding:
    fails = call.name == "refcount_inc_not_zero"
    outcome = "always fails" if fails else 'warns of an "addition on 0" and saturates it'
    return Finding(
        span=call.span,
        message=f"{name} starts from 0 and is set to nothing else: {call.name}() {outcome}",
        function=function.name,
        evidence=(zero,),
        fix=Fix(f"refcount_set() {name} to 1 for the first user, and count up only from there"),
    )


rule = Rule(
    title="A reference counter that nothing has set is counted up",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_COUNTS,
    links=("https://docs.kernel.org/core-api/refcount-vs-atomic.html",),
)
