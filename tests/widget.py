"""Threads of a small driver, and a user whose settings and network are the test's own."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from reviewer.mail.message import read
from tests.inbox import diff_body, mail

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from reviewer.mail.archives.archive import Retrieved

IOCTL = "widget: add ioctl to close all handles"
COMPARE = "widget: compare handles by device"
LINUS = "Linus Example <linus@example.com>"

# The patches of v2 do not say so, only their cover does; v3 renames the cover.
V2 = [
    mail("v2-0@a", "[PATCH v2 0/2] widget: forget stale handles", day=4),
    mail("v2-1@a", f"[PATCH 1/2] {IOCTL}", diff_body("walk(&all);"), day=4, parent="v2-0@a"),
    mail("v2-2@a", f"[PATCH 2/2] {COMPARE}", diff_body("compare();"), day=4, parent="v2-0@a"),
    mail(
        "re-1@b",
        f"Re: [PATCH 1/2] {IOCTL}",
        "> +\twalk(&all);\n\nNot safe.\nFrom here on it is.\n",
        day=5,
        author=LINUS,
        parent="v2-1@a",
    ),
]
V3 = [
    mail("v3-0@a", "[PATCH v3 0/2] widget: survive a crash of the daemon", day=7),
    mail("v3-1@a", f"[PATCH v3 1/2] {IOCTL}", diff_body("lock();"), day=7, parent="v3-0@a"),
    mail("v3-2@a", f"[PATCH v3 2/2] {COMPARE}", diff_body("same();"), day=7, parent="v3-0@a"),
    mail("re-3@b", f"Re: [PATCH v3 1/2] {IOCTL}", "Good.\n", day=8, author=LINUS, parent="v3-1@a"),
]
# What the searches also find: a longer title, another author.
OTHERS = [
    mail("long@a", f"[PATCH v5] {IOCTL} of a bus", diff_body("bus();"), day=9),
    mail("else@c", f"[PATCH v4 1/2] {IOCTL}", diff_body("x();"), day=9, author=LINUS),
]
ALONE = [
    mail("one-1@a", "[PATCH] gadget: stop the clock", diff_body("stop();"), day=10),
    mail("one-2@a", "[PATCH v2] gadget: stop the clock", diff_body("halt();"), day=11),
    mail("one-3@a", "[PATCH v3] gadget: stop the clock", diff_body("off();"), day=12),
]
V2_THREAD = {"v2-0@a", "v2-1@a", "v2-2@a", "re-1@b"}
V3_THREAD = {"v3-0@a", "v3-1@a", "v3-2@a", "re-3@b"}

# Goes before a mail.
SIGNED = (
    b"DKIM-Signature: v=1; a=rsa-sha256; d=example.org;\n\ts=key1; h=from:subject;\n\tbh=; b=x\n"
)


def isolate(monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    """Be a user without settings and cache, who reaches nothing but the loopback interface."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(directory / "home"))
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(directory / name))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (directory / "home").mkdir()
    monkeypatch.chdir(directory)


def set_global(directory: Path, key: str, value: str) -> None:
    """Set a key of the user's git config."""
    subprocess.run(["git", "config", "--global", key, value], check=True, cwd=directory)


def ids(found: Retrieved) -> list[str]:
    """The message-ids of what was fetched, in order."""
    return [read(mail.raw).message_id for mail in found.mails]


def git(tree: Path, *arguments: str) -> str:
    """Run git in `tree`; gives what it prints."""
    done = subprocess.run(
        ["git", "-C", str(tree), *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def repository(monkeypatch: pytest.MonkeyPatch, directory: Path) -> Path:
    """A repository of three commits on `main`, the first of which is `origin/main`."""
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Ada Byron")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ada@example.org")
    tree = directory / "tree"
    git(directory, "init", "-q", "-b", "main", str(tree))
    for number in range(3):
        lines = [f"int line_{n};\n" for n in range(10)] + [f"int last_{number};\n"]
        (tree / "a.c").write_text("".join(lines))
        git(tree, "add", "a.c")
        git(tree, "commit", "-q", "-m", f"gadget: step {number}")
        if number == 0:
            git(tree, "update-ref", "refs/remotes/origin/main", "HEAD")
    return tree
