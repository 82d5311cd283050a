"""A declarative rule at work: from what matches in a function to findings."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from reviewer.c.reach import Objects
from reviewer.declared import conditions, paths
from reviewer.model import Evidence, Finding, Fix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reviewer.c.pattern import Match, Pattern
    from reviewer.c.source import Source
    from reviewer.declared.conditions import Where
    from reviewer.declared.paths import After
    from reviewer.model import Span

VARIABLE = re.compile(r"\$([A-Z_][A-Z0-9_]*)")
"""A metavariable in a message."""

_NAMELESS = "this function"
_LONGEST_NAME = 80  # characters of one expression in a message
_LONGEST_MESSAGE = 400


@dataclass(frozen=True, slots=True)
class Around:
    """The keys of `when` or of `unless`."""

    holding: tuple[str, ...] = ()
    function: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    context: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spec:
    """What a file says, checked."""

    patterns: tuple[Pattern, ...]
    where: tuple[tuple[str, Where], ...]
    when: Around
    unless: Around
    after: After | None
    message: str
    fix: Fix | None


@dataclass(frozen=True, slots=True)
class _Said:
    """Evidence, and what variables of the message stand for."""

    evidence: tuple[Evidence, ...] = ()
    texts: dict[str, str] = field(default_factory=dict)

    def __add__(self, other: _Said) -> _Said:
        return _Said(self.evidence + other.evidence, self.texts | other.texts)


class _Place(NamedTuple):
    span: Span
    said: _Said


def check_of(spec: Spec) -> Callable[[Source], Iterator[Finding]]:
    """The check of the rule."""

    def check(source: Source) -> Iterator[Finding]:
        for function in source.touched:
            yield from _findings(spec, Objects(function, source))

    return check


def _findings(spec: Spec, objects: Objects) -> Iterator[Finding]:
    seen: set[int] = set()
    around: _Said | None = None
    for pattern in spec.patterns:
        for match in pattern.match(objects.function):
            around = _of_function(spec, objects) if around is None else around
            if around is None:
                return
            said = None if match.node.id in seen else _of_match(spec, match, objects)
            if said is None:
                continue
            seen.add(match.node.id)
            for place in _places(spec, match, objects, said + around):
                yield _finding(spec, place, objects)


def _of_function(spec: Spec, objects: Objects) -> _Said | None:
    """What `when` and `unless` say of the function, which is the same for all matches in it."""
    function, when, unless = objects.function, spec.when, spec.unless
    if when.function and not conditions.is_named(function, when.function):
        return None
    if unless.function and conditions.is_named(function, unless.function) is not False:
        return None
    if unless.calls and conditions.calls(function, unless.calls) is not None:
        return None
    if unless.context and conditions.runs_in(objects, unless.context) is not None:
        return None
    called = conditions.calls(function, when.calls) if when.calls else ()
    if called is None:
        return None
    if not when.context:
        return _Said(called)
    where = conditions.runs_in(objects, when.context)
    if where is None:
        return None
    return _Said(called + where.evidence, {"CONTEXT": where.words})


def _of_match(spec: Spec, match: Match, objects: Objects) -> _Said | None:
    """What `where` and the locks say of one match."""
    said = _Said((), {name: bound.text for name, bound in match.bindings.items()})
    for name, condition in spec.where:
        answer = condition(match.bindings[name], objects)
        if answer is None:
            return None
        said += _Said(answer)
    if spec.unless.holding and conditions.perhaps_held(
        match, objects.function, spec.unless.holding
    ):
        return None
    if not spec.when.holding:
        return said
    lock = conditions.held(match, objects.function, spec.when.holding)
    if lock is None:
        return None
    text = conditions.lock_text(lock)
    taken = (Evidence(lock.acquire.span, f"{text} is held from here"),) if lock.acquire else ()
    return said + _Said(taken, {"LOCK": text})


def _places(spec: Spec, match: Match, objects: Objects, said: _Said) -> Iterator[_Place]:
    """Where it is wrong: at the match, or where the paths from there lead."""
    if spec.after is None:
        yield _Place(match.span, said)
        return
    note = _substituted(spec.after.note, _named(said, objects))
    later = _Said((Evidence(match.span, note),))
    for span, texts in paths.sequels(spec.after, match, objects.function):
        yield _Place(span, later + said + _Said((), texts))


def _named(said: _Said, objects: Objects) -> dict[str, str]:
    return {**said.texts, "FUNCTION": objects.function.name or _NAMELESS}


def _finding(spec: Spec, place: _Place, objects: Objects) -> Finding:
    texts = _named(place.said, objects)
    fix = spec.fix and Fix(_substituted(spec.fix.title, texts), spec.fix.safety)
    message = _substituted(spec.message, texts)
    evidence = tuple(dict.fromkeys(place.said.evidence))
    return Finding(place.span, message, objects.function.name, evidence, fix)


def _substituted(template: str, texts: dict[str, str]) -> str:
    """One line of at most `_LONGEST_MESSAGE` printable characters."""
    full = VARIABLE.sub(lambda match: _shortened(texts[match[1]], _LONGEST_NAME), template)
    full = full.replace(f"{_NAMELESS}()", _NAMELESS)
    printable = "".join(c if c.isprintable() else " " for c in full)
    return _shortened(" ".join(printable.split()), _LONGEST_MESSAGE)


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."
