"""A reply is taken apart into quotes, comments and what is neither."""

from __future__ import annotations

import time

import pytest

from reviewer.mail.message import Message
from reviewer.mail.quoting import dropped
from reviewer.mail.quoting.marks import marked, unquote
from reviewer.mail.quoting.markup import text_of
from reviewer.mail.quoting.reply_text import Role, read
from tests.talk import mail

OWN, QUOTED = Role.OWN, Role.QUOTED


def lines(body: str) -> list[tuple[int, str]]:
    """Depth and text of the lines that are not blank and not dropped."""
    return [(d, text) for role, d, text, _ in read(mail("r", body)) if text.strip()
            and role in (OWN, QUOTED)]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "depth", "text"),
    [
        ("> +\tfoo();", 1, "+\tfoo();"),
        (">+\tfoo();", 1, "+\tfoo();"),
        (">\u00a0+foo();", 1, "+foo();"),
        ("> > +foo();", 2, "+foo();"),
        (">> +foo();", 2, "+foo();"),
        (">>  +foo();", 2, " +foo();"),
        (" > foo", 1, "foo"),
        ("foo > bar", 0, "foo > bar"),
        (">", 1, ""),
    ],
)
def test_quote_marks_are_taken_off_with_and_without_a_space(
    line: str, depth: int, text: str
) -> None:
    assert unquote(line)[:2] == (depth, text)


def test_initials_are_quote_marks_when_the_mail_proves_it() -> None:
    body = ["MS> +\tfoo();", "MS> +\tbar();", "MS> }", "", "Why?"]
    assert [line.depth for line in marked(body)] == [1, 1, 1, 0, 0]
    assert [line.depth for line in marked(body[2:])] == [0, 0, 0]


def test_bars_are_quote_marks_in_a_mail_without_others() -> None:
    body = ["| +\tfoo();", "| +\tbar();", "|", "Why?"]
    assert [line.depth for line in marked(body)] == [1, 1, 1, 0]
    assert [line.depth for line in marked([*body, "> x"])] == [0, 0, 0, 0, 1]


def test_a_mail_that_was_moved_to_the_right_is_still_quoted() -> None:
    body = ["  > +foo();", "  > +bar();", "  >", "  Why?"]
    assert [line.depth for line in marked(body)] == [1, 1, 1, 0]


def test_what_outlook_puts_below_its_headers_is_quoted() -> None:
    body = (
        "Is this safe?\n\n-----Original Message-----\nFrom: Mira Sand\nSent: Monday\n"
        "To: Otto\nSubject: [PATCH] kiln\n\n+\tfoo();\n"
    )
    assert lines(body) == [(0, "Is this safe?"), (1, "+\tfoo();")]


@pytest.mark.parametrize(
    "who",
    [
        "On Mon, Mar 2, 2026 at 9:00 AM Mira Sand <mira@kiln.example> wrote:",
        "On Mon, Mar 2, 2026 at 9:00 AM Mira Sand\n<mira@kiln.example> wrote:",
        "Am 02.03.26 um 09:00 schrieb Mira Sand:",
        "Le lun. 2 mars 2026 \u00e0 09:00, Mira Sand a \u00e9crit\u00a0:",
        "El lun, 2 mar 2026 a las 9:00, Mira Sand escribi\u00f3:",
        "W dniu 2.03.2026 o 09:00, Mira Sand pisze:",
        "\u57282026\u5e743\u67082\u65e5 Mira Sand \u5199\u9053\uff1a",
        "Mira Sand <mira@kiln.example> writes:",
        "* Mira Sand <mira@kiln.example> [2026-03-02 09:00]:",
        "2026-03-02 09:00, Mira Sand wrote:",
    ],
)
def test_who_wrote_is_no_comment_in_many_languages(who: str) -> None:
    body = f"{who}\n> +\tfoo();\n\nWhy?\n"
    assert lines(body) == [(1, "+\tfoo();"), (0, "Why?")]
    deeper = "".join(f"> {line}\n" for line in body.splitlines())
    assert lines(deeper) == [(2, "+\tfoo();"), (1, "Why?")]


def test_who_wrote_is_no_comment_even_when_the_quote_is_cut() -> None:
    body = "On Mon, Mar 2, 2026 at 9:00 AM Mira Sand wrote:\n\n[...]\n\n> +\tfoo();\n\nWhy?\n"
    assert lines(body) == [(1, "+\tfoo();"), (0, "Why?")]


def test_a_comment_that_ends_with_a_colon_is_a_comment() -> None:
    assert lines("> +foo();\n\nI would write:\n\n\tbar();\n")[1:] == [
        (0, "I would write:"), (0, "\tbar();"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        *("[...]", "[ ... ]", "...", "<snip>", "[snip]", "[cut 40 lines]", "(...)", "..snip.."),
        *("<...>", "-- >8 --", "-->8-- :", "\u2026", "[snipped the rest]", "--- 8< ---"),
    ],
)
def test_a_mark_for_what_was_left_out_is_neither_quote_nor_comment(text: str) -> None:
    assert dropped.is_elision(text)
    assert lines(f"> +foo();\n{text}\n> {text}\n> +bar();\n") == [(1, "+foo();"), (1, "+bar();")]


@pytest.mark.parametrize(
    "text",
    [
        "Needs iput().",
        "skip this",
        "No.",
        "[1] is wrong",
        "+\t...",
        "Removed.",
        "snip_foo()",
        "cut it",
        "(see)",
    ],
)
def test_short_remarks_are_not_taken_for_such_marks(text: str) -> None:
    assert not dropped.is_elision(text)


def test_a_signature_is_dropped_and_a_quote_below_it_is_not() -> None:
    assert lines("Why?\n-- \nOtto\nGlaze Ltd\n") == [(0, "Why?")]
    assert lines("Why?\n\n--\nOtto\n") == [(0, "Why?")]
    assert lines("Why?\n-- \nOtto\n\n> +foo();\n") == [(0, "Why?"), (1, "+foo();")]
    assert lines("Why?\n____________________\nkiln mailing list\n") == [(0, "Why?")]


def test_a_greeting_is_dropped() -> None:
    assert lines("Hi Mira,\n\n> +foo();\n\nWhy?\n") == [(1, "+foo();"), (0, "Why?")]
    assert lines("Mira,\n\nWhy?\n") == [(0, "Why?")]
    assert lines("Hi, this is wrong: it sleeps.\n") == [(0, "Hi, this is wrong: it sleeps.")]


@pytest.mark.parametrize(
    "closing",
    [
        "Thanks,\nOtto",
        "Thanks!",
        "Best regards,\n\nOtto Brandt",
        "Otto",
        "-- Otto",
        "thanks,\n\no b",
    ],
)
def test_thanks_and_names_at_the_end_are_no_comment(closing: str) -> None:
    text = ["Why?", "", *closing.split("\n")]
    kept = dropped.without_closing(text, "Otto Brandt")
    assert [line for line in kept if line] == ["Why?"]


@pytest.mark.parametrize(
    "text", ["Needs iput().", "Needs foo_end.", "Thanks, but it still leaks.", "Best avoid this"]
)
def test_a_short_remark_at_the_end_is_kept(text: str) -> None:
    assert dropped.without_closing([text], "Otto Brandt") == [text]


def test_a_diff_of_the_sender_is_no_comment_but_what_stands_below_it_is() -> None:
    diff = (
        "diff --git a/x.c b/x.c\n--- a/x.c\n+++ b/x.c\n@@ -1,2 +1,2 @@\n int a;\n-int b;\n+int c;\n"
    )
    assert lines(f"Like this?\n\n{diff}\nUntested.\n") == [(0, "Like this?"), (0, "Untested.")]


def test_an_html_mail_is_read_with_its_quotes() -> None:
    html = (
        "<html><head><style>p{}</style></head><body><div>On Monday Mira wrote:</div>"
        "<blockquote><pre>+\tif (a &lt; b)\n+\t\tfoo();</pre><blockquote>deep</blockquote>"
        "</blockquote><p>Why&nbsp;not?<br>Really &amp; truly</p></body></html>"
    )
    assert text_of(html).split("\n") == [
        "On Monday Mira wrote:", "> +\tif (a < b)", "> +\t\tfoo();", ">> deep",
        "Why\u00a0not?", "Really & truly",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        *(">" * 300_000, "> " * 150_000, "x" * 300_000, "[snip " * 50_000, "wrote " * 50_000 + ":"),
        *("On 1 Jan x wrote:\n" * 20_000, "-- \n> x\n" * 20_000, "AB> foo\n" * 20_000),
        *("From: x\nSent: y\n" * 10_000, "@@ -1,99999 +1,99999 @@\n" * 10_000),
        *("diff --git a/x b/x\n" * 20_000, " " * 300_000 + "x", "--- a\n+++ b\n" * 20_000),
    ],
    ids=lambda body: repr(body[:12]),
)
def test_a_mail_made_to_hurt_is_read_in_time(body: str) -> None:
    began = time.process_time()
    message = Message("r", "Re: x", "Otto", "o@x", None, None, (), body)
    html = Message("r", "Re: x", "Otto", "o@x", None, None, (), "", html=body, html_only=True)
    assert read(message)
    assert read(html)
    assert time.process_time() - began < 3


@pytest.mark.parametrize("piece", ["<blockquote>", "<a", "&amp", "<!--", "<p", "</style>", "<pre>"])
def test_markup_made_to_hurt_is_read_in_time(piece: str) -> None:
    began = time.process_time()
    text_of(piece * 60_000)
    assert time.process_time() - began < 3
