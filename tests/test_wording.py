"""Findings in the words of a reply."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from reviewer.library import load_rule, rule_files, rule_id_of, shipped
from reviewer.model import Severity, Side, Status
from reviewer.report.wording import WIDTH, remark, wrapped
from reviewer.testing import annotations_of, read_cases
from tests.lamp import evidence, found

if TYPE_CHECKING:
    from reviewer.review import Annotation


def test_evidence_is_quoted_as_code_without_line_numbers() -> None:
    held = evidence(777, "spin_lock() is called here", "\tspin_lock(&lamp->lock);")
    field = evidence(12, "declared __rcu here", "\tstruct wick __rcu *wick;", "lamp.h")
    cut = evidence(9, "and another path waits", "\twait_event(lamp->queue,")
    text = "\n".join(remark(found(47, evidence=(held, field, cut))))
    assert "\nspin_lock() is called here:\n\n  spin_lock(&lamp->lock);\n" in text
    assert "\nIt is declared __rcu here:\n\n  lamp.h:\n    struct wick __rcu *wick;\n" in text
    assert "\nAnother path waits:\n\n  wait_event(lamp->queue, ...\n" in text
    assert not re.search(r"\b(?:777|12|9|47)\b", text)


def test_evidence_from_before_the_patch_says_so() -> None:
    was = evidence(9, "the lock was taken here", "\tspin_lock(&lamp->lock);", side=Side.OLD)
    assert "The lock was taken here, before the patch:" in remark(found(47, evidence=(was,)))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (found(1, rule="rcu/x", message="this is torn"), "Is this safe under RCU? This is torn."),
        (found(1, rule="own/x", message="p->x is torn."), "Is this right? p->x is torn."),
        (
            found(1, rule="own/x", message="no lock", severity=Severity.WARNING),
            "Is this intended? No lock.",
        ),
        (
            found(1, message="this lock is odd", severity=Severity.NOTE),
            "Not a bug, but this lock is odd.",
        ),
        (
            found(1, message="This lock is odd", status=Status.PREEXISTING),
            "This isn't introduced by this patch, but this lock is odd.",
        ),
        (found(1, message="can p be NULL here?"), "can p be NULL here?"),
    ],
)
def test_a_remark_asks_before_it_states(given: Annotation, said: str) -> None:
    assert " ".join(remark(given)).startswith(said)


def test_a_suggestion_is_one_question() -> None:
    assert remark(found(1, fix="Publish it with rcu_replace_pointer()."))[-1] == (
        "Maybe publish it with rcu_replace_pointer()?"
    )
    assert remark(found(1, fix="RCU_INIT_POINTER() is enough"))[-1].startswith("Maybe RCU_INIT")


def test_no_line_of_ours_looks_like_a_quote_or_a_signature() -> None:
    text = " ".join(["word > 3 | 4 From -- here"] * 300)
    for width in range(10, 80):
        assert not [line for line in wrapped(text, width) if re.match(r"[>|]|From\b|--", line)]


SHIPPED = {rule_id_of(path): path for path in rule_files(shipped("rules"))}
FIXTURES = {rule_id_of(path): path for path in (shipped("fixtures") / "rules").glob("*/*.md")}


@pytest.mark.parametrize("rule_id", sorted(SHIPPED.keys() & FIXTURES.keys()))
def test_every_shipped_rule_speaks_in_the_tone_of_the_lists(rule_id: str) -> None:
    rule = load_rule(SHIPPED[rule_id], rule_id)
    cases = read_cases(FIXTURES[rule_id])
    remarks = [remark(each) for case in cases for each in annotations_of(rule, case)[0]]
    assert remarks
    for lines in remarks:
        text = "\n".join(lines)
        ours = [line for line in lines if not line.startswith("  ")]
        assert all(len(line) <= WIDTH for line in ours), text
        assert "?" in text or text.startswith("Not a bug, but "), text
        assert not re.search(r"\bplease\b|!(?:\s|$)|:\d|\byou\b|\bbuggy\b", " ".join(ours), re.I)
        assert not re.search(r"[.?]{2}|\?\.|[.:,;]\?", " ".join(ours)), text
