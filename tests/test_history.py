from __future__ import annotations

from dataclasses import replace

from reviewer.discussion.history import history
from reviewer.discussion.talk import FindingHistory
from reviewer.model import Status
from tests.rounds import PATH, finding, patch, review, revision, rounds

BEFORE = "int box_close(struct box *b)\n{\n\treturn 0;\n}\n"
LEAK = "\t\treturn err;"
V1 = BEFORE.replace(
    "\treturn 0;", "\terr = lid_attach(b);\n\tif (err)\n\t\treturn err;\n\treturn 0;"
)
FIXED = V1.replace(LEAK, "\t\tgoto free_lid;")
RULE = "err/leak-on-error"
LEAKS = finding(RULE, "b->lid leaks on this error path", V1, LEAK, fingerprint="leak")


def test_a_finding_is_new_then_still_there_then_gone() -> None:
    texts = [(BEFORE, V1), (BEFORE, V1), (BEFORE, FIXED)]
    found = history(rounds(*texts, findings={1: [LEAKS], 2: [LEAKS]}))
    assert found["v1", "leak"] == FindingHistory("v1", gone="v3")
    assert found["v2", "leak"] == FindingHistory("v1", gone="v3")
    assert found["v1", "leak"].is_new("v1")
    assert not found["v2", "leak"].is_new("v2")


def test_a_finding_whose_line_was_only_edited_is_the_same_one() -> None:
    v2 = V1.replace(LEAK, "\t\treturn -EIO;")
    still = finding(RULE, "b->lid leaks on this error path", v2, "return -EIO", fingerprint="l2")
    found = history(rounds((BEFORE, V1), (BEFORE, v2), findings={1: [LEAKS], 2: [still]}))
    assert found == {("v1", "leak"): FindingHistory("v1"), ("v2", "l2"): FindingHistory("v1")}


def test_a_finding_that_came_with_v2_is_new_there_and_a_fixed_one_has_no_history() -> None:
    fixed = replace(LEAKS, status=Status.FIXED, fingerprint="f")
    found = history(rounds((BEFORE, V1), (BEFORE, V1), findings={1: [fixed], 2: [LEAKS]}))
    assert found == {("v2", "leak"): FindingHistory("v2")}


def test_a_diff_in_a_reply_neither_begins_nor_ends_a_history() -> None:
    first = revision("v1", patch("v1@x", 1, {PATH: (BEFORE, V1)}, annotations=[LEAKS]))
    part = patch("re@x", 2, {PATH: (BEFORE, FIXED)}, title="Re: box")
    aside = revision("v1.1", part, answers="v1")
    second = revision("v2", patch("v2@x", 3, {PATH: (BEFORE, V1)}, annotations=[LEAKS]))
    found = history(review(first, aside, second))
    assert found == {("v1", "leak"): FindingHistory("v1"), ("v2", "leak"): FindingHistory("v1")}
