"""Commits are read as the patch mails that git would send, whatever the settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reviewer import commits
from reviewer.errors import TargetError
from reviewer.mail.message import read
from reviewer.mail.thread import Origin
from reviewer.targets import Loaded, classify, load
from tests.widget import V2, git, isolate, repository

if TYPE_CHECKING:
    from pathlib import Path


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


@pytest.mark.parametrize(
    ("text", "subjects"),
    [
        ("HEAD", ["[PATCH] gadget: step 2"]),
        ("HEAD^!", ["[PATCH] gadget: step 2"]),
        ("HEAD~2", ["[PATCH] gadget: step 0"]),
        ("HEAD~2..", ["[PATCH 1/2] gadget: step 1", "[PATCH 2/2] gadget: step 2"]),
        ("origin/main..main", ["[PATCH 1/2] gadget: step 1", "[PATCH 2/2] gadget: step 2"]),
    ],
)
def test_commits_are_read_as_the_mails_git_would_send(
    text: str, subjects: list[str], tree: Path
) -> None:
    loaded = _read(text, tree)
    assert _subjects(loaded) == subjects
    assert loaded.origin is Origin.COMMIT
    assert loaded.problems == ()
    last = git(tree, "rev-list", "-1", "HEAD~2" if text == "HEAD~2" else "HEAD")
    assert read(loaded.mails[-1].raw).commit == last


def test_the_range_is_that_of_the_directory_one_stands_in(tree: Path) -> None:
    (tree / "sub").mkdir()
    assert len(_read("HEAD~2..", tree / "sub").mails) == 2


def test_no_setting_of_user_or_tree_changes_the_patches(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = _read("HEAD~2..", tree)
    touched = tmp_path / "touched"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {touched}\n")
    program.chmod(0o755)
    settings = {
        "color.ui": "always",
        "color.diff": "always",
        "core.abbrev": "4",
        "core.fsmonitor": str(program),
        "core.pager": str(program),
        "core.quotePath": "false",
        "diff.algorithm": "patience",
        "diff.context": "0",
        "diff.external": str(program),
        "diff.evil.command": str(program),
        "diff.evil.textconv": str(program),
        "diff.interHunkContext": "9",
        "diff.mnemonicPrefix": "true",
        "diff.noprefix": "true",
        "diff.orderFile": str(program),
        "diff.relative": "true",
        "diff.renames": "false",
        "diff.suppressBlankEmpty": "true",
        "format.attach": "true",
        "format.coverLetter": "true",
        "format.from": "true",
        "format.headers": "X-Evil: yes",
        "format.notes": "true",
        "format.numbered": "false",
        "format.outputDirectory": str(tmp_path / "elsewhere"),
        "format.pretty": "oneline",
        "format.signature": "evil",
        "format.signOff": "true",
        "format.subjectPrefix": "EVIL",
        "format.thread": "deep",
        "format.to": "evil@example.org",
        "format.useAutoBase": "true",
        "gpg.program": str(program),
        "i18n.logOutputEncoding": "UTF-16",
        "log.showSignature": "true",
        "pager.format-patch": str(program),
    }
    for key, value in settings.items():
        git(tree, "config", key, value)
    (tree / ".git" / "info" / "attributes").write_text("*.c diff=evil\n")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(program))
    monkeypatch.setenv("GIT_DIFF_OPTS", "--unified=0")
    assert _read("HEAD~2..", tree).mails == plain.mails
    assert not touched.exists()
    assert not (tmp_path / "elsewhere").exists()


def test_merges_in_a_range_are_left_out_and_told(tree: Path) -> None:
    git(tree, "checkout", "-q", "-b", "side", "origin/main")
    (tree / "b.c").write_text("int b;\n")
    git(tree, "add", "b.c")
    git(tree, "commit", "-q", "-m", "gadget: side")
    git(tree, "merge", "-q", "--no-edit", "main")
    loaded = _read("origin/main..side", tree)
    assert len(loaded.mails) == 3
    assert [problem.what for problem in loaded.problems] == [
        "1 merge left out: no patch of their own"
    ]
    with pytest.raises(TargetError, match=r"^HEAD: nothing to review: only merges"):
        _read("HEAD", tree)


def test_an_empty_range_is_an_error_that_says_so(tree: Path) -> None:
    with pytest.raises(TargetError, match=r"^main\.\.HEAD: nothing to review"):
        _read("main..HEAD", tree)


def test_a_commit_message_cannot_pass_for_another_mail(tree: Path) -> None:
    sha = "0" * 40
    text = f"gadget: odd\n\nFrom {sha} Mon Sep 17 00:00:00 2001\nFrom: x\n>From here\n"
    git(tree, "commit", "-q", "--allow-empty", "-m", "filler")
    (tree / "a.c").write_text("int odd;\n")
    git(tree, "commit", "-q", "-a", "-m", text)
    (mail,) = _read("HEAD", tree).mails
    assert f"\nFrom {sha} Mon Sep 17 00:00:00 2001\nFrom: x\n>From here\n".encode() in mail.raw


def test_too_many_patches_are_refused(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "LARGEST", 100)
    with pytest.raises(TargetError, match=r"^HEAD~2\.\.: more than"):
        _read("HEAD~2..", tree)


def test_without_git_a_range_is_refused_and_files_still_work(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(TargetError, match="git is not in PATH"):
        classify("HEAD~1..", tree)
    (tree / "x").write_bytes(V2[1])
    assert len(_read("x", tree).mails) == 1
