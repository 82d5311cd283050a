"""What a later revision did with the code that a comment is about."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from reviewer.discussion.follow import Pairing, Sheet, State, Trace, pair, trace, words
from reviewer.model import Confidence, Context, Side, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reviewer.diff.patch import FileDiff
    from reviewer.discussion.successor import Successor
    from reviewer.mail.comment import ReviewComment
    from reviewer.review import Annotation, RevisionReview

_READ = 4000  # characters of a comment
_TELLING = 12  # characters of a key that hardly stands in two places by chance
_IDENTIFIER = re.compile(r"(?<![A-Za-z0-9_])[A-Za-z_]\w{2,60}(?:\(|(?!\w))")


@dataclass(frozen=True, slots=True)
class Sheets:
    """The sheets of all files of a review, each made once, and laid side by side once."""

    _sheets: dict[tuple[int, Side], Sheet] = field(default_factory=dict)
    _pairings: dict[tuple[int, int], Pairing] = field(default_factory=dict)

    def of(self, file: FileDiff, side: Side) -> Sheet:
        """The sheet of one side. By identity: to hash a file costs as much as to read it."""
        key = id(file), side
        if key not in self._sheets:
            self._sheets[key] = Sheet(file, side)
        return self._sheets[key]

    def pair(self, old: Sheet, new: Sheet) -> Pairing:
        """Two sheets side by side."""
        key = id(old), id(new)
        if key not in self._pairings:
            self._pairings[key] = pair(old, new)
        return self._pairings[key]


class Fate(NamedTuple):
    """What one later revision did with the code of a comment."""

    trace: Trace | None  # None: the revision does not have the file, or the place is not known
    withdrawn: bool  # the file is in no patch of a complete revision
    adopted: tuple[str, ...]
    dropped: tuple[str, ...]
    said_again: bool | None  # by the rules that agreed with the comment; None: there are none


def fate(
    comment: ReviewComment,
    file: FileDiff,
    said: Sequence[Annotation],
    later: Successor,
    sheets: Sheets,
) -> Fate:
    """Look for the code of a comment in all patches of a later revision.

    `file` is the one that the comment is about, `said` are the findings that agree with it.
    """
    old = sheets.of(file, comment.anchor.side)
    at = old.lines.get(comment.anchor.line or -1)
    files = [each.file for patch in later.review.patches for each in patch.files]
    same = _same_file(file, files)
    traces = [] if at is None else [_trace(old, at, each, same, sheets) for each in same]
    best = min(traces, key=lambda each: (each.state, -each.kept), default=None)
    if best and at is not None and _is_unclear(best, old, at, later, sheets):
        best = Trace(State.UNSEEN)
    return Fate(
        trace=best,
        withdrawn=not same and not later.aside and later.review.revision.complete,
        adopted=_adopted(comment, best),
        dropped=_dropped(comment, old, files, sheets) if same and not later.aside else (),
        said_again=None if later.aside else _said_again(said, later.review),
    )


def _same_file(file: FileDiff, files: Iterable[FileDiff]) -> list[FileDiff]:
    """The diffs of the same file, also under a new name."""
    return [each for each in files if file.path in (each.path, each.old_path)]


def _trace(old: Sheet, at: int, file: FileDiff, files: Sequence[FileDiff], sheets: Sheets) -> Trace:
    others = [sheets.of(each, old.side) for each in files if each is not file]
    found = trace(sheets.pair(old, sheets.of(file, old.side)), at, others)
    if old.side is Side.OLD:
        return _as_replaced(found, old, at, file, sheets)
    if found.state is State.UNSEEN and len(old.index.keys[at]) >= _TELLING:
        # A context line that is not shown as such may be a line that is removed now.
        removed = sheets.of(file, Side.OLD)
        places = removed.index.places.get(old.index.keys[at], ())
        if any(removed.rows[place].sign == "-" for place in places):
            return replace(found, state=State.CHANGED, beside=True)
    return found


def _as_replaced(found: Trace, old: Sheet, at: int, file: FileDiff, sheets: Sheets) -> Trace:
    """A removed line that is still removed, with what happened to the lines in its place."""
    after = sheets.of(old.file, Side.NEW)
    below = next((row.new for row in old.rows[at:] if row.new is not None), None)
    place = after.lines.get(below or -1)
    if found.state is not State.SAME or place is None:
        return found
    around = trace(sheets.pair(after, sheets.of(file, Side.NEW)), place)
    return replace(around, state=State.SAME)


def _is_unclear(found: Trace, old: Sheet, at: int, later: Successor, sheets: Sheets) -> bool:
    """Whether a line that the patch does not add here any more may have come in another way."""
    if found.state is State.CONTEXT:
        return not (later.same_title and later.review.revision.complete)
    files = (each.file for patch in later.review.patches for each in patch.files)
    return found.state.is_away and _is_moved(old, at, files, sheets)


def _is_moved(old: Sheet, at: int, files: Iterable[FileDiff], sheets: Sheets) -> bool:
    """Whether the very line is now added to another file, so that nothing was done about it."""
    key = old.index.keys[at]
    if len(key) < 2 * _TELLING or old.rows[at].sign != "+":
        return False
    others = (sheets.of(each, Side.NEW) for each in files if each.path != old.file.path)
    return any(
        other.rows[place].sign == "+"
        for other in others
        for place in other.index.places.get(key, ())
    )


def identifiers(text: str) -> frozenset[str]:
    """The names of code in prose: those with an underscore, called, or in mixed case."""
    found: set[str] = set()
    for word in _IDENTIFIER.findall(text[:_READ]):
        name = word.removesuffix("(")
        mixed = not name[1:].islower() and not name.isupper()
        if word.endswith("(") or "_" in name.strip("_") or mixed:
            found.add(name)
    return frozenset(found)


def _adopted(comment: ReviewComment, found: Trace | None) -> tuple[str, ...]:
    """Names in the comment that were added where it points at, and did not stand there before."""
    if found is None or not found.window:
        return ()
    names = identifiers(comment.text) - words(found.before) - words(comment.anchor.code or "")
    return tuple(sorted(names & words(found.window)))


def _dropped(
    comment: ReviewComment, old: Sheet, files: Iterable[FileDiff], sheets: Sheets
) -> tuple[str, ...]:
    """Names in the comment that the patch added, and that no patch of the series shows now."""
    names = identifiers(comment.text) & old.changed_names
    for each in files:
        if not names:
            break
        names -= sheets.of(each, Side.NEW).names
    return tuple(sorted(names))


def _said_again(said: Sequence[Annotation], revision: RevisionReview) -> bool | None:
    """Whether a rule still speaks in the same function of the text after the patches."""
    read = {
        file.file.path
        for patch in revision.patches
        for file in patch.files
        if file.context is not Context.NONE
    }
    places = {_place(each) for each in said if each.finding.span.path in read}
    if not places:
        return None
    return any(_place(each) in places for each in _standing(revision))


def _place(annotation: Annotation) -> tuple[str, str, str | None]:
    return annotation.rule, annotation.finding.span.path, annotation.finding.function


def _standing(revision: RevisionReview) -> Iterable[Annotation]:
    return (
        each
        for patch in revision.patches
        for each in patch.annotations
        if each.status is not Status.FIXED and each.confidence > Confidence.HUNCH
    )
