"""Whether a rule does what its fixture says: every mark has its finding, every finding its mark.

Public, so that users can test rules of their own:

    rule = load_rule(Path("rules/net/my_check.toml"), "net/my-check")
    for case in read_cases(Path("fixtures/rules/net/my_check.md")):
        assert not check_case(rule, case)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.structs import NO_STRUCTS, structs_of
from reviewer.c.units import units_of_text
from reviewer.diff.blobs import Texts
from reviewer.diff.patch import Change, FileDiff, Hunk, Row
from reviewer.engine import review_patch
from reviewer.fixture import Case, read_cases
from reviewer.mail.thread import Origin, Patch
from reviewer.model import Context, Side

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reviewer.c.structs import Structs
    from reviewer.fixture import Block, Line
    from reviewer.model import Evidence, Span
    from reviewer.review import Annotation
    from reviewer.rule import Rule

    Places = Mapping[tuple[str, Side, int], Line]

__all__ = ["Case", "annotations_of", "check_case", "read_cases"]


def check_case(rule: Rule, case: Case) -> list[str]:
    """What does not match, one line each with its place in the fixture; empty when all is well."""
    annotations, failures = annotations_of(rule, case)
    places = _places(case)
    return [
        *failures,
        *_findings_wrong(case, annotations, places),
        *_evidence_wrong(case, annotations, places),
    ]


def annotations_of(rule: Rule, case: Case) -> tuple[tuple[Annotation, ...], list[str]]:
    """What the rule says about the case, on the way that a mailed patch takes, and its failures."""
    blocks = [block for block in case.blocks if block.kind != "c"]
    files = [_file(block) for block in blocks]
    texts = {file.path: _texts(block) for file, block in zip(files, blocks, strict=True)}
    result = review_patch(
        _patch(case), files, (rule,), lambda file: texts[file.path], _structs(case)
    )
    failures = [f"{case.file}:{case.number}: {p.where}: {p.what}" for p in result.problems]
    return result.review.annotations, failures


def _patch(case: Case) -> Patch:
    return Patch(
        message_id="",
        subject=case.title,
        author="",
        date=None,
        position=1,
        of=1,
        origin=Origin.MAIL,
        description="",
        diff="",
        diff_line=case.number,
    )


def _structs(case: Case) -> Structs:
    structs = NO_STRUCTS
    for block in case.blocks:
        if block.kind == "c":
            units = units_of_text(_text(block, Side.NEW), ())
            structs = structs.merge(structs_of(units, block.path, Side.NEW))
    return structs


def _file(block: Block) -> FileDiff:
    hunks: list[tuple[Line, list[Row]]] = []
    for line in block.lines:
        if line.sign == "@" or not hunks:
            hunks.append((line, []))
        if line.sign != "@":
            hunks[-1][1].append(Row(line.sign, line.text, line.old, line.new))
    return FileDiff(
        block.path,
        block.path,
        Change.NEW if _is_new(block) else Change.MODIFIED,
        tuple(
            Hunk(at.text if at.sign == "@" else "", at.old or 0, at.new or 0, tuple(rows))
            for at, rows in hunks
        ),
    )


def _texts(block: Block) -> Texts:
    if block.kind == "hunk":
        return Texts(None, None, Context.HUNKS, None)
    old = None if _is_new(block) else _text(block, Side.OLD)
    return Texts(old, _text(block, Side.NEW), Context.BLOB, None)


def _is_new(block: Block) -> bool:
    return block.kind == "diff" and all(line.sign == "+" for line in block.lines)


def _text(block: Block, side: Side) -> str:
    hidden = "+" if side is Side.OLD else "-"
    return "".join(f"{line.text}\n" for line in block.lines if line.sign not in ("@", hidden))


def _places(case: Case) -> Places:
    places: dict[tuple[str, Side, int], Line] = {}
    for block in case.blocks:
        for line in block.lines:
            if line.old is not None and line.sign != "@":
                places[block.path, Side.OLD, line.old] = line
            if line.new is not None and line.sign != "@":
                places[block.path, Side.NEW, line.new] = line
    return places


def _findings_wrong(case: Case, annotations: Iterable[Annotation], places: Places) -> Iterator[str]:
    left = list(annotations)
    for _, line, mark in sorted(case.marks, key=lambda each: -len(each[2].text)):
        if mark.status is None:
            continue
        here = [each for each in left if _place(each.finding.span, places) is line]
        good = [e for e in here if e.status is mark.status and mark.text in e.finding.message]
        if good:
            left.remove(good[0])
        else:
            found = "; ".join(map(_shown, here)) or "nothing"
            yield f"{_at(case, line)}: wanted {mark.status}: {mark.text!r}, found {found}"
    for each in left:
        line_or_none = _place(each.finding.span, places)
        yield f"{_at(case, line_or_none)}: no mark for {_shown(each)} at {each.finding.span.code!r}"


def _evidence_wrong(case: Case, annotations: Iterable[Annotation], places: Places) -> Iterator[str]:
    evidence = {each for annotation in annotations for each in annotation.finding.evidence}
    seen: set[Evidence] = set()
    for _, line, mark in case.marks:
        if mark.status is not None:
            continue
        here = {each for each in evidence if _place(each.span, places) is line}
        good = {each for each in here if mark.text in each.note}
        seen |= good
        if not good:
            found = "; ".join(sorted(repr(each.note) for each in here)) or "nothing"
            yield f"{_at(case, line)}: wanted evidence {mark.text!r}, found {found}"
    for each in sorted(evidence - seen, key=lambda each: (each.span.line, each.note)):
        line_or_none = _place(each.span, places)
        yield f"{_at(case, line_or_none)}: no mark for evidence {each.note!r} at {each.span.code!r}"


def _place(span: Span, places: Places) -> Line | None:
    return places.get((span.path, span.side, span.line))


def _at(case: Case, line: Line | None) -> str:
    """The line of the fixture; that of the case for a place that is not in it."""
    return f"{case.file}:{line.number if line else case.number}"


def _shown(annotation: Annotation) -> str:
    return f"{annotation.status}: {annotation.finding.message!r}"
