"""Rules on the text before and after a patch: what it introduced, what was there, what it fixed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from reviewer.budget import Overrun, time_limit
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
        return frozenset(_WORD.findall("\n".join(rows)))

    @cached_property
    def wanted(self) -> tuple[Rule, ...]:
        """The rules that have something to look for in this text."""
        if not self.file.is_c:
            return ()
        return tuple(
            rule
            for rule in self.rules
            if (self.whole or rule.needs is Need.HUNK)
            and (not rule.triggers or not rule.triggers.isdisjoint(self.words))
        )


def review_patch(
    patch: Patch,
    files: Sequence[FileDiff],
    rules: Sequence[Rule],
    texts_of: Callable[[FileDiff], Texts],
    known: Structs,
) -> PatchResult:
    """Review one patch; `known` are the structs that earlier patches of the series declare."""
    given = [texts_of(file) for file in files]
    pairs = list(zip(files, given, strict=True))
    new = [SideText(file, Side.NEW, texts, rules) for file, texts in pairs]
    old = [SideText(file, Side.OLD, texts, rules) for file, texts in pairs]
    after = _declared(known, new)
    before = _declared(known, old) if any(text.wanted for text in old) else known
    problems: list[Problem] = []
    reviews = tuple(
        _review_file(n, o, after, before, problems) for n, o in zip(new, old, strict=True)
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
    after: Structs,
    before: Structs,
    problems: list[Problem],
) -> FileReview:
    file, given = new.file, new.given
    if not file.is_c:
        return FileReview(file, Context.NONE, "not C")
    if given.context is Context.NONE:
        return FileReview(file, given.context, given.reason)
    source = Source(file.path, Side.NEW, new.units, after, new.whole)
    unparsed = [unit for unit in source.touched_units if unit.tree.root_node.has_error]
    found = _run(new.wanted, source, problems)
    were: list[tuple[Rule, Finding]] = []
    if old.wanted:
        were = _run(old.wanted, Source(file.path, Side.OLD, old.units, before, old.whole), problems)
    return FileReview(
        file,
        given.context,
        given.reason,
        functions=len(source.touched_units),
        unparsed=len(unparsed),
        annotations=annotate(found, were, file, frozenset(unit.name for unit in unparsed)),
    )


def _run(
    rules: Iterable[Rule], source: Source, problems: list[Problem]
) -> list[tuple[Rule, Finding]]:
    """What the rules find. A rule that fails is named, and costs nothing but its own findings."""
    found: list[tuple[Rule, Finding]] = []
    for rule in rules:
        try:
            with time_limit(RULE_SECONDS):
                found += [(rule, finding) for finding in rule.check(source)]
        except Overrun:
            what = f"stopped after {RULE_SECONDS:g} s; it said nothing about this file"
            problems.append(Problem(f"rule {rule.id} on {source.path}", what))
        except Exception as error:  # a rule is an expert's code: its bug must not cost the review
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
