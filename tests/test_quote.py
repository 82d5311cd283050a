"""Comments of real-looking replies stand at the lines that they are about."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from reviewer.mail.comment import Kind, Scope
from reviewer.mail.message import Attachment
from reviewer.model import Side
from tests import talk
from tests.bench_comments import SHARED, cases_of, largest, load, measure, missed
from tests.talk import AUTHOR, CORE, DIFF, HEADER, comments, mail, patch, quote, rows, said

if TYPE_CHECKING:
    from reviewer.mail.comment import ReviewComment

WALK = rows("static void kiln_cool", "tray_empty")
LOCKED = rows("mutex_lock(&k->lock)", "mutex_unlock")


def where(comment: ReviewComment) -> tuple[Scope, str | None, int | None, Side]:
    anchor = comment.anchor
    return anchor.scope, anchor.path, anchor.line, anchor.side


def test_a_comment_stands_at_the_line_that_is_quoted_above_it() -> None:
    (comment,) = said(f"On Monday Mira wrote:\n{quote(WALK)}\nWho holds a lock here?\n")
    assert where(comment) == (Scope.LINE, CORE, 48, Side.NEW)
    assert (comment.anchor.code, comment.text) == (
        "\t\ttray_empty(tray);",
        "Who holds a lock here?",
    )
    assert (comment.anchor.new, comment.anchor.old) == ((43, 48), None)
    assert (comment.anchor.last, comment.anchor.last_side) == (48, Side.NEW)
    assert (comment.id, comment.patch, comment.author) == ("r1#1", "patch", "Otto Brandt")
    assert not comment.by_author


def test_the_words_of_a_comment_choose_among_the_quoted_lines() -> None:
    (comment,) = said(f"{quote(WALK)}\nlist_for_each_entry() needs the lock.\n")
    assert comment.anchor.line == 47
    assert comment.anchor.holds(CORE, 48, Side.NEW)
    assert not comment.anchor.holds(HEADER, 48, Side.NEW)


def test_each_comment_of_a_reply_has_the_lines_since_the_one_before() -> None:
    first, second, third = said(
        f"> {rows('diff --git a/drivers/kiln/core.c')}{quote(WALK)}\nUnlocked?\n\n"
        f"{quote(LOCKED)}\nGood.\n\n{quote(rows('bool door'))}\nA bit would do.\n"
    )
    assert [first.anchor.new, second.anchor.new] == [(43, 48), (49, 51)]
    assert where(third) == (Scope.LINE, HEADER, 10, Side.NEW)
    assert [each.id for each in (first, second, third)] == ["r1#1", "r1#2", "r1#3"]


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        ("no headers", quote(WALK)),
        ("no space", quote(WALK, ">")),
        ("tabs are spaces", quote(WALK.replace("\t", "        "))),
        ("no-break spaces", quote(WALK.replace("\t", "\u00a0"), ">\u00a0")),
        ("bars", quote(WALK, "| ")),
        ("initials", quote(WALK, "MS> ")),
        ("moved", quote(WALK, "   > ")),
        ("two marks", quote(WALK, "> > ")),
        ("no marks", WALK),
        ("snip", quote(rows("static void kiln_cool")) + "[snip]\n" + quote(rows("tray_empty"))),
        ("dots", quote(rows("static void kiln_cool")) + "> [...]\n" + quote(rows("tray_empty"))),
        ("outlook", ""),
    ],
)
def test_quotes_of_any_shape_are_found(shape: str, body: str) -> None:
    if shape == "outlook":
        head = "-----Original Message-----\nFrom: Mira Sand\nSent: Monday\nTo: Otto\nSubject: x\n\n"
        body = head + talk.BODY.partition("+\tmutex_lock")[0]
    rest = talk.BODY.partition("tray_empty(tray);\n")[2] if shape == "outlook" else ""
    found = said(f"{body}\nWho holds a lock here?\n\n{rest}")
    assert [where(each) for each in found] == [(Scope.LINE, CORE, 48, Side.NEW)]
    assert found[0].text == "Who holds a lock here?"


def test_a_wrapped_quote_is_one_line_and_its_rest_is_no_comment() -> None:
    body = (
        "> +\ttray = kiln_first_tray(k, KILN_TRAY_UPPER |\n"
        "KILN_TRAY_LOADED, k->nr_trays);\n> +\tif (!tray)\n> +\t\treturn;\n\nLeaks the tray?\n"
    )
    (comment,) = said(body)
    assert comment.text == "Leaks the tray?"
    assert comment.anchor.new == (52, 54)


def test_prose_that_a_mailer_wrapped_before_a_mark_stays_in_its_comment() -> None:
    (comment,) = said(f"{quote(WALK)}\nThis takes too long with nr_trays\n> 40, as some have.\n"
                      "It needs a worker.\n")  # fmt: skip
    assert "> 40, as some have." in comment.text.split("\n")


def test_of_two_equal_places_the_one_with_the_quoted_neighbours_is_meant() -> None:
    upper, lower = rows("if (!tray)", "return;"), rows("if (k->door)", "return;")
    first, second = said(f"{quote(upper)}\nLeak.\n", f"{quote(lower)}\nLeak.\n")
    assert (first.anchor.last, second.anchor.last) == (54, 57)
    (alone,) = said("> +\t\treturn;\n\nHere?\n")
    assert alone.anchor.guess
    assert not first.anchor.guess


def test_a_comment_below_a_hunk_header_is_about_that_hunk() -> None:
    body = f"{quote(WALK)}> {rows('@@ -80,7')}\nWhy in the same patch?\n"
    (comment,) = said(body)
    assert where(comment) == (Scope.HUNK, CORE, 98, Side.NEW)
    assert comment.anchor.holds(CORE, 101, Side.NEW)
    assert not comment.anchor.holds(CORE, 48, Side.NEW)


def test_comments_on_removed_and_on_context_lines_have_their_side() -> None:
    removed, context = said(
        "> -\tk->target = KILN_DEFAULT;\n\nWho needs this?\n",
        ">  \tplatform_set_drvdata(pdev, k);\n\nToo early.\n",
    )
    assert where(removed) == (Scope.LINE, CORE, 83, Side.OLD)
    assert where(context) == (Scope.LINE, CORE, 102, Side.NEW)
    assert context.anchor.old == (84, 84)


def test_a_comment_below_the_end_of_a_function_names_it() -> None:
    (comment,) = said(f"{quote(rows('tray_put', '+}'))}\nNot nice.\n")
    assert (comment.anchor.last, comment.anchor.function) == (59, "kiln_cool")
    assert comment.anchor.line == 58
    (precise,) = said(f"{quote(rows('tray_put', '+}'))}\ntray_put() sleeps.\n")
    assert (precise.anchor.line, precise.anchor.function) == (58, None)


def test_comments_on_message_and_diffstat_and_file_have_their_scope() -> None:
    message, stat, file = said(
        f"{quote(rows('Trays stay', 'kiln is told'))}\nHow hot?\n\n"
        f"{quote(rows(' drivers/kiln/kiln.h |'))}\nNeeded?\n\n"
        f"{quote(rows('+++ b/drivers/kiln/kiln.h'))}\nWrong file.\n"
    )
    assert where(message)[:3] == (Scope.MESSAGE, None, None)
    assert (
        message.anchor.code == "kiln is told to cool, and remember whether the door was left open."
    )
    assert where(stat)[:3] == (Scope.STAT, HEADER, None)
    assert where(file)[:3] == (Scope.FILE, HEADER, None)


def test_a_message_that_was_wrapped_anew_is_recognised() -> None:
    (comment,) = said("> Trays stay hot for hours after the last firing. Empty them as\n"
                      "> soon as the kiln is told to cool, and remember\n\nHow hot?\n")  # fmt: skip
    assert comment.anchor.scope is Scope.MESSAGE


def test_top_posted_words_are_about_the_patch_as_a_whole() -> None:
    (comment,) = said(f"Looks fine to me.\n\nOn Monday Mira wrote:\n{quote(talk.BODY)}")
    assert where(comment)[:3] == (Scope.PATCH, None, None)
    assert comment.kind is Kind.AGREEMENT


def test_one_remark_above_a_short_quote_is_about_that_code() -> None:
    (comment,) = said(f"This one needs the lock.\n\nOn Monday Mira wrote:\n{quote(WALK)}")
    assert where(comment) == (Scope.LINE, CORE, 48, Side.NEW)


def test_a_remark_below_the_whole_patch_is_about_the_patch() -> None:
    (comment,) = said(f"{quote(talk.BODY)}\nApplied to kiln-next.\n")
    assert comment.anchor.scope is Scope.PATCH


def test_tags_alone_agree_with_the_patch_and_tags_are_no_text_otherwise() -> None:
    tag = "Reviewed-by: Otto Brandt <otto@glaze.example>"
    alone, below = said(f"{quote(WALK)}\n{tag}\n", f"{quote(WALK)}\nRename it.\n\n{tag}\n")
    assert (alone.anchor.scope, alone.kind, alone.text) == (Scope.PATCH, Kind.AGREEMENT, tag)
    assert below.text == "Rename it."


def test_what_cannot_be_placed_is_kept_as_a_comment_on_the_patch() -> None:
    (comment,) = said("> something from another mail\n\nThat other patch leaks.\n")
    assert (comment.anchor.scope, comment.patch) == (Scope.PATCH, "patch")
    assert comment.text == "That other patch leaks."


def test_every_reply_of_a_reviewer_counts() -> None:
    found = said(f"{quote(WALK)}\nUnlocked?\n", f"{quote(LOCKED)}\nAnd this is late.\n")
    assert [(each.message_id, each.anchor.last) for each in found] == [("r1", 48), ("r2", 51)]


def test_an_answer_belongs_to_the_comment_that_it_answers() -> None:
    asked = f"{quote(WALK)}\nWho holds a lock here?\n"
    answer = f"{quote(asked)}\nNobody, will fix.\n"
    first, second = comments(
        patch(), mail("r1", asked), mail("r2", answer, to="r1", author=AUTHOR, minute=5)
    )
    assert (second.answers, second.anchor, second.patch) == (first.id, first.anchor, "patch")
    assert second.by_author
    assert not second.wants


def test_an_answer_to_wrapped_words_is_found_too() -> None:
    asked = f"{quote(WALK)}\nWho holds a lock here, and why is it not taken by the caller?\n"
    answer = "> Who holds a lock here, and why is it not\n> taken by the caller?\n\nNobody.\n"
    first, second = comments(patch(), mail("r1", asked), mail("r2", answer, to="r1", minute=5))
    assert second.answers == first.id


def test_an_answer_that_quotes_nothing_belongs_to_the_only_comment() -> None:
    first, second = comments(
        patch(),
        mail("r1", f"{quote(WALK)}\nWho holds a lock here?\n"),
        mail("r2", "Nobody, will fix.\n", to="r1", author=AUTHOR, minute=5),
    )
    assert (second.answers, second.anchor) == (first.id, first.anchor)


def test_an_answer_among_several_goes_to_the_comment_it_quotes() -> None:
    asked = f"{quote(WALK)}\nUnlocked?\n\n{quote(LOCKED)}\nWhy not WRITE_ONCE()?\n"
    answer = "> Unlocked?\n\nYes.\n\n> Why not WRITE_ONCE()?\n\nRight.\n"
    found = comments(patch(), mail("r1", asked), mail("r2", answer, to="r1", minute=5))
    assert [each.answers for each in found] == [None, None, "r1#1", "r1#2"]
    assert [each.anchor.last for each in found] == [48, 51, 48, 51]


def test_new_code_in_an_answer_is_a_comment_of_its_own() -> None:
    asked = f"{quote(WALK)}\nUnlocked?\n"
    answer = f"{quote(asked)}{quote(LOCKED, '> > ')}\nThis one is late, too.\n"
    found = comments(patch(), mail("r1", asked), mail("r2", answer, to="r1", minute=5))
    assert (found[1].answers, found[1].anchor.last) == (None, 51)


def test_a_cover_letter_is_commented_on_as_such() -> None:
    cover = mail("cover", "The series cools kilns.\n\n-- \n2.47.0\n", to=None, author=AUTHOR,
                 subject="[PATCH 0/1] kiln: cool down")  # fmt: skip
    one = patch(subject="[PATCH 1/1] kiln: empty the trays", to="cover")
    reply = mail("r", "> The series cools kilns.\n\nWhich ones?\n", to="cover", minute=9)
    (comment,) = comments(cover, one, reply)
    assert (comment.anchor.scope, comment.anchor.path) == (Scope.COVER, None)
    assert comment.patch == "cover"


def test_code_quoted_in_an_answer_to_the_cover_letter_is_found_in_its_patch() -> None:
    cover = mail("cover", "The series cools kilns.\n", to=None, author=AUTHOR,
                 subject="[PATCH 0/1] kiln: cool down")  # fmt: skip
    one = patch(subject="[PATCH 1/1] kiln: empty the trays", to="cover")
    reply = mail("r", f"{quote(WALK)}\nUnlocked?\n", to="cover", minute=9)
    (comment,) = comments(cover, one, reply)
    assert (comment.patch, comment.anchor.line) == ("patch", 48)


def changed(diff: str) -> str:
    return diff.replace("+\tmutex_lock(&k->lock);", "+\tspin_lock(&k->lock);")


def test_a_reply_to_a_diff_in_a_reply_is_about_that_diff() -> None:
    counter = mail("r1", f"How about this?\n\n{changed(DIFF)}", minute=1)
    quoted = quote(rows("static void", "tray_empty") + "+\tspin_lock(&k->lock);\n")
    answer = mail("r2", f"> How about this?\n>\n{quoted}\nSleeps.\n", to="r1", minute=2)
    first, second = comments(patch(), counter, answer)
    assert first.text == "How about this?"
    assert (second.patch, second.anchor.line, second.anchor.scope) == ("r1", 49, Scope.LINE)


def test_an_old_patch_and_a_diff_in_a_reply_are_told_apart_in_one_answer() -> None:
    counter = mail("r1", f"{quote(WALK)}\nHow about this?\n\n{changed(DIFF)}", minute=1)
    body = (
        f"{quote(LOCKED, '> > ')}\nThis was fine.\n\n"
        f"{quote(WALK + '+' + chr(9) + 'spin_lock(&k->lock);' + chr(10))}\nSleeps.\n"
    )
    _, old, new = comments(patch(), counter, mail("r2", body, to="r1", minute=2))
    assert (old.patch, old.anchor.last) == ("patch", 51)
    assert (new.patch, new.anchor.last) == ("r1", 49)


def test_an_attached_diff_is_commented_by_the_names_that_it_shares() -> None:
    attachment = Attachment("0001-kiln.patch", "text/x-patch", changed(DIFF))
    sent = mail("r1", "See the attached patch.\n", author=AUTHOR, minute=1, files=(attachment,))
    body = "> See the attached patch.\n\nYou can use kiln_last_tray() instead.\n"
    _, comment = comments(patch(), sent, mail("r2", body, to="r1", minute=2))
    assert (comment.patch, comment.anchor.line, comment.anchor.guess) == ("r1", 52, True)
    assert comment.answers == "r1#1"
    _, vague = comments(patch(), sent, mail("r2", "Better.\n", to="r1", minute=2))
    assert (vague.patch, vague.anchor.scope) == ("r1", Scope.PATCH)


def test_a_hunk_that_the_reviewer_writes_is_not_what_the_comment_says() -> None:
    hunk = "@@ -1,1 +1,1 @@\n-\tmutex_lock(&k->lock);\n+\tguard(mutex)(&k->lock);\n"
    (comment,) = said(f"{quote(LOCKED)}\nShorter:\n\n{hunk}\n")
    assert comment.text == "Shorter:"


def test_an_html_mail_is_commented_like_any_other() -> None:
    html = f"<html><body><blockquote><pre>{WALK}</pre></blockquote><p>Unlocked?</p></body></html>"
    html = html.replace("->", "-&gt;").replace("&k", "&amp;k")
    reply = mail("r1", html, headers="MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8")
    (comment,) = comments(patch(), reply)
    assert (comment.text, comment.anchor.line) == ("Unlocked?", 48)


def test_a_reply_whose_thread_is_broken_is_found_by_its_subject() -> None:
    (comment,) = comments(patch(), mail("r1", f"{quote(WALK)}\nUnlocked?\n", to="lost"))
    assert (comment.patch, comment.anchor.line) == ("patch", 48)


def test_ditto_is_of_the_kind_of_the_comment_before() -> None:
    first, second = said(f"{quote(WALK)}\nnit: rename this.\n\n{quote(LOCKED)}\nDitto.\n")
    assert (first.kind, second.kind) == (Kind.NIT, Kind.NIT)


def test_robots_are_told_from_people() -> None:
    robot = "kernel test robot <lkp@intel.example>"
    text = "All errors (new ones prefixed by >>):\n\n>> core.c:48:2: error: no lock\n"
    report, word = comments(patch(), mail("r1", text, author=robot), mail("r2", "Why?\n", minute=1))
    assert (report.bot, word.bot) == (True, False)
    assert ">> core.c:48:2: error: no lock" in report.text


def test_a_mail_that_says_nothing_gives_no_comment() -> None:
    assert said(quote(talk.BODY), "", "> x\n\n-- \nOtto\n") == ()


def test_all_replies_of_a_long_thread_are_read_in_time() -> None:
    began = time.process_time()
    mails = [patch()]
    for number in range(300):
        parent = mails[-1].message_id
        text = f"> answer {number - 1}\n\nanswer {number}\n"
        mails.append(mail(f"r{number}", text, to=parent, minute=number % 60))
    found = comments(*mails)
    assert len(found) == 300
    assert {each.patch for each in found} == {"patch"}
    assert time.process_time() - began < 3


@pytest.mark.skipif(not (SHARED / "cases").is_dir(), reason="the real mails are not here")
def test_real_comments_are_placed_where_a_reader_puts_them() -> None:
    figures = measure(cases_of(SHARED / "cases/cases.jsonl"), load(SHARED / "cases/mail.mbox.gz"))
    total = len(figures.placings)
    assert total >= 310
    assert figures.count("held") >= 0.99 * total, missed(figures)
    assert figures.count("near") >= 0.97 * total
    assert figures.seconds / figures.replies < 0.03


@pytest.mark.skipif(not (SHARED / "threads").is_dir(), reason="the real mails are not here")
def test_a_large_real_thread_takes_no_time() -> None:
    _, found, seconds = largest(SHARED / "threads/real")
    assert found > 20
    assert seconds < 1
