from __future__ import annotations

import time

import pytest

from reviewer.mail.comment import Kind
from reviewer.mail.kinds import kind_of
from reviewer.mail.topics import MOST_TOPICS, topics_of


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("nit: no space before the comma", Kind.NIT),
        ("Typo: s/recieve/receive/", Kind.NIT),
        ("Stray blank line.", Kind.NIT),
        ("NAK, user space relies on the old value.", Kind.OBJECTION),
        ("This leaks the lid when the second allocation fails.", Kind.OBJECTION),
        ("What prevents the box from being freed here, isn't that a race?", Kind.OBJECTION),
        ("That is wrong, the lid may be NULL by now.", Kind.OBJECTION),
        ("What is the unit of this value?", Kind.QUESTION),
        ("Could you use a plain counter for this?", Kind.SUGGESTION),
        ("You can also use list_move() to do both at once, but otherwise the patch\nlooks fine.\n"
         "Thanks,\nRex", Kind.SUGGESTION),
        ("Please use the helper instead.", Kind.SUGGESTION),
        ("Looks good to me, thanks for fixing this!", Kind.AGREEMENT),
        ("Yes, makes sense.", Kind.AGREEMENT),
        ("Right.", Kind.AGREEMENT),
        ("Both look good to me now.", Kind.AGREEMENT),
        ("Reviewed-by: Rex Example <rex@example.org>", Kind.AGREEMENT),
        ("Feel free to add\n\nReviewed-by: Rex Example <rex@example.org>", Kind.AGREEMENT),
        ("Thank you for the review.", Kind.THANKS),
        ("Thanks!", Kind.THANKS),
        ("Applied, thanks!", Kind.PROCESS),
        ("Please add a Fixes: tag.", Kind.PROCESS),
        ("Could you split this into two patches?", Kind.PROCESS),
        ("This goes over the wire.", Kind.REMARK),
        ("", Kind.REMARK),
    ],
)  # fmt: skip
def test_what_a_comment_does_is_read_from_its_words(text: str, kind: Kind) -> None:
    assert kind_of(text) is kind


def test_praise_at_the_end_does_not_hide_what_a_comment_wants() -> None:
    assert kind_of("The unlock is missing here. Otherwise looks good.") is Kind.OBJECTION
    assert kind_of("Rest looks good.") is Kind.AGREEMENT


def test_a_nak_on_the_bus_is_no_objection() -> None:
    assert kind_of("The device answers with a NAK until its buffer is empty.") is Kind.REMARK


@pytest.mark.parametrize(
    ("text", "code", "first"),
    [
        ("You walk this without rcu_read_lock().", "", "rcu"),
        ("The lock is still held when you return.", "return -EINVAL;", "locking"),
        ("You cannot sleep here, this is atomic context.", "msleep(10);", "atomic"),
        ("READ_ONCE() is missing.", "n = box->lids;", "lockless"),
        ("This is a use after free.", "box->lid = 0;", "life"),
        ("The error code is lost, the return value should be propagated.", "return 0;", "err"),
        ("It can be NULL.", "lid->size = 1;", "ptr"),
        ("This may overflow, use struct_size().", "kmalloc(a + b * n)", "mem"),
        ("Use strscpy().", "strcpy(a, b);", "str"),
        ("The timer may still be running.", "kfree(box);", "async"),
        ("Please add a Fixes: tag.", "", "process"),
        ("copy_to_user() leaks the padding to userspace", "", "uapi"),
    ],
)
def test_the_topic_of_a_comment_is_the_family_of_the_rule_that_says_the_same(
    text: str, code: str, first: str
) -> None:
    assert topics_of(text, code)[0] == first


def test_a_warning_of_races_is_about_what_the_code_below_uses() -> None:
    said = "This is not safe against a concurrent close."
    assert "rcu" in topics_of(said, "list_for_each_entry_rcu(lid, &box->lids, node)")
    assert "rcu" not in topics_of(said, "box->count++;")


@pytest.mark.parametrize(
    "text",
    [
        "Feel free to send this as it is.",
        "In this context the name is confusing.",
        "Did you test it?",
        "Why?",
        "",
    ],
)
def test_everyday_words_make_no_topic(text: str) -> None:
    assert topics_of(text, "spin_lock(&box->lock);") == ()


def test_the_code_alone_makes_no_topic() -> None:
    assert topics_of("I would call this lid_count.", "rcu_read_lock();") == ()


def test_a_comment_about_everything_has_few_topics() -> None:
    said = "RCU, locks, sleeping, barriers, leaks, errno, NULL, overflow, userspace, timers, probe"
    assert len(topics_of(said, "")) == MOST_TOPICS


def test_a_hostile_text_is_classified_at_once() -> None:
    start = time.process_time()
    for text in ("otherwise " * 100_000, "\n" * 1_000_000, "a_" * 500_000, "s/a" * 300_000,
                 "?" * 1_000_000, " if (" * 100_000, "very small " * 100_000):  # fmt: skip
        kind_of(text)
        topics_of(text, text)
    assert time.process_time() - start < 1
