from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from reviewer.discussion.agreement import agree
from reviewer.discussion.outcome import outcomes
from reviewer.discussion.talk import Verdict
from reviewer.mail.comment import WHOLE_PATCH, Kind, Outcome, ReviewComment
from reviewer.model import Side
from tests.rounds import (
    AUTHOR,
    PATH,
    comment,
    diff,
    finding,
    patch,
    review,
    revision,
    rounds,
)

if TYPE_CHECKING:
    from reviewer.review import Review

BEFORE = """\
int box_open(struct box *b)
{
\tint err;

\tif (!b)
\t\treturn -EINVAL;
\treturn 0;
}
"""
V1 = """\
int box_open(struct box *b)
{
\tint err;

\tif (!b)
\t\treturn -EINVAL;
\tb->lid = lid_alloc(b->size);
\tb->users++;
\terr = lid_attach(b->lid, b);
\tif (err)
\t\treturn err;
\treturn 0;
}
"""
LEAK = "\t\treturn err;"


def verdict(found: Review, *said: ReviewComment) -> Verdict:
    """The verdict on the first of the comments."""
    return outcomes(found, said, agree(found, said))[said[0].id]


def answer(text: str, to: ReviewComment) -> ReviewComment:
    return replace(
        to,
        id="a@x#1",
        message_id="a@x",
        author=AUTHOR,
        address="ada@example.org",
        text=text,
        answers=to.id,
        by_author=True,
    )


def asked(text: str = "This leaks the lid.", code: str = LEAK) -> ReviewComment:
    return comment(text, V1, code)


def test_a_line_that_changed_was_addressed() -> None:
    v2 = V1.replace(LEAK, "\t\tgoto free_lid;")
    found = verdict(rounds((BEFORE, V1), (BEFORE, v2)), asked())
    assert found.outcome is Outcome.ADDRESSED
    assert found.evidence[0] == "line changed"
    assert found.revision == "v2"


def test_a_line_that_went_away_was_addressed() -> None:
    v2 = V1.replace("\tb->users++;\n", "")
    found = verdict(rounds((BEFORE, V1), (BEFORE, v2)), asked("Who reads this?", "users++"))
    assert (found.outcome, found.evidence) == (Outcome.ADDRESSED, ("line gone",))


def test_a_line_that_is_still_there_is_open() -> None:
    found = verdict(rounds((BEFORE, V1), (BEFORE, V1)), asked())
    assert (found.outcome, found.evidence) == (Outcome.OPEN, ("unchanged",))


def test_without_a_later_revision_nothing_is_known() -> None:
    assert verdict(rounds((BEFORE, V1)), asked()) == Verdict(Outcome.UNKNOWN)


def test_a_line_is_followed_to_where_it_moved_in_the_file() -> None:
    above = "".join(f"int box_part_{n}(void);\n" for n in range(60))
    found = verdict(rounds((BEFORE, V1), (above + BEFORE, above + V1)), asked())
    assert found.outcome is Outcome.OPEN


def test_a_line_is_followed_into_a_renamed_file() -> None:
    v2 = revision("v2", patch("v2@x", 2, {"drivers/demo/chest.c": (BEFORE, V1)}))
    renamed = replace(v2.patches[0].files[0].file, old_path=PATH)
    file = replace(v2.patches[0].files[0], file=renamed)
    v2 = replace(v2, patches=(replace(v2.patches[0], files=(file,)),))
    first = revision("v1", patch("v1@x", 1, {PATH: (BEFORE, V1)}))
    assert verdict(review(first, v2), asked()).outcome is Outcome.OPEN


def test_code_that_only_went_to_another_file_is_not_addressed() -> None:
    long = V1.replace("lid_attach(b->lid, b)", "lid_attach_to_box(b->lid, b, b->default_flags)")
    first = revision("v1", patch("v1@x", 1, {PATH: (BEFORE, long)}))
    other = {PATH: (BEFORE, BEFORE + "int more;\n"), "drivers/demo/lid.c": ("", long)}
    second = revision("v2", patch("v2@x", 2, other))
    said = comment("Check the flags.", long, "lid_attach_to_box")
    assert verdict(review(first, second), said).outcome is Outcome.UNKNOWN


def test_a_split_patch_is_searched_whole() -> None:
    half = BEFORE.replace("\treturn 0;", "\tb->users++;\n\treturn 0;")
    first = revision("v1", patch("v1@x", 1, {PATH: (BEFORE, V1)}))
    second = revision(
        "v2",
        patch("v2-1@x", 2, {PATH: (BEFORE, half)}, title="box: count users"),
        patch("v2-2@x", 2, {PATH: (half, V1)}),
    )
    found = verdict(review(first, second), asked("Who reads this?", "users++"))
    assert found.outcome is Outcome.OPEN


def test_a_line_that_is_only_wrapped_in_another_way_is_open() -> None:
    code = "\terr = lid_attach(b->lid, b);"
    v2 = V1.replace(code, "\terr = lid_attach(b->lid,\n\t\t\t b);")
    found = verdict(rounds((BEFORE, V1), (BEFORE, v2)), asked("Is b locked?", code))
    assert found.outcome is Outcome.OPEN


def test_two_lines_that_changed_places_were_addressed() -> None:
    one, two = "\tb->users++;\n", "\terr = lid_attach(b->lid, b);\n"
    v2 = V1.replace(one + two, two + one)
    found = verdict(
        rounds((BEFORE, V1), (BEFORE, v2)), asked("Attach it before you count.", "lid_attach")
    )
    assert (found.outcome, found.evidence) == (Outcome.ADDRESSED, ("line moved",))


def test_a_check_added_above_the_line_answers_a_comment_on_it() -> None:
    code = "\tb->users++;"
    v2 = V1.replace(code, "\tif (!b->lid)\n\t\treturn -ENOMEM;\n" + code)
    found = verdict(rounds((BEFORE, V1), (BEFORE, v2)), asked("lid can be NULL.", "lid_attach"))
    assert (found.outcome, found.evidence) == (Outcome.ADDRESSED, ("lines around it changed",))


def test_a_name_that_the_comment_asked_for_is_evidence() -> None:
    code = "\tb->users++;"
    v2 = V1.replace(code, "\tmutex_lock(&b->lock);\n" + code + "\n\tmutex_unlock(&b->lock);")
    found = verdict(rounds((BEFORE, V1), (BEFORE, v2)), asked("Use mutex_lock() here.", "users"))
    assert found.outcome is Outcome.ADDRESSED
    assert "adopted mutex_lock" in found.evidence


def test_a_name_that_the_comment_objected_to_and_that_is_gone_is_evidence() -> None:
    v2 = V1.replace("lid_alloc(b->size)", "lid_new(b->size)")
    found = verdict(rounds((BEFORE, V1), (BEFORE, v2)), asked("lid_alloc() sleeps.", "users"))
    assert "dropped lid_alloc" in found.evidence


@pytest.mark.parametrize(
    "text",
    [
        "Good catch, I will fix it in v2.",
        "I don't think so, the caller frees it.",
        "The caller has taken a reference to the box before it came here, so that the lid "
        "is freed together with the box in every case.",
    ],
)
def test_an_unchanged_line_that_the_author_spoke_for_is_not_called_open(text: str) -> None:
    said = asked()
    found = verdict(rounds((BEFORE, V1), (BEFORE, V1)), said, answer(text, said))
    assert found.outcome is Outcome.UNKNOWN


def test_a_promise_alone_addresses_nothing_and_a_shrug_leaves_it_open() -> None:
    said = asked()
    same = rounds((BEFORE, V1), (BEFORE, V1))
    assert verdict(same, said, answer("Will fix.", said)).outcome is Outcome.UNKNOWN
    assert verdict(same, said, answer("Hmm.", said)).outcome is Outcome.OPEN


def test_a_changed_line_after_a_refusal_proves_nothing() -> None:
    v2 = V1.replace(LEAK, "\t\treturn -EIO;")
    said = asked()
    found = verdict(rounds((BEFORE, V1), (BEFORE, v2)), said, answer("No, that is fine.", said))
    assert (found.outcome, found.evidence) == (
        Outcome.UNKNOWN,
        ("line changed", "author refused"),
    )


def test_a_comment_that_its_writer_took_back_is_not_open() -> None:
    said = asked()
    reply = answer("See lid_free().", said)
    again = replace(said, id="d@y#1", text="Ah, right.", kind=Kind.AGREEMENT, answers=reply.id)
    found = verdict(rounds((BEFORE, V1), (BEFORE, V1)), said, reply, again)
    assert found.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("kind", [Kind.AGREEMENT, Kind.THANKS])
def test_what_wants_nothing_has_no_outcome(kind: Kind) -> None:
    said = replace(asked(), kind=kind)
    assert verdict(rounds((BEFORE, V1), (BEFORE, V1)), said) == Verdict(Outcome.UNKNOWN)


def test_the_author_and_a_comment_on_the_whole_patch_have_no_outcome() -> None:
    same = rounds((BEFORE, V1), (BEFORE, V1))
    assert verdict(same, replace(asked(), by_author=True)) == Verdict(Outcome.UNKNOWN)
    assert verdict(same, replace(asked(), anchor=WHOLE_PATCH)) == Verdict(Outcome.UNKNOWN)


def test_a_revision_that_was_posted_before_the_comment_does_not_answer_it() -> None:
    late = replace(asked(), date=datetime(2026, 1, 9, tzinfo=UTC))
    v2 = V1.replace(LEAK, "\t\tgoto free_lid;")
    assert verdict(rounds((BEFORE, V1), (BEFORE, v2)), late) == Verdict(Outcome.UNKNOWN)


def test_what_v2_left_open_may_be_done_in_v3() -> None:
    v3 = V1.replace(LEAK, "\t\tgoto free_lid;")
    found = verdict(rounds((BEFORE, V1), (BEFORE, V1), (BEFORE, v3)), asked())
    assert (found.outcome, found.revision) == (Outcome.ADDRESSED, "v3")


def test_another_series_in_the_same_call_is_no_answer() -> None:
    first = revision("v1", patch("v1@x", 1, {PATH: (BEFORE, V1)}))
    other = patch("o@x", 2, {"drivers/demo/lid.c": ("", "int lid;\n")}, title="lid: be a lid")
    assert verdict(review(first, revision("v2", other)), asked()) == Verdict(Outcome.UNKNOWN)


def test_a_patch_that_got_a_new_title_is_known_by_its_lines() -> None:
    v2 = V1.replace(LEAK, "\t\tgoto free_lid;")
    first = revision("v1", patch("v1@x", 1, {PATH: (BEFORE, V1)}))
    second = revision("v2", patch("v2@x", 2, {PATH: (BEFORE, v2)}, title="box: be new"))
    assert verdict(review(first, second), asked()).outcome is Outcome.ADDRESSED


def test_a_file_that_the_whole_series_left_out_was_withdrawn() -> None:
    other = {"drivers/demo/lid.c": ("", "int lid;\n")}
    first = revision("v1", patch("v1@x", 1, {PATH: (BEFORE, V1), **other}))
    second = revision("v2", patch("v2@x", 2, other))
    found = verdict(review(first, second), asked())
    assert (found.outcome, found.evidence) == (Outcome.ADDRESSED, ("file withdrawn",))
    part = replace(second, revision=replace(second.revision, complete=False))
    assert verdict(review(first, part), asked()).outcome is Outcome.UNKNOWN


def test_a_diff_in_a_reply_may_answer_a_comment_and_leaves_none_open() -> None:
    first = revision("v1", patch("v1@x", 1, {PATH: (BEFORE, V1)}))

    def aside(after: str) -> Review:
        part = patch("re@x", 2, {PATH: (BEFORE, after)}, title="Re: box")
        return review(first, revision("v1.1", part, answers="v1"))

    fixed = verdict(aside(V1.replace(LEAK, "\t\tgoto free_lid;")), asked())
    assert (fixed.outcome, fixed.revision) == (Outcome.ADDRESSED, "v1.1")
    assert verdict(aside(V1), asked()).outcome is Outcome.UNKNOWN


def test_a_comment_on_a_diff_in_a_reply_is_followed_into_the_next_version() -> None:
    first = revision("v1", patch("v1@x", 1, {PATH: (BEFORE, BEFORE + "int more;\n")}))
    part = patch("re@x", 2, {PATH: (BEFORE, V1)}, title="Re: box: forget stale lids")
    v2 = revision("v2", patch("v2@x", 3, {PATH: (BEFORE, V1.replace("users++", "users += 1"))}))
    said = comment("Use += here.", V1, "users++", patch_id="re@x")
    found = verdict(review(first, revision("v1.1", part, answers="v1"), v2), said)
    assert (found.outcome, found.revision) == (Outcome.ADDRESSED, "v2")


def test_a_removed_line_that_is_kept_now_was_addressed() -> None:
    gone = BEFORE.replace("\tif (!b)\n\t\treturn -EINVAL;\n", "\terr = 0;\n")
    said = comment("Why do you drop this?", BEFORE, "\tif (!b)", side=Side.OLD)
    kept = BEFORE.replace("\treturn 0;", "\terr = 0;\n\treturn err;")
    assert verdict(rounds((BEFORE, gone), (BEFORE, kept)), said).outcome is Outcome.ADDRESSED
    assert verdict(rounds((BEFORE, gone), (BEFORE, gone)), said).outcome is Outcome.OPEN


def test_a_context_line_that_is_not_shown_any_more_is_not_gone() -> None:
    said = comment("What about this one?", V1, "int box_open(")
    v2 = BEFORE + "int more;\n"
    found = verdict(rounds((BEFORE, V1.replace("\tint err;\n", "")), (BEFORE, v2)), said)
    assert found.outcome is Outcome.UNKNOWN


RULE = "err/leak-on-error"
LEAKS = finding(RULE, "b->lid leaks on this error path", V1, LEAK, fingerprint="leak")


def test_a_comment_is_addressed_when_the_rule_that_agreed_is_silent() -> None:
    v2 = V1.replace("\treturn -EINVAL;\n", "\treturn -EINVAL;\n\tguard(box)(b);\n")
    found = verdict(rounds((BEFORE, V1), (BEFORE, v2), findings={1: [LEAKS]}), asked())
    assert found.outcome is Outcome.ADDRESSED
    assert "the rule has nothing to say any more" in found.evidence


def test_a_comment_is_not_addressed_as_long_as_the_rule_that_agreed_speaks() -> None:
    v2 = V1.replace(LEAK, "\t\treturn -EIO;")
    still = finding(RULE, "b->lid leaks on this error path", v2, "return -EIO", fingerprint="l2")
    found = verdict(rounds((BEFORE, V1), (BEFORE, v2), findings={1: [LEAKS], 2: [still]}), asked())
    assert found.outcome is Outcome.UNKNOWN
    same = rounds((BEFORE, V1), (BEFORE, V1), findings={1: [LEAKS], 2: [LEAKS]})
    assert verdict(same, asked()).outcome is Outcome.OPEN


def test_many_comments_on_a_huge_patch_are_judged_in_time() -> None:
    lines = "".join(f"\tbox_set(b, {n}, {n % 7});\n" for n in range(5000))
    one = BEFORE.replace("\treturn 0;", lines + "\treturn 0;")
    two = one.replace(", 3);", ", 4);")
    assert diff({PATH: (BEFORE, one)})
    said = [
        comment("Is box_size() right?", one, f"(b, {n},", name=f"c{n}@y#1")
        for n in range(0, 5000, 25)
    ]
    found = rounds((BEFORE, one), (BEFORE, two))
    start = time.process_time()
    judged = outcomes(found, said, agree(found, said))
    assert time.process_time() - start < 3
    assert len(judged) == len(said)
