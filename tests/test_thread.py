"""A mailbox becomes the revisions that its people posted."""

from __future__ import annotations

import gzip
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reviewer.mail import mbox
from reviewer.mail.message import Attachment, Message, read
from reviewer.mail.subject import parse
from reviewer.mail.thread import Origin, Thread, group

SHARED = Path(__file__).parents[2] / "shared"  # real threads, where they are at hand
START = datetime(2026, 1, 16, 12, 0, tzinfo=UTC)


def diff(number: int = 1, path: str = "lamp.c") -> str:
    return (
        f"diff --git a/{path} b/{path}\nindex 1111111..2222222 100644\n--- a/{path}\n+++ b/{path}\n"
        f"@@ -1,2 +1,2 @@\n int lamp;\n-int wick;\n+int wick = {number};\n"
    )


def mail(
    name: str,
    subject: str,
    body: str = "",
    *,
    to: str | None = None,
    minute: float = 0,
    address: str = "ada@example.org",
    files: tuple[Attachment, ...] = (),
    references: tuple[str, ...] = (),
) -> Message:
    return Message(
        message_id=name,
        subject=subject,
        author=address.partition("@")[0].title(),
        address=address,
        date=START + timedelta(minutes=minute),
        in_reply_to=to,
        references=references,
        body=body,
        attachments=files,
    )


def patch(name: str, subject: str, *, to: str | None = None, minute: float = 0) -> Message:
    above = f"Why {name}.\n\nSigned-off-by: Ada\n---\n lamp.c | 2 +-\n\n"
    body = f"{above}{diff(hash_of(name))}-- \n2.43.0\n"
    return mail(name, subject, body, to=to, minute=minute)


def hash_of(name: str) -> int:
    return int.from_bytes(name.encode(), "big")


def labels(thread: Thread) -> list[str]:
    return [revision.label for revision in thread.revisions]


def places(thread: Thread) -> list[list[str]]:
    return [[patch.message_id for patch in revision.patches] for revision in thread.revisions]


def attached(name: str, text: str) -> Attachment:
    return Attachment(name, "text/x-patch", text)


def test_a_thread_of_the_usual_shape_gives_every_revision_that_was_ever_shown() -> None:
    reply = "> quoted\n\nLike this?\n\n" + diff(21)
    file = "From: Ada <ada@example.org>\nSubject: [PATCH] lamp: attached\n\nWhy.\n---\n\n" + diff(
        22
    )
    thread = group(
        [
            mail("c2", "[PATCH v2 0/2] lamp: light", "Cover.\n"),
            patch("p1", "[PATCH 1/2] lamp: one", to="c2", minute=1),
            patch("p2", "[PATCH 2/2] lamp: two", to="c2", minute=2),
            mail("r1", "Re: [PATCH 1/2] lamp: one", "> +x\n\nNo.\n", to="p1", minute=60),
            mail("r2", "Re: [PATCH 1/2] lamp: one", reply, to="r1", minute=90),
            mail("r3", "Re: [PATCH 1/2] lamp: one", "> x\n", to="r2", minute=95),
            mail("r4", "Re: [PATCH 1/2] lamp: one", "See.", to="r3", minute=99,
                 files=(attached("0001-lamp.patch", file),)),
            mail("c3", "[PATCH v3 0/2] lamp: renamed", "Cover.\n", minute=200),
            patch("q1", "[PATCH v3 1/2] lamp: one", to="c3", minute=201),
            patch("q2", "[PATCH v3 2/2] lamp: two", to="c3", minute=202),
        ]
    )  # fmt: skip
    assert labels(thread) == ["v2", "v2.1", "v2.2", "v3"]
    assert places(thread) == [["p1", "p2"], ["r2"], ["r4"], ["q1", "q2"]]
    v2, inline, attachment, v3 = thread.revisions
    assert (v2.message_id, v2.subject, v2.version, v2.complete) == (
        "c2", "[PATCH v2 0/2] lamp: light", 2, True
    )  # fmt: skip
    assert v2.cover is not None
    assert inline.patches[0].origin is Origin.INLINE
    assert (inline.answers, inline.patches[0].description) == ("v2", "Like this?")
    assert inline.reply is not None
    assert attachment.patches[0].origin is Origin.ATTACHMENT
    assert attachment.patches[0].subject == "[PATCH] lamp: attached"
    assert [message.message_id for message in thread.replies] == ["r1", "r3"]
    assert v3.answers is None
    assert thread.problems == ()


def test_a_patch_knows_where_its_diff_stands_and_what_describes_it() -> None:
    (revision,) = group([patch("p", "[PATCH] lamp: fix")]).revisions
    (found,) = revision.patches
    assert found.description == "Why p.\n\nSigned-off-by: Ada"
    assert found.diff == diff(hash_of("p"))
    assert found.diff_line == 7
    assert (found.position, found.of, found.origin) == (1, 1, Origin.MAIL)


def test_the_author_in_the_body_is_the_author_of_the_patch() -> None:
    body = "From: Bo Example <bo@example.org>\n\nWhy.\n---\n" + diff()
    (revision,) = group([mail("p", "[PATCH] x", body)]).revisions
    assert (revision.author, revision.patches[0].author) == ("Ada", "Bo Example")
    assert revision.patches[0].description == "Why."


def test_the_order_of_the_mailbox_does_not_matter() -> None:
    mails = [
        mail("c", "[PATCH v2 0/2] s", minute=0),
        patch("p1", "[PATCH 1/2] a", to="c", minute=1),
        patch("p2", "[PATCH 2/2] b", to="c", minute=1),
        mail("r", "Re: [PATCH 2/2] b", "x\n" + diff(7), to="p2", minute=9),
    ]
    assert group(mails) == group(mails[::-1])
    assert labels(group(mails)) == ["v2", "v2.1"]


def test_patches_threaded_under_each_other_are_one_series() -> None:
    thread = group(
        [
            patch("p1", "[PATCH v3 1/3] a"),
            patch("p2", "[PATCH 2/3] b", to="p1", minute=1),
            patch("p3", "[PATCH 3/3] c", to="p2", minute=2),
        ]
    )
    assert places(thread) == [["p1", "p2", "p3"]]
    assert labels(thread) == ["v3"]


def test_a_new_version_in_the_same_thread_is_a_revision_of_its_own() -> None:
    thread = group(
        [
            mail("c1", "[PATCH net,v1 0/2] s"),
            patch("p1", "[PATCH net,v1 1/2] a", to="c1", minute=1),
            patch("p2", "[PATCH net,v1 2/2] b", to="c1", minute=2),
            patch("q1", "[PATCH net,v2 1/2] a", to="c1", minute=100),
            patch("q2", "[PATCH net,v2 2/2] b", to="c1", minute=101),
        ]
    )
    assert labels(thread) == ["v1", "v2"]
    assert [revision.complete for revision in thread.revisions] == [True, True]
    assert thread.revisions[1].cover is None


def test_one_patch_sent_anew_in_reply_is_a_partial_revision() -> None:
    thread = group(
        [
            patch("p1", "[PATCH 1/2] a"),
            patch("p2", "[PATCH 2/2] b", to="p1", minute=1),
            patch("q2", "[PATCH v2 2/2] b", to="p2", minute=100),
        ]
    )
    assert labels(thread) == ["v1", "v2"]
    assert [revision.complete for revision in thread.revisions] == [True, False]
    assert thread.revisions[1].patches[0].position == 2


def test_patches_sent_anew_in_reply_to_each_of_the_old_ones_come_together() -> None:
    thread = group(
        [
            patch("p1", "[PATCH 1/2] a"),
            patch("p2", "[PATCH 2/2] b", to="p1", minute=1),
            patch("q1", "[PATCH v2 1/2] a", to="p1", minute=100),
            patch("q2", "[PATCH v2 2/2] b", to="p2", minute=101),
        ]
    )
    assert places(thread) == [["p1", "p2"], ["q1", "q2"]]


def test_siblings_of_a_missing_cover_letter_are_one_series() -> None:
    thread = group(
        [
            patch("p1", "[PATCH 1/3] a", to="gone", minute=1),
            patch("p3", "[PATCH 3/3] c", to="gone", minute=3),
        ]
    )
    assert places(thread) == [["p1", "p3"]]
    assert not thread.revisions[0].complete


def test_a_series_sent_without_threading_comes_together() -> None:
    thread = group([patch(f"p{n}", f"[PATCH {n}/3] x", minute=n) for n in (1, 2, 3)])
    assert places(thread) == [["p1", "p2", "p3"]]


def test_parts_of_two_series_on_different_days_stay_apart() -> None:
    thread = group([patch("p1", "[PATCH 1/3] x"), patch("p2", "[PATCH 2/3] y", minute=5000)])
    assert labels(thread) == ["v1", "v1-2"]


def test_files_of_format_patch_are_one_series_whoever_wrote_them() -> None:
    data = b"".join(
        b"From %s Mon Sep 17 00:00:00 2001\nFrom: %s <%s@x>\nSubject: [PATCH %d/2] x\n\n%s\n"
        % (author * 40, author, author, number, diff(number).encode())
        for number, author in ((1, b"a"), (2, b"b"))
    )
    (revision,) = group(map(read, mbox.split(data))).revisions
    assert [patch.author for patch in revision.patches] == ["a", "b"]
    assert {patch.origin for patch in revision.patches} == {Origin.COMMIT}
    assert revision.complete


def test_two_unrelated_patches_in_one_mailbox_are_two_revisions() -> None:
    thread = group([patch("p", "[PATCH] lamp: a"), patch("q", "[PATCH] wick: b", minute=1)])
    assert labels(thread) == ["v1", "v1-2"]


def test_a_resend_beside_the_original_is_named_as_one() -> None:
    thread = group(
        [
            patch("p1", "[PATCH 1/2] a"),
            patch("p2", "[PATCH 2/2] b", to="p1", minute=1),
            patch("q1", "[PATCH RESEND 1/2] a", minute=100),
            patch("q2", "[PATCH RESEND 2/2] b", to="q1", minute=101),
        ]
    )
    assert labels(thread) == ["v1", "v1 (resend)"]
    assert places(thread) == [["p1", "p2"], ["q1", "q2"]]


def test_the_same_patch_again_is_a_resend_without_the_word() -> None:
    first = mail("p", "[PATCH] x", diff())
    thread = group([first, mail("q", "[PATCH] x", diff(), minute=9000)])
    assert labels(thread) == ["v1", "v1 (resend)"]


def test_the_same_fix_for_two_trees_is_no_resend() -> None:
    mails = [mail(tree, f"[PATCH {tree}] x", diff()) for tree in ("5.10.y", "5.15.y")]
    assert labels(group(mails)) == ["v1", "v1-2"]


def test_series_for_two_trees_in_one_thread_do_not_mix() -> None:
    thread = group(
        [
            patch("a1", "[PATCH 5.10 1/2] a"),
            patch("b1", "[PATCH 5.15 1/2] a", to="a1", minute=1),
            patch("a2", "[PATCH 5.10 2/2] b", to="a1", minute=2),
            patch("b2", "[PATCH 5.15 2/2] b", to="b1", minute=3),
        ]
    )
    assert places(thread) == [["a1", "a2"], ["b1", "b2"]]


def test_a_series_sent_again_under_its_own_cover_letter_is_complete_twice() -> None:
    mails = [mail("c", "[PATCH 0/2] s")]
    for minute, name in ((1, "p"), (500, "q")):
        mails += [
            patch(f"{name}{n}", f"[PATCH {n}/2] x", to="c", minute=minute + n) for n in (1, 2)
        ]
    assert places(group(mails)) == [["p1", "p2"], ["q1", "q2"]]


def test_an_rfc_beside_the_first_version_is_told_apart() -> None:
    thread = group([patch("p", "[RFC PATCH] x"), patch("q", "[PATCH] x", minute=9000)])
    assert labels(thread) == ["v1 (rfc)", "v1"]
    assert labels(group([patch("p", "[RFC PATCH] x")])) == ["v1"]


def test_the_same_mail_from_two_lists_counts_once() -> None:
    thread = group([patch("p", "[PATCH] x"), patch("p", "[list] [PATCH] x")])
    assert places(thread) == [["p"]]


def test_a_patch_numbered_beyond_the_end_is_kept() -> None:
    thread = group(
        [
            mail("c", "[PATCH 0/2] s"),
            patch("p1", "[PATCH 1/2] a", to="c", minute=1),
            patch("p2", "[PATCH 2/2] b", to="c", minute=2),
            patch("p3", "[PATCH 3/2] c", to="c", minute=30),
        ]
    )
    assert places(thread) == [["p1", "p2", "p3"]]
    assert thread.revisions[0].complete


def test_a_patch_zero_beside_the_cover_letter_goes_first() -> None:
    thread = group(
        [
            mail("c", "[PATCH v3 0/1] s"),
            patch("p1", "[PATCH v3 1/1] a", to="c", minute=1),
            patch("p0", "[PATCH v3 0/1] prepare", to="c", minute=100),
        ]
    )
    assert places(thread) == [["p0", "p1"]]
    assert thread.revisions[0].cover is not None


@pytest.mark.parametrize("above", ["Interdiff against v1:\n", "All in all:\n\n"])
def test_a_diff_in_the_cover_letter_is_no_patch(above: str) -> None:
    thread = group(
        [
            mail("c", "[PATCH v2 0/1] s", above + diff()),
            patch("p1", "[PATCH v2 1/1] a", to="c", minute=1),
        ]
    )
    assert places(thread) == [["p1"]]
    assert thread.revisions[0].message_id == "c"


def test_a_mail_without_number_that_the_patches_answer_is_their_cover_letter() -> None:
    thread = group(
        [
            mail("c", "[RFC v2] light all lamps", "Words.\n"),
            patch("p1", "[PATCH 1/2] a", to="c", minute=1),
            patch("p2", "[PATCH 2/2] b", to="c", minute=2),
        ]
    )
    assert labels(thread) == ["v2"]
    assert thread.revisions[0].message_id == "c"
    assert thread.replies == ()


def test_a_question_that_a_series_answers_is_not_its_cover_letter() -> None:
    thread = group(
        [
            mail("q", "lamp does not light", "Why?\n", address="bo@example.org"),
            patch("p1", "[PATCH 1/1] a", to="q", minute=1),
        ]
    )
    assert thread.revisions[0].cover is None
    assert [message.message_id for message in thread.replies] == ["q"]


def test_a_patch_that_hangs_on_an_empty_mail_is_the_patch_itself() -> None:
    thread = group([mail("p", "[PATCH v2 1/2] x", "", files=(attached("x.patch", diff()),))])
    (revision,) = thread.revisions
    assert (revision.label, revision.patches[0].origin) == ("v2", Origin.ATTACHMENT)
    assert (revision.patches[0].position, revision.patches[0].of) == (1, 2)


def test_a_body_that_the_mailer_damaged_gives_way_to_the_attached_original() -> None:
    damaged = diff().replace("int wick = 1;", "int\nwick = 1;")
    thread = group([mail("p", "[PATCH] x", damaged, files=(attached("x.patch", diff()),))])
    (revision,) = thread.revisions
    assert (revision.patches[0].origin, revision.patches[0].diff) == (Origin.ATTACHMENT, diff())


def test_an_attached_copy_of_the_patch_is_not_counted_twice() -> None:
    thread = group([mail("p", "[PATCH] x", diff(), files=(attached("x.patch", diff()),))])
    assert labels(thread) == ["v1"]
    assert thread.revisions[0].patches[0].origin is Origin.MAIL


def test_numbered_attachments_of_a_reply_are_one_revision() -> None:
    files = tuple(attached(f"000{n}-x.patch", diff(n)) for n in (2, 1))
    mails = [patch("p", "[PATCH] x"), mail("r", "Re: [PATCH] x", "See.", to="p", files=files)]
    _, revision = group(mails).revisions
    assert revision.label == "v1.1"
    assert [(patch.position, patch.of) for patch in revision.patches] == [(1, 2), (2, 2)]


def test_attachments_without_numbers_are_alternatives() -> None:
    files = tuple(attached(f"{n}.diff", diff(n)) for n in (2, 1))
    mails = [patch("p", "[PATCH] x"), mail("r", "Re: [PATCH] x", "See.", to="p", files=files)]
    assert labels(group(mails)) == ["v1", "v1.1", "v1.2"]


def test_an_attached_mailbox_gives_all_its_patches_with_their_lines() -> None:
    text = "".join(
        f"From {'a' * 40} Mon Sep 17 00:00:00 2001\nSubject: [PATCH {n}/2] x\n\n{diff(n)}\n"
        for n in (1, 2)
    )
    mails = [patch("p", "[PATCH] x"), mail("r", "Re: x", to="p", files=(attached("m", text),))]
    _, revision = group(mails).revisions
    lines = text.split("\n")
    assert [patch.subject for patch in revision.patches] == ["[PATCH 1/2] x", "[PATCH 2/2] x"]
    assert all(lines[patch.diff_line - 1].startswith("diff --git") for patch in revision.patches)


@pytest.mark.parametrize(
    "body",
    [
        "".join(f"> {line}\n" for line in diff(5).splitlines()) + "\nNo.\n",
        "No.\n\n-----Original Message-----\nFrom: Ada\nSent: Friday\n\n" + diff(5),
        "Fine by me.\n\n" + diff(hash_of("p")),
    ],
)
def test_a_quoted_or_repeated_diff_is_no_revision(body: str) -> None:
    thread = group([patch("p", "[PATCH] x"), mail("r", "Re: [PATCH] x", body, to="p", minute=1)])
    assert labels(thread) == ["v1"]
    assert [message.message_id for message in thread.replies] == ["r"]


def test_a_diff_below_scissors_has_the_subject_that_stands_there() -> None:
    body = "How about:\n\n-- >8 --\nSubject: [PATCH] wick: shorter\n\nWhy.\n---\n" + diff(3)
    mails = [patch("p", "[PATCH] x"), mail("r", "Re: [PATCH] x", body, to="p", minute=1)]
    found = group(mails).revisions[1].patches[0]
    assert (found.subject, found.description) == ("[PATCH] wick: shorter", "Why.")


def test_a_diff_in_a_reply_without_the_word_is_one_all_the_same() -> None:
    mails = [patch("p", "[PATCH v4] x"), mail("r", "another idea", diff(3), to="p", minute=1)]
    assert labels(group(mails)) == ["v4", "v4.1"]


def test_a_diff_in_a_reply_whose_threading_is_broken_finds_its_patch_by_subject() -> None:
    reply = mail("r", "RE: [PATCH v2] lamp: x", diff(3), minute=99)
    thread = group([patch("p", "[PATCH v2] lamp: x"), patch("q", "[PATCH] wick: y"), reply])
    assert labels(thread) == ["v2", "v1", "v2.1"]


def test_a_diff_that_answers_a_patch_which_is_not_here_keeps_its_version() -> None:
    thread = group([mail("r", "Re: [PATCH v5 1/2] x", diff(3), to="gone")])
    assert labels(thread) == ["v5.1"]
    assert thread.revisions[0].answers is None


def test_a_diff_that_answers_a_missing_patch_is_not_given_to_a_stranger() -> None:
    thread = group([patch("p", "[PATCH] y"), mail("r", "Re: [PATCH] x", diff(3), to="gone")])
    assert labels(thread) == ["v1", "v1-2.1"]


def test_a_pull_request_is_reported_and_not_read_as_a_patch() -> None:
    body = (
        "The following changes since commit 0123456789ab:\n\n  x\n\n"
        "are available in the Git repository at:\n\n  git://x y\n\n" + diff()
    )
    for subject in ("[GIT PULL] lamps", "lamps for 7.0"):
        thread = group([mail("p", subject, body)])
        assert thread.revisions == ()
        assert [problem.where for problem in thread.problems] == ["p"]
        assert thread.problems[0].what == f"pull request, not a patch: {subject}"


def test_a_cover_letter_that_also_asks_to_pull_is_a_cover_letter() -> None:
    body = (
        "The following changes since commit 0123456789ab:\n\nare available in the Git repository at"
    )
    mails = [
        mail("c", "[PATCH net 0/1] s", body),
        patch("p1", "[PATCH net 1/1] a", to="c", minute=1),
    ]
    thread = group(mails)
    assert (labels(thread), thread.problems) == (["v1"], ())
    assert group(mails[:1]).problems[0].what.startswith("pull request")


def test_a_cover_letter_alone_is_a_problem_only_when_nothing_else_is_there() -> None:
    cover = mail("c", "[PATCH v2 0/3] s", "Words.")
    (problem,) = group([cover]).problems
    assert problem.what == "cover letter without its patches: [PATCH v2 0/3] s"
    thread = group([cover, patch("p", "[PATCH] x", minute=1)])
    assert (labels(thread), thread.problems, thread.replies) == (["v1"], (), (cover,))


def test_a_patch_mail_without_diff_and_a_thread_without_patch_are_named() -> None:
    assert (
        "no diff in this patch mail" in group([mail("p", "[PATCH 1/2] x", "Oops")]).problems[0].what
    )
    assert group([mail("p", "Hello", "Words")]).problems[0].what == "no patch in this mail"
    talk = [mail("p", "Hello"), mail("q", "Re: Hello", to="p")]
    assert group(talk).problems[0].what == "no patch in any of 2 mails"
    assert group([]).problems == ()


def test_a_wrong_clock_does_not_put_an_answer_before_its_question() -> None:
    reply = mail("r", "Re: [PATCH] x", diff(3), to="p", minute=-500)
    assert labels(group([reply, patch("p", "[PATCH] x")])) == ["v1", "v1.1"]


def test_references_stand_in_for_a_mail_that_is_missing() -> None:
    reply = mail("r", "Re: y", diff(3), to="gone", references=("p", "gone"), minute=3)
    assert labels(group([patch("p", "[PATCH v2] x"), reply])) == ["v2", "v2.1"]


@pytest.mark.parametrize("step", [0, 1, 2, 499])
def test_mails_that_answer_each_other_in_a_circle_end(step: int) -> None:
    mails = [
        mail(f"m{n}", f"[PATCH {n % 3}/2] x", diff(n), to=f"m{(n + step) % 500}")
        for n in range(500)
    ]
    thread = group(mails)
    assert sum(len(revision.patches) for revision in thread.revisions) > 0
    assert len(set(labels(thread))) == len(thread.revisions)


@pytest.mark.parametrize(
    "subject", ["Re: [PATCH] x", "[PATCH 1/2] x", "[PATCH RESEND] x", "[PATCH 0/3] x"]
)
def test_ten_thousand_mails_are_grouped_in_linear_time(subject: str) -> None:
    mails = [mail(f"m{n}", subject, diff(n), to=f"m{n - 1}", minute=n) for n in range(10_000)]
    begin = time.process_time()
    thread = group(mails)
    assert time.process_time() - begin < 5
    assert len(set(labels(thread))) == len(thread.revisions)


@pytest.mark.skipif(not (SHARED / "threads").is_dir(), reason="no real threads at hand")
def test_every_revision_of_real_threads_is_found() -> None:
    want = {
        "fuse-backing-close-all": "v2 v2.1 v2.2 v3",
        "real/brd-avoid-extra-xarray-lookups-on-first-write": "v1 v1.1 v2",
        "real/clone3-allow-spawning-processes-into-cgroups": "v1 v2 v3 v4 v4.1 v5 v6",
        "real/io-uring-use-inlined-struct-sqe-submit": "v1 v2 v3",
        "real/netfilter-flowtable-ipip-tunnel-hardware-offload-is-not-yet": "v1 v2",
        "real/ovl-reorder-ovl-want-write-after-ovl-inode-lock": "v1 v2 v3",
    }
    for name, expected in want.items():
        data = (SHARED / "threads" / f"{name}.mbox").read_bytes()
        thread = group(map(read, mbox.split(data)))
        assert labels(thread) == expected.split(), name
        assert thread.problems == ()


@pytest.mark.skipif(not (SHARED / "cases").is_dir(), reason="no real mails at hand")
def test_every_real_patch_mail_gives_one_revision_with_one_patch() -> None:
    for raw in mbox.split(gzip.decompress((SHARED / "cases" / "mail.mbox.gz").read_bytes())):
        message = read(raw)
        thread = group([message])
        if parse(message.subject).reply:
            assert all("." in label for label in labels(thread))
        else:
            assert [len(revision.patches) for revision in thread.revisions] == [1]
