"""What a fixture wanted and what its rule said, beside each other on the source line."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.model import Side, Status
from reviewer.report.plain import plain
from reviewer.testing import annotations_of, check_case

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reviewer.fixture import Case, Line, Mark
    from reviewer.model import Span
    from reviewer.review import Annotation
    from reviewer.rule import Rule

_NUMBER = re.compile(r":(\d+): (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One case with its lines that went wrong, ready to print; none when all is well."""

    case: Case
    lines: tuple[str, ...] = ()


def outcome_of(rule: Rule, case: Case) -> Outcome:
    """Run the rule on the case."""
    failures = check_case(rule, case)
    if not failures:
        return Outcome(case)
    found = _said(annotations_of(rule, case)[0], case)
    wanted = _wanted(case)
    printed: list[str] = []
    for number, what in sorted(_wrong(failures, case).items()):
        line = next((line for line in _lines(case) if line.number == number), None)
        if line is None or not (wanted[number] or found[number]):
            printed += [f"  {case.file}:{number}: {each}" for each in what]
            continue
        printed.append(f"  {case.file}:{number}")
        printed.append(f"      {line.sign}{line.text}")
        printed += _beside("wanted", wanted[number])
        printed += _beside("found", found[number])
    return Outcome(case, tuple(plain(each) for each in printed))


def _beside(head: str, texts: Iterable[str]) -> Iterator[str]:
    for text in tuple(texts) or ("nothing",):
        yield f"      {head:<6}  {text}"


def _wrong(failures: Iterable[str], case: Case) -> Mapping[int, list[str]]:
    """What went wrong, by line of the fixture."""
    wrong: dict[int, list[str]] = defaultdict(list)
    for failure in failures:
        found = _NUMBER.fullmatch(failure.removeprefix(case.file))
        number, what = (int(found[1]), found[2]) if found else (case.number, failure)
        wrong[number].append(what)
    return wrong


def _wanted(case: Case) -> Mapping[int, list[str]]:
    wanted: dict[int, list[str]] = defaultdict(list)
    for _, line, mark in case.marks:
        wanted[line.number].append(_kind(mark) + mark.text)
    return wanted


def _kind(mark: Mark) -> str:
    if mark.status is None:
        return "evidence: "
    return _status(mark.status)


def _status(status: Status) -> str:
    return "" if status is Status.INTRODUCED else f"{status}: "


def _said(annotations: Iterable[Annotation], case: Case) -> Mapping[int, list[str]]:
    """What the rule says, by line of the fixture."""
    said: dict[int, list[str]] = defaultdict(list)
    rows = {
        (block.path, side, number): line.number
        for block in case.blocks
        for line in block.lines
        for side, number in ((Side.OLD, line.old), (Side.NEW, line.new))
        if number is not None and line.sign != "@"
    }

    def row(span: Span) -> int:
        return rows.get((span.path, span.side, span.line), case.number)

    for annotation in annotations:
        finding = annotation.finding
        said[row(finding.span)].append(_status(annotation.status) + finding.message)
        for evidence in finding.evidence:
            said[row(evidence.span)].append(f"evidence: {evidence.note}")
    return said


def _lines(case: Case) -> Iterator[Line]:
    return (line for block in case.blocks for line in block.lines)
