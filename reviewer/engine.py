"""Rules on the text before and after a patch: what it introduced, what was there, what it fixed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING

from reviewer.budget import Overrun, time_limits, uncollected
from reviewer.c.source import Source
from reviewer.c.structs import structs_of
from reviewer.c.units import units_of_hunks, units_of_text
from reviewer.differential import annotate
from reviewer.model import Context, Problem, Side
from reviewer.review import FileReview, PatchReview
from reviewer.rule import Need

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from reviewer.c.structs import Structs
    from reviewer.c.unit import Unit
    from reviewer.diff.blobs import Texts
    from reviewer.diff.patch import FileDiff
    from reviewer.mail.thread import Patch
    from reviewer.model import Finding
    from reviewer.rule import Rule

RULE_SECONDS = 2.0
"""The longest that one rule may take for one side of one file."""

_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class PatchResult:
    """The review of a patch, the structs in view after it, and what could not be done."""

    review: PatchReview
    structs: Structs
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class SideText:
    """One side of one file. Its units are made when something asks for them."""

    file: FileDiff
    side: Side
    given: Texts
    rules: Sequence[Rule]  # all that may run

    @property
    def whole(self) -> bool:
        """Whether the text is the entire file."""
        return self.given.context is Context.BLOB

    @property
    def text(self) -> str:
        """The entire file; empty when it does not exist on this side."""
        return (self.given.new if self.side is Side.NEW else self.given.old) or ""

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """The items of the file that are in view; none when it is not C."""
        if not self.file.is_c or self.given.context is Context.NONE:
            return ()
        if self.whole:
            return units_of_text(self.text, touched_lines(self.file, self.side))
        return units_of_hunks(self.file.hunks, self.side)

    @cached_property
    def words(self) -> frozenset[str]:
        """Every identifier and keyword in view."""
        if self.whole:
            return frozenset(_WORD.findall(self.text))
        hidden = "+" if self.side is Side.OLD else "-"
        rows = (row.text for hunk in self.file.hunks for row in hunk.rows if row.sign != hidden)
        headers = (hunk.section for hunk in self.file.hunks)  # the function that a hunk is in
        return frozenset(_WORD.findall("\n".join((*rows, *headers))))

    @cached_property
    def wanted(self) -> tuple[Rule, ...]:
        """The rules that have something to look for in this text."""
        if not self.file.is_c:
            return ()
        words, whole = self.words, self.whole
        return tuple(
            [
                rule
                for rule in self.rules
                if (not rule.triggers or not words.isdisjoint(rule.triggers))
                and (whole or rule.needs is Need.HUNK)
            ]
        )


def review_patch(
    patch: Patch,
    files: Sequence[FileDiff],
    rules: Sequence[Rule],
    texts_of: Callable[[FileDiff], Texts],
    known: Structs,
) -> PatchResult:
    """Review one patch; `known` are the structs that earlier patches of the series declare."""
    with uncollected():
        return _review_patch(patch, files, rules, texts_of, known)


def _review_patch(
    patch: Patch,
    files: Sequence[FileDiff],
    rules: Sequence[Rule],
    texts_of: Callable[[FileDiff], Texts],
    known: Structs,
) -> PatchResult:
    given = [texts_of(file) for file in files]
    pairs = list(zip(files, given, strict=True))
    new = [SideText(file, Side.NEW, texts, rules) for file, texts in pairs]
    old = [SideText(file, Side.OLD, texts, rules) for file, texts in pairs]
    after = _declared(known, new)
    before = _declared(known, old) if any(text.wanted for text in old) else known
    problems: list[Problem] = []

    @cache
    def source(at: int, side: Side) -> Source:
        text, structs = (new[at], after) if side is Side.NEW else (old[at], before)
        earlier = partial(source, at, Side.OLD) if side is Side.NEW else None
        place = (text.file.path, side, text.units)
        return Source(*place, structs, text.whole, earlier, partial(sources, side))

    def sources(side: Side) -> list[Source]:
        return [source(at, side) for at, file in enumerate(files) if file.is_c]

    reviews = tuple(
        _review_file(n, o, partial(source, at), problems)
        for at, (n, o) in enumerate(zip(new, old, strict=True))
    )
    return PatchResult(PatchReview(patch, reviews), after, tuple(problems))


def _declared(known: Structs, texts: Iterable[SideText]) -> Structs:
    """All structs in view; what this patch says of a field counts more than what was known."""
    for text in texts:
        known = structs_of(text.units, text.file.path, text.side).merge(known)
    return known


def _review_file(
    new: SideText,
    old: SideText,
    side: Callable[[Side], Source],
    problems: list[Problem],
) -> FileReview:
    file, given = new.file, new.given
    if not file.is_c:
        return FileReview(file, Context.NONE, "not C")
    if given.context is Context.NONE:
        return FileReview(file, given.context, given.reason)
    source = side(Side.NEW)
    unparsed = [unit for unit in source.touched_units if unit.tree.root_node.has_error]
    found = _run(_wanted_after(new, old), source, problems)
    wanted = [rule for rule in old.wanted if not rule.compares]
    were = _run(wanted, side(Side.OLD), problems) if wanted else []
    return FileReview(
        file,
        given.context,
        given.reason,
        functions=len(source.touched_units),
        unparsed=len(unparsed),
        annotations=annotate(found, were, file, frozenset(unit.name for unit in unparsed)),
    )


def _wanted_after(new: SideText, old: SideText) -> tuple[Rule, ...]:
    """The rules for the new text: also those that look for what only the old one has."""
    gone = (rule for rule in old.wanted if rule.compares and rule not in new.wanted)
    return (*new.wanted, *gone)


def _run(
    rules: Iterable[Rule], source: Source, problems: list[Problem]
) -> list[tuple[Rule, Finding]]:
    """What the rules find. A rule that fails is named, and costs nothing but its own findings."""
    found: list[tuple[Rule, Finding]] = []
    with time_limits() as limited:
        for rule in rules:
            try:
                with limited(RULE_SECONDS):
                    found += [(rule, finding) for finding in rule.check(source)]
            except Overrun:
                what = f"stopped after {RULE_SECONDS:g} s; it said nothing about this file"
                problems.append(Problem(f"rule {rule.id} on {source.path}", what))
            except Exception as error:  # an expert's code: its bug must not cost the review
                what = f"failed with {type(error).__name__}: {error}"
                problems.append(Problem(f"rule {rule.id} on {source.path}", what))
    return found


def touched_lines(file: FileDiff, side: Side) -> frozenset[int]:
    """Lines of one side that the patch changes, and those beside a line that the other side has."""
    own = "+" if side is Side.NEW else "-"
    touched: set[int] = set()
    for hunk in file.hunks:
        following = hunk.new_start if side is Side.NEW else hunk.old_start
        for row in hunk.rows:
            if row.sign in (" ", own):
                following += 1
            if row.sign == own:
                touched.add(following - 1)
            elif row.sign != " ":
                touched.update((following - 1, following))
    return frozenset(touched)
