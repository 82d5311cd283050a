"""Status and fingerprints of findings, without any C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.diff.patch import Change, FileDiff, Hunk, Row
from reviewer.differential import annotate
from reviewer.model import Confidence, Finding, Severity, Side, Span, Status
from reviewer.rule import Rule

if TYPE_CHECKING:
    from reviewer.review import Annotation


def rule() -> Rule:
    return Rule(
        title="a title",
        severity=Severity.WARNING,
        confidence=Confidence.LIKELY,
        since="0.1",
        check=lambda source: (),
        id="family/name",
    )


def finding(line: int, code: str, side: Side = Side.NEW, function: str = "f") -> Finding:
    return Finding(Span("a.c", line, line, side, code), "a message", function)


def diff(*rows: str) -> FileDiff:
    old = new = 1
    made = []
    for row in rows:
        sign, text = row[0], row[1:]
        made.append(Row(sign, text, None if sign == "+" else old, None if sign == "-" else new))
        old += sign != "+"
        new += sign != "-"
    return FileDiff("a.c", "a.c", Change.MODIFIED, (Hunk("", 1, 1, tuple(made)),))


def statuses(annotations: tuple[Annotation, ...]) -> list[tuple[int, Status]]:
    return [(each.finding.span.line, each.status) for each in annotations]


def test_a_finding_on_an_added_line_is_introduced() -> None:
    annotations = annotate([(rule(), finding(2, "bad();"))], [], diff(" a", "+bad();"))
    assert statuses(annotations) == [(2, Status.INTRODUCED)]


def test_a_finding_that_only_moved_is_not_the_patchs_doing() -> None:
    new = [(rule(), finding(2, "bad();"))]
    old = [(rule(), finding(1, "\tbad();", Side.OLD))]
    assert statuses(annotate(new, old, diff("+a", " bad();"))) == [(2, Status.PREEXISTING)]


def test_a_finding_that_went_away_is_fixed() -> None:
    annotations = annotate([], [(rule(), finding(1, "bad();", Side.OLD))], diff("-bad();"))
    assert statuses(annotations) == [(1, Status.FIXED)]


def test_of_two_equal_lines_the_added_one_is_introduced() -> None:
    new = [(rule(), finding(1, "return;")), (rule(), finding(2, "return;"))]
    old = [(rule(), finding(1, "return;", Side.OLD))]
    annotations = annotate(new, old, diff("+return;", " return;"))
    assert statuses(annotations) == [(1, Status.INTRODUCED), (2, Status.PREEXISTING)]


def test_the_same_line_found_twice_is_said_once() -> None:
    twice = [(rule(), finding(1, "bad();")), (rule(), finding(1, "bad();"))]
    assert len(annotate(twice, [], diff("+bad();"))) == 1


def test_equal_code_in_another_function_is_another_finding() -> None:
    new = [(rule(), finding(1, "bad();", function="g"))]
    old = [(rule(), finding(1, "bad();", Side.OLD, function="f"))]
    found = {each.status for each in annotate(new, old, diff("-bad();", "+bad();"))}
    assert found == {Status.INTRODUCED, Status.FIXED}


def test_a_fingerprint_does_not_know_line_numbers_or_indentation() -> None:
    first = annotate([(rule(), finding(2, "bad();"))], [], diff("+bad();"))
    second = annotate([(rule(), finding(9, "\t\tbad ();"))], [], diff("+bad();"))
    assert first[0].fingerprint == second[0].fingerprint


def test_equal_lines_of_one_function_have_fingerprints_of_their_own() -> None:
    new = [(rule(), finding(1, "return;")), (rule(), finding(2, "return;"))]
    first, second = annotate(new, [], diff("+return;", "+return;"))
    assert first.fingerprint != second.fingerprint


def test_in_a_function_that_could_not_be_read_whole_nothing_is_more_than_a_hunch() -> None:
    new = [(rule(), finding(1, "bad();"))]
    (annotation,) = annotate(new, [], diff("+bad();"), unparsed=frozenset({"f"}))
    assert annotation.confidence is Confidence.HUNCH
