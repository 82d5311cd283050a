"""Reply drafts: what they quote of a patch, where the remarks stand, and which are written."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reviewer.mail.mbox import split
from reviewer.mail.message import read
from reviewer.mail.quote import review_comments
from reviewer.mail.thread import group
from reviewer.model import Confidence, Side
from reviewer.report.mail import draft, mailbox, render
from reviewer.review import EVERYTHING, PatchReview, Review, RevisionReview, Threshold
from reviewer.run import Request, review
from tests.lamp import HEAD, OLGA, ROWS, diff, drafted, evidence, found, parsed, patched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.review import Annotation

THREADS = Path(__file__).parent.parent / "fixtures" / "threads"


def test_a_remark_stands_below_its_line_and_the_rest_of_the_hunk_is_left_out() -> None:
    assert drafted(found(47, "lamp->wick = kzalloc(...)")) == (
        "On Fri, Jan 16, 2026 at 10:08 PM +0800, Ada Example wrote:\n"
        "> diff --git a/drivers/lamp.c b/drivers/lamp.c\n"
        "> @@ -40,3 +40,13 @@ int lamp_dim(struct lamp *lamp)\n"
        "[ ... ]\n"
        "> +int lamp_light(struct lamp *lamp)\n"
        "> +{\n"
        "> +\tspin_lock(&lamp->lock);\n"
        "> +\tlamp->wick = kzalloc(sizeof(*lamp->wick), GFP_KERNEL);\n"
        "\n"
        "Can this sleep here? kzalloc() with GFP_KERNEL can sleep, and lamp->lock\n"
        "is held here.\n"
        "\n"
        "Maybe move it out of the section?\n"
        "\n"
    )


def test_a_second_remark_goes_on_where_the_first_one_ended() -> None:
    text = drafted(found(47), found(49, message="this return leaves lamp->lock held", fix=None))
    rest = text.partition("section?\n")[2]
    assert rest.startswith("\n> +\tif (!lamp->wick)\n> +\t\treturn -ENOMEM;\n\nCan this")


def test_a_long_function_is_quoted_by_its_head_and_the_last_rows() -> None:
    body = [f"+\tstep({number});" for number in range(100)]
    text = drafted(found(140), text=diff([*ROWS[:6], *body, *ROWS[6:]]))
    quoted = [line for line in text.splitlines() if line.startswith((">", "["))]
    assert quoted[2:5] == ["[ ... ]", "> +int lamp_light(struct lamp *lamp)", "[ ... ]"]
    assert quoted[5:] == [f"> +\tstep({number});" for number in range(87, 95)]


def test_only_files_and_hunks_that_have_something_are_quoted() -> None:
    two = diff() + diff(start=90).partition("+++ b/drivers/lamp.c\n")[2]
    text = diff(path="a.c") + two + diff(path="z.c")
    quoted = drafted(found(97), found(47, path="z.c"), text=text)
    assert re.findall(r"^(?:> diff|> @@|\[).*", quoted, re.MULTILINE) == [
        "> diff --git a/drivers/lamp.c b/drivers/lamp.c",
        "[ ... ]",
        "> @@ -90,3 +90,13 @@ int lamp_dim(struct lamp *lamp)",
        "[ ... ]",
        "[ ... ]",
        "> diff --git a/z.c b/z.c",
        "> @@ -40,3 +40,13 @@ int lamp_dim(struct lamp *lamp)",
        "[ ... ]",
    ]


def test_a_remark_on_a_removed_line_stands_below_it() -> None:
    rows = [" \ta();", "-\tb();", "+\tc();", " \td();"]
    text = drafted(found(41, side=Side.OLD, function=None), text=diff(rows))
    assert "> -\tb();\n\nCan this" in text
    assert "c();" not in text


def test_code_that_the_patch_does_not_show_is_named_by_its_function_and_quoted() -> None:
    text = drafted(found(900, "\tlamp_off(lamp);", function="lamp_exit"))
    assert (
        "> +}\n\nIn lamp_exit(), outside of this hunk:\n\n  lamp_off(lamp);\n\nCan this sleep"
        in text
    )


def test_a_file_that_was_only_renamed_can_have_a_remark() -> None:
    text = "diff --git a/a.c b/b.c\nsimilarity index 100%\nrename from a.c\nrename to b.c\n"
    body = drafted(found(3, "\tx();", path="b.c"), text=text)
    assert "> diff --git a/a.c b/b.c\n\nIn lamp_light(), outside" in body


def test_a_remark_that_repeats_itself_is_said_in_full_once() -> None:
    text = drafted(found(47), found(49))
    assert text.count("Can this sleep") == 1
    assert "return -ENOMEM;\n\nSame here.\n" in text


def test_escape_codes_in_code_and_words_are_spelled_out() -> None:
    rows = ['+\tputs("\x1b[2J\u202e");']
    text = drafted(found(40, message="\x1b[31m is printed\x07", function="\x1b"), text=diff(rows))
    assert "\\x1b[2J\\u202e" in text
    assert "\\x1b[31m is printed\\x07" in text
    assert all(c.isprintable() or c in "\n\t" for c in text)


def test_evidence_that_is_quoted_just_above_is_not_repeated() -> None:
    held = evidence(46, "spin_lock() is called here", "\tspin_lock(&lamp->lock);")
    text = drafted(found(47, evidence=(held,)))
    assert text.count("spin_lock(&lamp->lock)") == 1
    assert "is called here" not in text


def quoted_places(text: str) -> list[tuple[str, str]]:
    """Path and text of the quoted row above each remark, as a person reads it."""
    path, above, places = "", "", []
    for line in text.splitlines():
        if line.startswith("> diff --git "):
            path = line.rpartition(" b/")[2]
        if line.startswith("> "):
            above = line[3:]
        elif not line and above:
            places.append((path, above))
            above = ""
    return places


def shown_patches(result: Review) -> Iterator[tuple[PatchReview, list[Annotation]]]:
    """The patches that get a draft, with what it says."""
    for revision in result.revisions:
        for patch in revision.patches:
            if shown := [each for each in patch.annotations if EVERYTHING.shows(each)]:
                yield patch, shown


@pytest.mark.parametrize("name", sorted(path.name for path in THREADS.iterdir()))
def test_the_drafts_of_a_thread_put_every_remark_below_the_code_it_is_about(name: str) -> None:
    result = review(Request((str(THREADS / name / "thread.mbox"),), use_tree=False)).review
    drafts = render(result, EVERYTHING)
    for (_, shown), made in zip(shown_patches(result), drafts, strict=True):
        places = {(each.finding.span.path, each.finding.span.code) for each in shown}
        assert set(quoted_places(made.content.decode())) == places


@pytest.mark.parametrize("name", sorted(path.name for path in THREADS.iterdir()))
def test_a_draft_in_the_thread_is_read_as_comments_on_the_same_lines(name: str) -> None:
    thread = THREADS / name / "thread.mbox"
    result = review(Request((str(thread),), use_tree=False)).review
    mails = [read(raw) for raw in split(thread.read_bytes())]
    patches = [patch for revision in result.revisions for patch in revision.patches]
    files = {each.patch.message_id: tuple(file.file for file in each.files) for each in patches}
    for patch, shown in shown_patches(result):
        content = draft(patch, shown, OLGA)
        assert content is not None
        answer = read(b"Message-ID: <draft@x>\nDate: Fri, 1 Jan 2027 00:00:00 +0000\n" + content)
        comments = review_comments(group([*mails, answer]), files)
        said = [each for each in comments if each.message_id == "draft@x"]
        anchored = {(each.patch, each.anchor.path, each.anchor.last) for each in said}
        spans = [each.finding.span for each in shown]
        assert anchored == {(patch.patch.message_id, span.path, span.line) for span in spans}
        for span in spans:
            assert any(each.anchor.holds(span.path, span.line, span.side) for each in said)


def series(*revisions: tuple[str, list[PatchReview]], answers: str | None = None) -> Review:
    made = []
    for label, patches in revisions:
        found = group([read((HEAD + diff()).encode())]).revisions[0]
        aside = answers if "." in label else None
        made.append(RevisionReview(replace(found, label=label, answers=aside), tuple(patches)))
    return Review((), tuple(made))


def test_a_remark_that_a_person_made_is_left_out_and_so_is_an_empty_reply() -> None:
    reviewed = series(("v2", [patched(found(47), found(49, "x"))]))
    (first,) = render(reviewed, Threshold(), lambda label, each: each.finding.span.line == 47)
    assert b"Can this sleep" in first.content
    assert b"kzalloc(sizeof" in first.content  # quoted, not remarked on
    assert first.content.count(b"Can this sleep") == 1
    assert render(reviewed, Threshold(), lambda label, each: label == "v2") == ()


def test_what_is_below_the_threshold_is_not_said() -> None:
    hunch = replace(found(47), confidence=Confidence.HUNCH)
    reviewed = series(("v2", [patched(hunch)]))
    assert render(reviewed, Threshold()) == ()
    assert len(render(reviewed, EVERYTHING)) == 1


def test_what_is_still_there_in_the_next_version_is_only_said_there() -> None:
    again, gone = found(47), found(49, "x", rule="rcu/gone")
    reviewed = series(("v2", [patched(again, gone)]), ("v3", [patched(again)]))
    old, new = render(reviewed, Threshold())
    assert b"Is this safe under RCU?" in old.content
    assert b"Can this sleep" not in old.content
    assert b"Can this sleep" in new.content


def test_a_diff_in_a_reply_that_repeats_the_patch_is_not_told_twice() -> None:
    reviewed = series(("v2", [patched(found(47))]), ("v2.1", [patched(found(47))]), answers="v2")
    assert [each.name[:7] for each in render(reviewed, Threshold())] == ["v2-0003"]


def test_the_files_have_names_that_are_safe_and_unique() -> None:
    evil = HEAD.replace(
        "lamp: light the wick", "../../etc: \x1b `rm -rf` $HOME \u706f " + "x" * 300
    )
    patches = [
        patched(found(47, rule=f"a/{n}"), head=head) for n, head in enumerate([HEAD, HEAD, evil])
    ]
    names = [each.name for each in render(series(("v1 (rfc)/..", patches)), Threshold())]
    assert names[:2] == [
        "v1-rfc-0003-lamp-light-the-wick.eml",
        "v1-rfc-0003-lamp-light-the-wick-2.eml",
    ]
    assert all(
        re.fullmatch(r"v1[A-Za-z0-9][\w.-]{0,80}\.eml|v1-[\w.-]{1,80}\.eml", n) for n in names
    )
    assert len(set(names)) == 3


def test_all_drafts_can_be_read_as_one_mailbox() -> None:
    drafts = render(series(("v2", [patched(found(47)), patched(found(47))])), Threshold())
    mails = split(mailbox(drafts))
    assert [read(each).body.strip() for each in mails] == [
        read(each.content).body.strip() for each in drafts
    ]
    assert len(mails) == 2


def test_many_remarks_on_a_huge_hunk_are_drafted_in_time() -> None:
    rows = [f"+\tstep({number});" for number in range(10_000)]
    many = [found(40 + number, message=f"m{number}") for number in range(0, 10_000, 10)]
    far = [found(20_000 + number, message=f"f{number}") for number in range(100)]
    reviewed = patched(*many, *far, text=diff(rows))
    start = time.process_time()
    content = draft(reviewed, [*many, *far])
    assert time.process_time() - start < 2.0
    assert content is not None
    assert content.count(b"Can this sleep") == 1100


def test_a_line_of_a_megabyte_is_quoted_whole_and_stays_a_mail() -> None:
    row = "+\t" + "x" * 1_000_000
    content = draft(patched(found(40), text=diff([row])), [found(40)])
    message = parsed(content)
    assert message["Content-Transfer-Encoding"] == "quoted-printable"
    assert f"> {row}\n" in message.get_content()
