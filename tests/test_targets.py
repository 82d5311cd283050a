"""Targets are told apart by their form and read as raw mails, or refused in one line."""

from __future__ import annotations

import gzip
import io
import os
from typing import TYPE_CHECKING

import pytest

from reviewer import targets
from reviewer.errors import TargetError
from reviewer.mail.message import read
from reviewer.mail.thread import Origin
from reviewer.targets import Kind, Loaded, classify, load
from tests.inbox import Answer, answering, diff_body, mail, mbox_gz
from tests.widget import V2, V2_THREAD, git, isolate, repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAIL = mail("one@a", "[PATCH] gadget: stop the clock", diff_body("stop();"))
DIFF = diff_body("stop();").partition("\n\n")[2].partition("\n\n")[2].encode()
SEPARATOR = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    isolate(monkeypatch, tmp_path)


@pytest.fixture
def tree(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    return repository(monkeypatch, tmp_path)


def _read(text: str, cwd: Path) -> Loaded:
    return load(classify(text, cwd))


def _subjects(loaded: Loaded) -> list[str]:
    return [read(mail.raw).subject for mail in loaded.mails]


# Forms


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("-", Kind.STDIN),
        ("20240301.100@example.org", Kind.MESSAGE_ID),
        ("<20240301.100@example.org>", Kind.MESSAGE_ID),
        ("https://lore.kernel.org/all/20240301.100@example.org/", Kind.URL),
        ("HEAD~1..", Kind.RANGE),
        ("HEAD", Kind.RANGE),
        ("origin/main..main", Kind.RANGE),
        ("main@{0}", Kind.RANGE),
        ("HEAD^!", Kind.RANGE),
        ("a.c", Kind.FILE),
        (".", Kind.DIRECTORY),
    ],
)
def test_a_target_is_known_by_its_form(text: str, kind: Kind, tree: Path) -> None:
    assert classify(text, tree).kind is kind


def test_a_path_that_exists_is_that_path_whatever_it_looks_like(tmp_path: Path) -> None:
    (tmp_path / "me@example.org").write_bytes(MAIL)
    assert classify("me@example.org", tmp_path).kind is Kind.FILE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", r"nonsense: not a target .*wanted a message-id, .*HEAD~3\.\.$"),
        ("", r"^\(empty\): not a target"),
        ("HEAD^@", "not where their history shall begin"),
        ("HEAD:a.c", "not a target"),
        ("--output=evil", "begins like an option"),
        ("--all", "begins like an option"),
        ("nosuch..main", "not a target"),
        ("./0001-x.patch", r"^\./0001-x\.patch: no such file or directory$"),
        ("0001-x.patch", r"no such file or directory$"),
        ("x\0y", "not a target"),
        ("y" * 9000, r"yyy\.\.\.: not a target"),
        ("https://lore.kernel.org/linux-usb/", "names a list or a site"),
    ],
)
def test_what_is_no_target_is_refused_with_what_would_have_been(
    text: str, said: str, tree: Path
) -> None:
    (tree / "merge").touch()
    git(tree, "checkout", "-q", "-b", "side", "HEAD~1")
    git(tree, "commit", "-q", "--allow-empty", "-m", "side")
    git(tree, "merge", "-q", "--no-edit", "main")
    with pytest.raises(TargetError, match=said) as caught:
        classify(text, tree)
    assert str(caught.value).isprintable()
    assert not (tree / "evil").exists()


def test_outside_of_a_repository_git_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="git: not a git repository"):
        classify("HEAD~3..", tmp_path)


# Paths and standard input


@pytest.mark.parametrize(
    ("data", "mails"),
    [
        (MAIL, 1),
        (SEPARATOR + MAIL + b"\n" + SEPARATOR + V2[0], 2),
        (gzip.compress(SEPARATOR + MAIL), 1),
        (b"\n\n" + MAIL, 1),
        (b"\xef\xbb\xbf" + DIFF, 1),
        (DIFF, 1),
        (MAIL.replace(b"\n", b"\r\n"), 1),
    ],
)
def test_a_file_and_standard_input_are_read_the_same(
    data: bytes, mails: int, tmp_path: Path
) -> None:
    (tmp_path / "x").write_bytes(data)
    loaded = _read("x", tmp_path)
    assert len(loaded.mails) == mails
    assert loaded.origin is Origin.MAIL
    piped = load(classify("-", tmp_path), stdin=io.BytesIO(data))
    assert piped.mails == loaded.mails


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"\x7fELF\0\0", "binary"),
        ("diff --git a/x b/x\n".encode("utf-16"), "UTF-16"),
        (b"Just some words.\n", "neither a mail, an mbox nor a diff"),
        (b"<!DOCTYPE html>\n<html>", "neither a mail"),
        (gzip.compress(MAIL)[:-9], "damaged gzip"),
        (b"\x1f\x8bjunk", "damaged gzip"),
    ],
)
def test_a_file_that_holds_no_mail_is_refused_by_name(
    data: bytes, said: str, tmp_path: Path
) -> None:
    (tmp_path / "x.mbox").write_bytes(data)
    with pytest.raises(TargetError, match=rf"^x\.mbox: .*{said}"):
        _read("x.mbox", tmp_path)
    with pytest.raises(TargetError, match=rf"^standard input: .*{said}"):
        load(classify("-", tmp_path), stdin=io.BytesIO(data))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_that_is_too_large_is_refused(
    pack: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "LARGEST", 1 << 20)
    (tmp_path / "x").write_bytes(pack(MAIL + b"x" * (1 << 20)))
    with pytest.raises(TargetError, match=r"^x: more than 1 MB$"):
        _read("x", tmp_path)


def test_a_pipe_is_read_like_a_file(tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    os.write(theirs, MAIL)
    os.close(theirs)
    assert len(_read(f"/dev/fd/{ours}", tmp_path).mails) == 1
    os.close(ours)


def test_a_maildir_is_read_whole(tmp_path: Path) -> None:
    for name in ("cur", "new", "tmp"):
        (tmp_path / "box" / name).mkdir(parents=True)
    with pytest.raises(TargetError, match=r"^box: the maildir has no mail in it$"):
        _read("box", tmp_path)
    (tmp_path / "box" / "cur" / "2:2,S").write_bytes(V2[1])
    (tmp_path / "box" / "new" / "1").write_bytes(V2[0])
    assert _subjects(_read("box", tmp_path))[0].startswith("[PATCH v2 0/2]")


def test_a_directory_of_patch_files_is_read_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "0002-b.patch").write_bytes(V2[2])
    (tmp_path / "out" / "0001-a.patch").write_bytes(V2[1])
    (tmp_path / "out" / "notes.txt").write_text("not a mail")
    (tmp_path / "out" / "0003-c.patch").symlink_to("/etc/passwd")
    assert [subject[:11] for subject in _subjects(_read("out/", tmp_path))] == [
        "[PATCH 1/2]",
        "[PATCH 2/2]",
    ]


def test_another_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    with pytest.raises(TargetError, match=r"^src: neither a maildir nor a directory with"):
        _read("src", tmp_path)


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="cannot be read"):
        load(targets.Target("gone", Kind.FILE, tmp_path, tmp_path / "gone"))


# Archives


def test_a_url_is_fetched(tmp_path: Path) -> None:
    with answering(lambda _path: Answer(200, mbox_gz(V2))) as server:
        loaded = load(classify(f"{server.origin}/w/v2-1@a/", tmp_path), revisions=False)
    assert {read(mail.raw).message_id for mail in loaded.mails} == V2_THREAD
