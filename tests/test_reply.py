"""Replies: to whom they go, how they are threaded, and that other programs can read them."""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reviewer.mail.message import read
from reviewer.mail.reply import attribution, recipients, reply, reply_subject
from reviewer.mail.thread import Origin
from reviewer.report.mail import draft
from tests.lamp import OLGA, found, original, parsed, patched

if TYPE_CHECKING:
    from pathlib import Path


def test_a_reply_goes_to_the_author_and_a_copy_to_everyone_else_once() -> None:
    message = parsed(reply(original(), "Hello\n", OLGA))
    assert str(message["From"]) == OLGA
    assert str(message["To"]) == "Ada Example <ada@lamp.example>"
    assert [each.addr_spec for each in message["Cc"].addresses] == [
        "lamp@lists.example",
        "ben@lamp.example",
        "eve@lamp.example",
    ]
    assert message["Cc"].addresses[0].display_name == "List, The"


@pytest.mark.parametrize(
    ("field", "people"),
    [
        ('"Sand, Mira" <m@x>, b@y', ("Sand, Mira <m@x>", "b@y")),
        ("=?utf-8?q?A=2C_B?= <c@z>", ("A, B <c@z>",)),
        ('"a <b@q> c" <real@y>', ("a <b@q> c <real@y>",)),
        ("x@y (Foo, Bar)", ("Foo, Bar <x@y>",)),
        ("undisclosed-recipients:;, ,, a@b", ("a@b",)),
        ('"never closed, <a@b>', ('"never closed, <a@b>',)),
    ],
)
def test_the_people_of_a_mail_are_told_apart(field: str, people: tuple[str, ...]) -> None:
    assert original(To=field).to == people


@pytest.mark.parametrize("field", ['"\\', '\\"', "(", "(a", "<a", ",", "a@b,", '"<(', "=?", " ,"])
def test_a_field_of_a_megabyte_is_read_in_time(field: str) -> None:
    value = field * (1_000_000 // len(field))
    start = time.process_time()
    assert len(read(f"To: {value}\nCc: {value}\nSubject: x\n\n".encode()).to) <= 500
    assert time.process_time() - start < 1.0


def test_a_relayed_patch_is_answered_where_its_author_reads() -> None:
    to, _ = recipients(
        original(From="Ada via Relay <relay+ada@x.example>", Reply_To="ada@lamp.example")
    )
    assert to == ["ada@lamp.example"]


def test_a_reply_to_oneself_goes_on_to_those_who_got_the_patch() -> None:
    to, cc = recipients(original(), "Ada <ADA@lamp.example>")
    assert to == ["List, The <lamp@lists.example>", "Ben <ben@lamp.example>"]
    assert cc == ["olga@read.example", "eve@lamp.example"]


def test_a_reply_is_threaded_below_the_mail_it_answers() -> None:
    message = parsed(reply(original(), "Hello\n"))
    assert message["In-Reply-To"] == "<lamp-3@lamp.example>"
    assert message["References"].split() == ["<lamp-0@lamp.example>", "<lamp-3@lamp.example>"]
    answered = parsed(reply(original(References=""), "Hello\n"))
    assert answered["References"].split() == ["<lamp-0@lamp.example>", "<lamp-3@lamp.example>"]


def test_the_mail_program_sets_the_date_and_without_a_sender_the_author() -> None:
    message = parsed(reply(original(), "Hello\n"))
    assert message["Date"] is None
    assert message["From"] is None
    assert message["Message-ID"] is None


def test_a_mail_without_id_is_answered_outside_of_any_thread() -> None:
    message = parsed(reply(original(Message_ID="", In_Reply_To="", References=""), "Hello\n"))
    assert message["In-Reply-To"] is None
    assert message["References"] is None


@pytest.mark.parametrize(
    "subject", ["[PATCH] x", "Re: [PATCH] x", "RE: re: Re:[PATCH] x", "Re[2]: [PATCH] x"]
)
def test_the_subject_says_re_once(subject: str) -> None:
    assert reply_subject(subject) == "Re: [PATCH] x"


def test_names_and_subjects_in_any_script_arrive() -> None:
    subject = "[PATCH] lamp: Dämmerung, " + "\u706f" * 60
    asked = replace(original(), subject=subject, author="J\u00f6rg \u706f")
    message = parsed(reply(asked, "Gr\u00fc\u00dfe\n"))
    assert message["Subject"] == f"Re: {subject}"
    assert message["To"].addresses[0].display_name == "J\u00f6rg \u706f"
    assert message.get_content() == "Gr\u00fc\u00dfe\n"
    assert message["Content-Transfer-Encoding"] == "8bit"


@pytest.mark.parametrize("text", ["x\nBcc: evil@x", "x\r\n\r\nbody", "\x1b[2Jx", "x\u2028y\u202ez"])
def test_a_mail_cannot_put_headers_into_its_reply(text: str) -> None:
    asked = replace(
        original(),
        subject=text,
        author=text,
        message_id=text,
        in_reply_to=text,
        references=(text, "ok@x"),
        to=(f"{text} <list@x>", f"a <{text}@x>"),
        cc=(f"{text} <eve@x", "=?utf-8?q?x=0aBcc:_evil@x?= <joe@x>"),
    )
    content = reply(asked, "Hello\n", f"{text} <olga@x>")
    message = parsed(content)
    assert set(message.keys()) <= {
        "From", "To", "Cc", "Subject", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
    }  # fmt: skip
    assert message.get_content() == "Hello\n"
    assert content is not None
    assert all(32 <= byte < 127 or byte == 10 for byte in content)
    assert {each.addr_spec for each in message["Cc"].addresses} <= {"list@x", "eve@x", "joe@x"}


@pytest.mark.parametrize("size", [10, 3000, 100_000])
def test_no_line_of_a_reply_is_longer_than_a_mail_may_have(size: int) -> None:
    long = replace(original(), subject="x" * size, author="n" * size, references=("r" * size,))
    content = reply(long, "ü" * size + "\nend \n")
    assert content is not None
    assert max(map(len, content.split(b"\n"))) <= 998
    assert parsed(content).get_content() == "ü" * size + "\nend \n"


def test_a_mail_from_nobody_and_a_commit_get_no_reply() -> None:
    assert reply(original(From="nobody"), "Hello\n") is not None  # to the list
    assert reply(original(From="", To="", Cc=""), "Hello\n") is None
    reviewed = patched(here := found(47))
    commit = replace(reviewed, patch=replace(reviewed.patch, origin=Origin.COMMIT))
    assert draft(reviewed, [here]) is not None
    assert draft(commit, [here]) is None


@pytest.mark.parametrize(
    ("date", "said"),
    [
        ("Fri, 16 Jan 2026 22:08:43 +0800", "On Fri, Jan 16, 2026 at 10:08 PM +0800, Ada Example"),
        ("Mon, 2 Mar 2026 00:05:00 -0330", "On Mon, Mar 2, 2026 at 12:05 AM -0330, Ada Example"),
        ("Mon, 2 Mar 2026 12:00:00 +0000", "On Mon, Mar 2, 2026 at 12:00 PM +0000, Ada Example"),
        ("no date", "Ada Example"),
    ],
)
def test_the_quote_says_who_wrote_and_when_it_was_there(date: str, said: str) -> None:
    assert attribution(original(Date=date)) == f"{said} wrote:"


@pytest.mark.skipif(shutil.which("mutt") is None, reason="mutt is not installed")
def test_mutt_takes_a_draft_as_it_is(tmp_path: Path) -> None:
    content = draft(patched(here := found(47)), [here], OLGA)
    assert content is not None
    (tmp_path / "draft.eml").write_bytes(content)
    settings = f'set sendmail="/usr/bin/tee {tmp_path}/sent" copy=no folder="{tmp_path}"'
    command = ["mutt", "-F", "/dev/null", "-e", settings, "-H", str(tmp_path / "draft.eml")]
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    subprocess.run(
        command,
        cwd=tmp_path,  # tee takes the recipients for files
        env=environment,
        stdin=subprocess.DEVNULL,
        check=True,
        capture_output=True,
        timeout=30,
    )
    sent, ours = read((tmp_path / "sent").read_bytes()), read(content)
    assert (sent.body, sent.subject, sent.in_reply_to) == (
        ours.body,
        ours.subject,
        ours.in_reply_to,
    )
    assert (sent.to, sent.cc, sent.references) == (ours.to, ours.cc, ours.references)


def _can_send() -> bool:
    if shutil.which("git") is None:
        return False
    helped = subprocess.run(
        ["git", "send-email", "--dump-aliases"], capture_output=True, check=False
    )
    return helped.returncode == 0


@pytest.mark.skipif(not _can_send(), reason="git send-email is not installed")
def test_git_send_email_takes_a_draft_as_it_is(tmp_path: Path) -> None:
    content = draft(patched(here := found(47)), [here], OLGA)
    assert content is not None
    (tmp_path / "draft.eml").write_bytes(content)
    command = ["git", "send-email", "--dry-run", "--confirm=never", "--smtp-server=/bin/true",
               str(tmp_path / "draft.eml")]  # fmt: skip
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM": "1"}
    for who in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{who}_NAME": "Olga Reader", f"GIT_{who}_EMAIL": "olga@read.example"}
    told = subprocess.run(
        command, env=environment, cwd=tmp_path, check=True, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=60,
    ).stdout  # fmt: skip
    assert "Result: OK" in told
    assert "In-Reply-To: <lamp-3@lamp.example>" in told
    assert "To: Ada Example <ada@lamp.example>" in told
    assert "eve@lamp.example" in told
