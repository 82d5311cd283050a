from __future__ import annotations

from dataclasses import replace

from reviewer.discussion.agreement import agree
from reviewer.mail.comment import WHOLE_PATCH, Kind
from reviewer.model import Confidence, Severity, Status
from reviewer.review import EVERYTHING, Threshold
from tests.rounds import comment, finding, rounds

OLD = "int box_close(struct box *b)\n{\n\treturn 0;\n}\n"
NEW = """\
int box_close(struct box *b)
{
\tstruct lid *lid;

\tidr_for_each_entry(&b->lids, lid, id)
\t\tlid_put(lid);
\tb->count = 0;
\tkfree(b->name);
\tb->name = NULL;
\tb->colour = 0;
\tb->weight = 0;
\treturn 0;
}
"""
WALK = "idr_for_each_entry"
UNLOCKED = finding(
    "locking/unlocked-walk",
    "nothing keeps the entries alive during this walk: no lock and no RCU reader section is held",
    NEW,
    WALK,
    fingerprint="walk",
)
SAID = "This walk needs at least rcu_read_lock()."


def test_a_finding_and_a_comment_on_one_line_about_one_thing_are_the_same_remark() -> None:
    found = agree(rounds((OLD, NEW), findings={1: [UNLOCKED]}), [comment(SAID, NEW, WALK)])
    assert found.findings == {"c@y#1": ("walk",)}
    assert found.comments == {"walk": ("c@y#1",)}
    assert (found.both, found.rules_only, found.humans_only) == (1, 0, 0)


def test_a_comment_on_the_same_line_about_something_else_is_not_the_same_remark() -> None:
    said = comment("Please call the cursor entry, as the rest of the file does.", NEW, WALK)
    found = agree(rounds((OLD, NEW), findings={1: [UNLOCKED]}), [said])
    assert found.findings == {}
    assert (found.both, found.rules_only, found.humans_only) == (0, 1, 1)


def test_a_comment_on_other_code_about_the_same_thing_is_not_the_same_remark() -> None:
    said = comment("What locks this?", NEW, "b->weight")
    found = agree(rounds((OLD, NEW), findings={1: [UNLOCKED]}), [said])
    assert (found.both, found.rules_only, found.humans_only) == (0, 1, 1)


def test_a_comment_below_the_whole_function_agrees_with_a_finding_that_was_quoted() -> None:
    said = comment("This is not safe against a concurrent open.", NEW, "return 0;", above=11)
    assert agree(rounds((OLD, NEW), findings={1: [UNLOCKED]}), [said]).both == 1


def test_in_a_long_quote_the_words_must_lead_to_the_finding() -> None:
    filler = "".join(f"\tb->part[{n}] = {n};\n" for n in range(40))
    long = NEW.replace("\treturn 0;\n", filler + "\treturn 0;\n")
    review = rounds((OLD, long), findings={1: [UNLOCKED]})
    vague = comment("The locking is wrong.", long, "return 0;", above=50)
    named = comment("The locking of idr_for_each_entry() is wrong.", long, "return 0;", above=50)
    assert agree(review, [vague]).both == 0
    assert agree(review, [named]).both == 1


def test_a_comment_on_another_patch_does_not_agree() -> None:
    elsewhere = comment(SAID, NEW, WALK, patch_id="v2@x")
    assert agree(rounds((OLD, NEW), findings={1: [UNLOCKED]}), [elsewhere]).both == 0


def test_a_comment_on_the_whole_patch_does_not_agree() -> None:
    whole = replace(comment(SAID, NEW, WALK), anchor=WHOLE_PATCH)
    found = agree(rounds((OLD, NEW), findings={1: [UNLOCKED]}), [whole])
    assert (found.both, found.rules_only, found.humans_only) == (0, 1, 0)


def test_a_hunch_is_linked_but_not_counted() -> None:
    hunch = replace(UNLOCKED, confidence=Confidence.HUNCH)
    found = agree(rounds((OLD, NEW), findings={1: [hunch]}), [comment(SAID, NEW, WALK)])
    assert found.findings == {"c@y#1": ("walk",)}
    assert (found.both, found.rules_only, found.humans_only) == (0, 0, 1)


def test_what_is_shown_decides_what_is_counted() -> None:
    hunch = replace(UNLOCKED, confidence=Confidence.HUNCH)
    review = rounds((OLD, NEW), findings={1: [hunch]})
    said = [comment(SAID, NEW, WALK)]
    assert agree(review, said, EVERYTHING).both == 1
    strict = Threshold(severity=Severity.ERROR, confidence=Confidence.CERTAIN)
    assert agree(review, said, strict).both == 0


def test_what_was_there_before_is_nobodys_remark() -> None:
    old = replace(UNLOCKED, status=Status.PREEXISTING)
    found = agree(rounds((OLD, NEW), findings={1: [old]}), [comment(SAID, NEW, WALK)])
    assert (found.findings, found.rules_only, found.humans_only) == ({}, 0, 1)


def test_the_authors_own_remark_agrees_but_is_no_reviewers_comment() -> None:
    own = replace(comment(SAID, NEW, WALK), by_author=True)
    found = agree(rounds((OLD, NEW), findings={1: [UNLOCKED]}), [own])
    assert found.findings == {"c@y#1": ("walk",)}
    assert (found.both, found.rules_only, found.humans_only) == (0, 0, 0)


def test_a_robots_comment_counts_for_nothing() -> None:
    robot = replace(comment(SAID, NEW, WALK), bot=True)
    found = agree(rounds((OLD, NEW), findings={1: [UNLOCKED]}), [robot])
    assert (found.findings, found.both, found.rules_only, found.humans_only) == ({}, 0, 1, 0)


def test_praise_is_not_counted_as_a_remark_that_the_rules_missed() -> None:
    praise = comment("Nice cleanup.", NEW, "b->weight", kind=Kind.AGREEMENT)
    assert agree(rounds((OLD, NEW)), [praise]).humans_only == 0


def test_a_finding_that_stays_for_three_versions_is_one_remark() -> None:
    findings = {n: [UNLOCKED] for n in (1, 2, 3)}
    review = rounds((OLD, NEW), (OLD, NEW), (OLD, NEW), findings=findings)
    assert agree(review, []).rules_only == 1
    assert agree(review, [comment(SAID, NEW, WALK)]).rules_only == 0


def test_the_evidence_of_a_finding_says_what_it_is_about() -> None:
    swap = finding(
        "life/plain-swap",
        "swap() replaces the map with plain copies",
        NEW,
        WALK,
        notes=["box_find() uses it under rcu_read_lock()"],
        fingerprint="swap",
    )
    said = comment("The RCU readers can see half of it.", NEW, WALK)
    assert agree(rounds((OLD, NEW), findings={1: [swap]}), [said]).both == 1
