"""What a declarative rule may ask around a match: its tables `when` and `unless`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.c.context import sets_up_or_tears_down
from reviewer.c.contexts import Context
from reviewer.declared import conditions
from reviewer.declared.conditions import LOCKS
from reviewer.declared.keys import nearest
from reviewer.declared.occurrences import agreeing, occurrences
from reviewer.declared.reading import check_names, read_pattern
from reviewer.declared.said import Said, substituted
from reviewer.declared.surroundings import has_comment, is_tested
from reviewer.model import Evidence

if TYPE_CHECKING:
    from reviewer.c.function import Function
    from reviewer.c.pattern import Match, Pattern
    from reviewer.c.reach import Objects
    from reviewer.declared.keys import Table

_TEXTS = ("holding", "function", "calls", "parameter", "context", "comment")
_FLAGS = ("setup", "tested")
_HELD = "$LOCK is held from here"
_CONTEXTS = (*Context, "atomic", "interrupt")


@dataclass(frozen=True, slots=True)
class Around:
    """The keys of `when` or of `unless`."""

    holding: tuple[str, ...] = ()
    function: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    called: tuple[Pattern, ...] = ()  # of `calls` what has arguments
    parameter: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    comment: tuple[str, ...] = ()
    setup: bool = False
    tested: bool = False
    note: str = _HELD  # what the evidence says of the lock of `holding`


def read_around(table: Table, bound: frozenset[str]) -> Around:
    """Read one of the tables; `bound` are the variables of every pattern of `match`."""
    table.only((*_TEXTS, *_FLAGS, "note"))
    texts = {key: table.texts(key) for key in _TEXTS if key in table}
    for word in texts.get("holding", ()):
        if word not in LOCKS:
            raise table.error("holding", f"{word!r} is no kind of lock; {nearest(word, LOCKS)}")
    for word in texts.get("context", ()):
        if word not in _CONTEXTS:
            raise table.error("context", f"{word!r} is no context; {nearest(word, _CONTEXTS)}")
    names = tuple(text for text in texts.get("calls", ()) if "(" not in text)
    called = tuple(_pattern(table, text, bound) for text in texts.pop("calls", ()) if "(" in text)
    setup, tested = (key in table and table.true(key) for key in _FLAGS)
    note = _note(table) if "note" in table else _HELD
    return Around(**texts, calls=names, called=called, setup=setup, tested=tested, note=note)


def _note(table: Table) -> str:
    if not table.at.endswith("when") or "holding" not in table:
        raise table.error("note", "says something of a lock; wanted only in `when`, with `holding`")
    check_names(table, "note", ("LOCK", "TAKEN"))
    return table.text("note")


def _pattern(table: Table, text: str, bound: frozenset[str]) -> Pattern:
    pattern = read_pattern(table, "calls", text)
    for name in sorted(pattern.variables - bound):
        what = f"${name} is not bound by every pattern of `match`"
        raise table.error("calls", f"{what}; wanted one of them, or `$_`")
    return pattern


def of_function(when: Around, unless: Around, objects: Objects) -> Said | None:
    """What they say of the function, which is the same for all matches in it; None: silent."""
    function = objects.function
    if not _wanted(when, function) or _silenced(unless, objects):
        return None
    calls = conditions.calls(function, when.calls) if when.calls else ()
    if calls is None and not when.called:
        return None
    said = Said(calls or ())
    if not when.context:
        return said
    where = conditions.runs_in(objects, when.context)
    if where is None:
        return None
    return said + Said(where.evidence, {"CONTEXT": where.words})


def _wanted(when: Around, function: Function) -> bool:
    if when.function and not conditions.is_named(function, when.function):
        return False
    if when.setup and not sets_up_or_tears_down(function):
        return False
    return not when.parameter or conditions.takes(function, when.parameter)


def _silenced(unless: Around, objects: Objects) -> bool:
    function = objects.function
    if unless.function and conditions.is_named(function, unless.function) is not False:
        return True
    if unless.setup and sets_up_or_tears_down(function):
        return True
    if unless.parameter and conditions.takes(function, unless.parameter):
        return True
    if unless.calls and conditions.calls(function, unless.calls) is not None:
        return True
    return bool(unless.context) and conditions.runs_in(objects, unless.context) is not None


def of_match(when: Around, unless: Around, match: Match, function: Function) -> Said | None:
    """What they say of the place of one match; None: silent."""
    if when.tested and not is_tested(function, match.node):
        return None
    if unless.tested and is_tested(function, match.node):
        return None
    if when.comment and not has_comment(function, match.node, when.comment):
        return None
    if unless.comment and has_comment(function, match.node, unless.comment):
        return None
    if unless.called and _call(unless, match, function) is not None:
        return None
    calls: tuple[Evidence, ...] = ()
    if when.called and conditions.calls(function, when.calls) is None:
        call = _call(when, match, function)
        if call is None:
            return None
        calls = (Evidence(call.span, "called here"),)
    if unless.holding and conditions.perhaps_held(match, function, unless.holding):
        return None
    held = _under(when, match, function) if when.holding else Said()
    return held and Said(calls) + held


def _call(around: Around, match: Match, function: Function) -> Match | None:
    """The first call in view with those arguments."""
    return next(agreeing(occurrences(around.called, function), match), None)


def _under(when: Around, match: Match, function: Function) -> Said | None:
    lock = conditions.held(match, function, when.holding)
    if lock is None:
        return None
    texts = {"LOCK": conditions.lock_text(lock)}
    if lock.acquire is None:
        return Said((), texts)
    note = substituted(when.note, texts | {"TAKEN": lock.acquire.name})
    return Said((Evidence(lock.acquire.span, note),), texts)
