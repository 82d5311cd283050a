"""A declarative rule at work: from what matches in a function to findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from reviewer.c.reach import Objects
from reviewer.declared import around, paths
from reviewer.declared.beside import candidates, of_beside
from reviewer.declared.said import NAMELESS, Said, substituted
from reviewer.model import Evidence, Finding, Fix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reviewer.c.function import Function
    from reviewer.c.pattern import Match, Pattern
    from reviewer.c.source import Source
    from reviewer.c.unit import Unit
    from reviewer.declared.around import Around
    from reviewer.declared.beside import Beside, Candidate
    from reviewer.declared.conditions import Where
    from reviewer.declared.paths import After
    from reviewer.model import Span


@dataclass(frozen=True, slots=True)
class Spec:
    """What a file says, checked."""

    patterns: tuple[tuple[Pattern, Said], ...]  # with what each makes of `$CALL` and `$OTHER`
    where: tuple[tuple[str, Where], ...]
    when: Around
    unless: Around
    beside: Beside | None
    after: After | None
    once: bool
    message: str
    fix: Fix | None


class _Place(NamedTuple):
    span: Span
    said: Said


def check_of(spec: Spec) -> Callable[[Source], Iterator[Finding]]:
    """The check of the rule."""

    def may_match(unit: Unit) -> bool:
        return any(pattern.words <= unit.words for pattern, _ in spec.patterns)

    def check(source: Source) -> Iterator[Finding]:
        for function in source.touched_where(may_match):
            yield from _findings(spec, Objects(function, source))

    return check


def _findings(spec: Spec, objects: Objects) -> Iterator[Finding]:
    function = objects.function
    near = candidates(spec.beside, function) if spec.beside is not None else ()
    found = _matches(spec, function) if near or spec.beside is None else []
    general = around.of_function(spec.when, spec.unless, objects) if found else None
    if general is None:
        return
    seen: set[int] = set()
    uses: set[tuple[Span, str | None]] = set()  # several matches can lead to one use
    for match, names in found:
        said = None if match.node.id in seen else _of_match(spec, match, names, near, objects)
        if said is None:
            continue
        seen.add(match.node.id)
        for place in _places(spec, match, objects, said + general):
            use = (place.span, place.said.texts.get("USE"))
            if spec.after is None or not spec.after.of or use not in uses:
                uses.add(use)
                yield _finding(spec, place, objects)
            if spec.once:
                return


def _matches(spec: Spec, function: Function) -> list[tuple[Match, Said]]:
    """What the patterns match, with the names of the call there.

    By pattern, or in the order of the text when only the first one counts.
    """
    words = function.words
    found = [
        (match, names)
        for pattern, names in spec.patterns
        if pattern.words <= words
        for match in pattern.match(function)
    ]
    return sorted(found, key=lambda each: each[0].node.start_byte) if spec.once else found


def _of_match(
    spec: Spec, match: Match, names: Said, near: Sequence[Candidate], objects: Objects
) -> Said | None:
    """What `where`, `beside` and the surroundings say of one match."""
    said = names + Said((), {name: bound.text for name, bound in match.bindings.items()})
    for name, condition in spec.where:
        answer = condition(match.bindings[name], match, objects)
        if answer is None:
            return None
        said += Said(answer)
    if spec.beside is not None:
        other = of_beside(spec.beside, match, near, _named(said, objects))
        if other is None:
            return None
        said += other
    place = around.of_match(spec.when, spec.unless, match, objects.function)
    return None if place is None else said + place


def _places(spec: Spec, match: Match, objects: Objects, said: Said) -> Iterator[_Place]:
    """Where it is wrong: at the match, or where the paths from there lead."""
    if spec.after is None:
        yield _Place(match.span, said)
        return
    note = substituted(spec.after.note, _named(said, objects))
    later = Said((Evidence(match.span, note),))
    for span, texts in paths.sequels(spec.after, match, objects.function):
        yield _Place(span, later + said + Said((), texts))


def _named(said: Said, objects: Objects) -> dict[str, str]:
    return {**said.texts, "FUNCTION": objects.function.name or NAMELESS}


def _finding(spec: Spec, place: _Place, objects: Objects) -> Finding:
    texts = _named(place.said, objects)
    fix = spec.fix and Fix(substituted(spec.fix.title, texts), spec.fix.safety)
    message = substituted(spec.message, texts)
    evidence = tuple(dict.fromkeys(place.said.evidence))
    return Finding(place.span, message, objects.function.name, evidence, fix)
