"""Files of many mails are cut where their mails begin, and nowhere else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from reviewer.errors import TargetError
from reviewer.mail import mbox

if TYPE_CHECKING:
    from pathlib import Path

SEPARATOR = b"From ada@example.org Fri Jan 16 22:28:43 2026\n"
SHA = b"0123456789abcdef0123456789abcdef01234567"
FORMATTED = b"From " + SHA + b" Mon Sep 17 00:00:00 2001\n"
ROW = b"--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-a\n+b\n"


def _mail(number: int, body: bytes = b"Words.\n") -> bytes:
    return b"Subject: mail %d\nMessage-ID: <%d@x>\n\n%b" % (number, number, body)


@pytest.mark.parametrize(
    "separator",
    [
        SEPARATOR,
        b"From mboxrd@z Thu Jan  1 00:00:00 1970\n",
        b"From - Tue Oct 02 11:32:07 2012\n",
        b"From ada@example.org  Fri Mar  1 12:34:56 2024 +0000\n",
        FORMATTED,
    ],
)
def test_the_separators_of_all_mail_programs_split(separator: bytes) -> None:
    data = separator + _mail(1) + b"\n" + separator + _mail(2)
    first, second = mbox.split(data)
    assert b"mail 1" in first
    assert b"mail 2" not in first
    assert second == separator + _mail(2)


def test_a_lone_mail_is_returned_as_it_is() -> None:
    data = _mail(1, b">From here.\n\n" + SEPARATOR + b"Subject: quoted\n")
    assert mbox.split(data) == [data]


def test_a_sentence_that_begins_with_from_does_not_split() -> None:
    body = b"First.\n\nFrom now on it works.\n\nFrom Monday at 10:00 on:\nmore words\n"
    assert len(mbox.split(SEPARATOR + _mail(1, body))) == 1


def test_escaped_lines_are_restored_one_level() -> None:
    (mail,) = mbox.split(SEPARATOR + _mail(1, b">From a\n>>From b\n> From c\n"))
    assert mail.endswith(b"\nFrom a\n>From b\n> From c\n")


def test_output_of_format_patch_is_not_unescaped() -> None:
    (mail,) = mbox.split(FORMATTED + _mail(1, b">From a\n"))
    assert mail.endswith(b"\n>From a\n")


def test_patch_files_without_signature_split_right_behind_the_last_row() -> None:
    data = FORMATTED + _mail(1, ROW) + FORMATTED + _mail(2, ROW)
    assert len(mbox.split(data)) == 2


def test_a_patch_file_in_a_mime_part_does_not_split() -> None:
    part = b"Words.\n--b1\nContent-Type: text/x-patch\n\n" + FORMATTED + _mail(7, ROW) + b"--b1--\n"
    data = SEPARATOR + _mail(1, part) + b"\n" + SEPARATOR + _mail(2)
    assert len(mbox.split(data)) == 2


def test_a_mail_behind_a_signature_with_colon_is_found() -> None:
    data = SEPARATOR + _mail(1, b"Words.\n\n-- \nbot: done\n") + b"\n" + SEPARATOR + _mail(2)
    assert len(mbox.split(data)) == 2


def test_a_mailbox_with_windows_line_ends_splits() -> None:
    data = (SEPARATOR + _mail(1) + b"\n" + SEPARATOR + _mail(2)).replace(b"\n", b"\r\n")
    assert len(mbox.split(data)) == 2


def test_commits_of_git_log_are_taken_one_by_one() -> None:
    shown = b"commit %b\nAuthor: A <a@x>\nDate:   now\n\n    title\n\n%b" % (SHA, ROW)
    assert mbox.split(shown + b"\n" + shown) == [shown + b"\n", shown]


def test_nothing_gives_no_mails() -> None:
    assert mbox.split(b"") == mbox.split(b"\n\r\n\n") == []


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for name in ("cur", "new", "tmp"):
        (tmp_path / "box" / name).mkdir(parents=True)
    return tmp_path / "box"


def test_a_maildir_gives_read_and_new_mails_by_name(maildir: Path) -> None:
    (maildir / "new" / "2.host").write_bytes(_mail(2))
    (maildir / "cur" / "1.host:2,S").write_bytes(_mail(1))
    (maildir / "cur" / "3.host:2,S").write_bytes(_mail(3))
    (maildir / "tmp" / "0.host").write_bytes(_mail(0))
    assert mbox.read_maildir(maildir) == [_mail(1), _mail(2), _mail(3)]


def test_links_out_of_a_maildir_and_pipes_are_left_alone(maildir: Path) -> None:
    secret = maildir.parent / "secret"
    secret.write_bytes(b"secret")
    (maildir / "cur" / "1").symlink_to(secret)
    (maildir / "cur" / "2").symlink_to(maildir / "cur" / "2")
    os.mkfifo(maildir / "cur" / "3")
    (maildir / "cur" / "4").mkdir()
    assert mbox.read_maildir(maildir) == []


def test_a_directory_without_cur_and_new_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="not a maildir"):
        mbox.read_maildir(tmp_path)


def test_a_maildir_too_large_is_refused(maildir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mbox, "LARGEST", 10)
    (maildir / "cur" / "1").write_bytes(b"x" * 11)
    with pytest.raises(TargetError, match="holds more than"):
        mbox.read_maildir(maildir)
