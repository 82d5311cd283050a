"""Mails in every form that mail programs give them."""

from __future__ import annotations

import base64
import quopri
import time
from datetime import UTC, datetime

import pytest

from reviewer.mail.message import read

DIFF = """\
diff --git a/drivers/demo/lamp.c b/drivers/demo/lamp.c
index 1111111..2222222 100644
--- a/drivers/demo/lamp.c
+++ b/drivers/demo/lamp.c
@@ -1,2 +1,2 @@
 int lamp;
-int wick;
+int wick = 1;
"""
HEAD = b"""\
From: Ada Example <ada@example.org>
Subject: [PATCH] lamp: light the wick
Message-ID: <lamp-1@example.org>
Date: Fri, 16 Jan 2026 22:28:43 +0800
"""


def test_headers_are_read_without_angle_brackets() -> None:
    message = read(
        HEAD + b"In-Reply-To: <a@x>\nReferences: <root@x>\n\t<a@x>\n\nWords.\n" + DIFF.encode()
    )
    assert message.message_id == "lamp-1@example.org"
    assert (message.author, message.address) == ("Ada Example", "ada@example.org")
    assert message.date == datetime(2026, 1, 16, 14, 28, 43, tzinfo=UTC)
    assert message.in_reply_to == "a@x"
    assert message.references == ("root@x", "a@x")
    assert message.body == "Words.\n" + DIFF


def test_a_folded_and_encoded_subject_is_one_line_of_text() -> None:
    raw = HEAD.replace(
        b"[PATCH] lamp: light the wick",
        b"[PATCH]\n =?utf-8?q?lamp=3A_B=C3?=\n =?UTF-8?q?=A4r?= and\n\t=?iso-8859-1?b?6Q==?=",
    )
    assert read(raw + b"\n").subject == "[PATCH] lamp: Bär and é"


@pytest.mark.parametrize(
    ("value", "author", "address"),
    [
        (b'"Example, Ada" <ada@x>', "Example, Ada", "ada@x"),
        (b"=?utf-8?b?WsO8?= <z@x>", "Zü", "z@x"),
        (b"ada@x (Ada Example)", "Ada Example", "ada@x"),
        (b"ada@x", "ada@x", "ada@x"),
        (b"<ada@x>", "ada@x", "ada@x"),
        (b"", "", ""),
    ],
)
def test_the_author_has_a_name_in_every_style(value: bytes, author: str, address: str) -> None:
    message = read(b"From: " + value + b"\nSubject: x\n\n")
    assert (message.author, message.address) == (author, address)


@pytest.mark.parametrize(
    "value",
    [
        "Fri, 16 Jan 2026 22:28:43 +0800",
        "16 Jan 2026 14:28:43 GMT",
        "Fri, 16 Jan 2026 09:28:43 EST",
        "Fri, 16 Jan 26 14:28:43 +0000",
        "Fri Jan 16 14:28:43 2026",
        "Fri,  16 Jan 2026 14:28:43 -0000 (UTC)",
    ],
)
def test_dates_of_odd_mailers_name_the_same_moment(value: str) -> None:
    date = read(f"Subject: x\nDate: {value}\n\n".encode()).date
    assert date == datetime(2026, 1, 16, 14, 28, 43, tzinfo=UTC)


@pytest.mark.parametrize(
    "value", ["", "soon", "Fri, 31 Feb 2026 10:00:00 +0000", "1 Jan 0001 00:00:00 +1400", "9" * 300]
)
def test_a_date_that_cannot_be_is_none(value: str) -> None:
    assert read(f"Subject: x\nDate: {value}\n\n".encode()).date is None


def test_quoted_printable_and_base64_give_the_same_patch() -> None:
    text = "Grüße\n" + DIFF + "=E2 stays\n"
    plain = read(HEAD + b"Content-Type: text/plain; charset=utf-8\n\n" + text.encode())
    coded = quopri.encodestring(text.encode())
    quoted = read(HEAD + b"Content-Transfer-Encoding: quoted-printable\n\n" + coded)
    coded = base64.encodebytes(text.encode())
    based = read(HEAD + b"content-transfer-encoding: BASE64\n\n" + coded)
    assert plain.body == quoted.body == based.body == text


def test_a_list_footer_below_base64_does_not_spoil_the_patch() -> None:
    coded = base64.encodebytes(DIFF.encode())
    raw = HEAD + b"Content-Transfer-Encoding: base64\n\n" + coded + b"\n_____\nlist@x\n"
    assert read(raw).body == DIFF


def test_base64_that_was_cut_in_transit_gives_what_arrived() -> None:
    coded = base64.encodebytes(DIFF.encode())[:-7]
    raw = HEAD + b"Content-Transfer-Encoding: base64\n\n" + coded
    assert read(raw).body.startswith(DIFF[:-8])


@pytest.mark.parametrize("encoding", [b"quoted-printable", b"base64"])
def test_a_body_that_was_decoded_under_its_old_header_is_kept(encoding: bytes) -> None:
    text = "Hello\n\nint a = 1; b == c\n" + DIFF
    raw = HEAD + b"Content-Transfer-Encoding: " + encoding + b"\n\n" + text.encode()
    assert read(raw).body == text


def test_a_multipart_header_over_a_plain_body_keeps_the_body() -> None:
    raw = HEAD + b'Content-Type: multipart/mixed; boundary="gone"\n\n' + DIFF.encode()
    assert read(raw).body == DIFF


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        ("iso-8859-1", b"na\xefve", "naïve"),
        ("iso-8859-1", "naïve".encode(), "naïve"),
        ("gb2312", "龍".encode("gb18030"), "龍"),
        ("no-such-charset", "ö".encode(), "ö"),
        ("us-ascii", b"\xf6", "ö"),
        ("punycode", b"abc-", "abc-"),
        ("zlib", b"abc", "abc"),
        ("utf-8", b"\xff\xfe ok", "ÿþ ok"),
    ],
)
def test_odd_and_wrong_charsets_still_give_text(charset: str, data: bytes, text: str) -> None:
    raw = b"Content-Type: text/plain; charset=%b\n\n%b" % (charset.encode(), data)
    body = read(HEAD + raw).body
    assert body == text or (charset == "utf-8" and body.endswith(" ok"))


def test_line_ends_of_windows_and_nul_bytes_are_gone() -> None:
    raw = (HEAD + b"\none\0\n\ttwo\n").replace(b"\n", b"\r\n")
    assert read(raw).body == "one\n\ttwo\n"


def test_an_attached_patch_is_an_attachment_and_the_words_are_the_body() -> None:
    coded = base64.encodebytes(DIFF.encode())
    raw = (
        HEAD
        + b"Content-Type: multipart/mixed; boundary==_b\n\n"
        + b"preamble\n--=_b\nContent-Type: text/plain; format=flowed\n\nSee below.\n"
        + b"--=_b\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n"
        + b"Content-Disposition: attachment;\n filename*=utf-8''light%20it.patch\n\n"
        + coded
        + b"\n--=_b\nContent-Type: application/octet-stream; name=core\n\n\0\1\2\n"
        + b"--=_b\nContent-Type: text/html\n\n<p>\n--=_b--\nepilogue\n"
    )
    message = read(raw)
    assert message.body == "See below."
    assert message.flowed
    (attachment,) = message.attachments
    assert attachment.name == "light it.patch"
    assert attachment.text == DIFF


@pytest.mark.parametrize("kind", ["text/x-diff", "text/x-patch", "text/plain"])
def test_a_patch_beside_the_words_is_found_under_every_type(kind: str) -> None:
    part = f'--b\nContent-Type: {kind}; name="0001-x.patch"\n\n{DIFF}--b--\n'
    raw = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nWords.\n" + part.encode()
    message = read(HEAD + raw)
    assert message.body == "Words."
    assert [attachment.content_type for attachment in message.attachments] == [kind]


def test_a_signed_mail_is_read_through_its_nested_parts() -> None:
    raw = (
        HEAD
        + b"Content-Type: multipart/signed; boundary=o\n\n--o\n"
        + b"Content-Type: multipart/mixed; boundary=i\n\n--i\nContent-Type: text/plain\n\n"
        + DIFF.encode()
        + b"--i--\n--o\nContent-Type: application/pgp-signature\n\nxx\n--o--\n"
    )
    message = read(raw)
    assert message.body + "\n" == DIFF
    assert message.attachments == ()


def test_an_attached_mail_keeps_the_headers_that_name_its_patch() -> None:
    inner = b"From: =?utf-8?q?B=C3=B6?= <bo@x>\nSubject: [PATCH v2] inner\n\nWhy.\n" + DIFF.encode()
    raw = (
        HEAD
        + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nSee.\n"
        + b"--b\nContent-Type: message/rfc822\n\n"
        + inner
        + b"--b--\n"
    )
    (attachment,) = read(raw).attachments
    assert attachment.text.startswith("From: Bö <bo@x>\nSubject: [PATCH v2] inner\n\nWhy.\ndiff")


def test_a_mail_without_plain_text_says_that_it_is_html_only() -> None:
    message = read(HEAD + b"Content-Type: text/html\n\n<p>diff\n")
    assert (message.html_only, message.body) == (True, "")
    assert not read(HEAD + b"\nwords\n").html_only


def test_of_plain_text_and_html_the_plain_text_is_read() -> None:
    raw = b"Content-Type: multipart/alternative; boundary=b\n\n"
    raw += b"--b\nContent-Type: text/html\n\n<p>\n--b\nContent-Type: text/plain\n\nWords\n--b--\n"
    message = read(HEAD + raw)
    assert (message.body, message.html_only) == ("Words", False)


def test_a_patch_file_without_message_id_gets_a_stable_one_and_its_commit() -> None:
    sha = "0123456789" * 4
    raw = f"From {sha} Mon Sep 17 00:00:00 2001\nFrom: A <a@x>\nSubject: [PATCH] x\n\n{DIFF}"
    message = read(raw.encode())
    assert message.commit == sha
    assert message.message_id.endswith("@local")
    assert message.message_id == read(raw.encode()).message_id
    assert message.message_id != read(raw.encode() + b"\n").message_id


def test_a_bare_diff_is_a_message() -> None:
    message = read(DIFF.encode())
    assert (message.subject, message.author, message.body) == ("", "", DIFF)


@pytest.mark.parametrize("start", ["Index: lamp.c\n" + "=" * 67 + "\n", "lamp: light it\n\n"])
def test_text_that_only_looks_like_a_header_belongs_to_the_diff(start: str) -> None:
    assert read((start + DIFF).encode()).body == start + DIFF


def test_what_git_show_prints_has_title_author_and_commit() -> None:
    sha = "a" * 40
    raw = (
        f"commit {sha}\nAuthor: Ada <ada@x>\nDate:   today\n\n    lamp: light\n\n    Why.\n\n{DIFF}"
    )
    message = read(raw.encode())
    assert (message.subject, message.author, message.commit) == ("lamp: light", "Ada", sha)


def test_a_body_that_follows_the_headers_without_empty_line_is_not_lost() -> None:
    assert read(HEAD + DIFF.encode()).body == DIFF


def test_a_mail_of_headers_only_has_an_empty_body() -> None:
    assert read(HEAD).body == ""
    assert read(HEAD).message_id == "lamp-1@example.org"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0",
        b"\xff" * 1000,
        b"Subject:",
        b"Subject: =?utf-8?b?!!?= =?x?q?=?= =?",
        b"Content-Type: multipart/mixed; boundary=\n\n--\n",
        b"Content-Type: text/plain; charset=\0\n\nx",
        b"From:\nDate: -\nReferences: <\nMessage-ID: <>\n\n",
    ],
)
def test_broken_mails_are_read_without_an_error(raw: bytes) -> None:
    assert read(raw).message_id or not raw


MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: " + b" " * MEGABYTE + b"x\n\n",
        b"Subject: " + b"=?utf-8?q?a?= " * (MEGABYTE // 14) + b"\n\n",
        b"Subject: x\nReferences: " + b"<" * MEGABYTE + b"\n\n",
        b"Subject: x\nContent-Type: " + b';x="' * (MEGABYTE // 4) + b"\n\n",
        b"Subject: x\nContent-Type: text/plain; charset=punycode\n\n" + b"ab-" * (MEGABYTE // 3),
        b"Subject: x\nContent-Transfer-Encoding: base64\n\nA" + b" " * MEGABYTE,
        b"Subject: x\nContent-Transfer-Encoding: quoted-printable\n\n" + b"= " * (MEGABYTE // 2),
        b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n" * (MEGABYTE // 4),
        b"Subject: x\n"
        + b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (depth, depth)
            for depth in range(5000)
        ),
        b"Subject: a\nContent-Type: message/rfc822\n\n" * 20_000,
    ],
)
def test_a_hostile_megabyte_is_read_in_no_time(raw: bytes) -> None:
    begin = time.process_time()
    read(raw)
    assert time.process_time() - begin < 2
