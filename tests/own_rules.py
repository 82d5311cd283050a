"""Rules of a user, packages and repositories that carry rules, and runs over a small patch."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from reviewer.sources.origins import Setup, load_all

if TYPE_CHECKING:
    from pathlib import Path

    from reviewer.sources.origins import Loaded

TOML = """\
title = "Result of {name}() is lost"
severity = "note"
confidence = "likely"
since = "0.1"
explanation = "It is gone."
match = "{name}($A);"
message = "keep what {name}() makes of $A"
"""
PYTHON = '''\
"""The result is lost."""

from reviewer.model import Confidence, Finding, Severity
from reviewer.rule import Rule


def check(source):
    {body}
    for function in source.touched:
        for call in function.calls:
            if call.name == "{name}":
                yield Finding(call.span, "keep what {name}() makes", function.name)


rule = Rule("Result of {name}() is lost", Severity.NOTE, Confidence.LIKELY, "0.1", check)
'''
PATCH = b"""\
From: Ada Byron <ada@example.org>
Subject: [PATCH] demo: take and give
Message-ID: <1@example.org>
Date: Mon, 2 Mar 2026 10:00:00 +0000

Text.
---
diff --git a/drivers/demo.c b/drivers/demo.c
--- a/drivers/demo.c
+++ b/drivers/demo.c
@@ -1,4 +1,6 @@
 int demo(struct demo *d)
 {
+\ttake(d);
+\tgive(d);
 \treturn 0;
 }
"""


def data(name: str = "take") -> str:
    """A declarative rule about the calls of a function."""
    return TOML.format(name=name)


def code(name: str = "take", body: str = "pass") -> str:
    """A Python rule about the calls of a function, which does `body` first."""
    return PYTHON.format(name=name, body=body)


def write(root: Path, name: str, text: str) -> Path:
    """A file below `root`, with its directories."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def patch(directory: Path) -> Path:
    """The mail of a patch that calls take() and give()."""
    path = directory / "demo.patch"
    path.write_bytes(PATCH)
    return path


def of(directory: Path) -> Loaded:
    """All rules of a user who names this directory."""
    return load_all(Setup(directories=(directory,), cwd=directory))


def own(loaded: Loaded) -> list[str]:
    """Ids of what is not shipped."""
    return [each.rule.id for each in loaded.known if ":" in each.rule.id]


def said(loaded: Loaded) -> list[str]:
    """The problems, one line each."""
    return [f"{each.where}: {each.what}" for each in loaded.problems]


def commit(tree: Path, subject: str = "demo: step") -> str:
    """Commit everything that is in the tree; gives the id."""
    who = ("-c", "user.name=Ada Byron", "-c", "user.email=ada@example.org")
    for command in (("init", "-q"), ("add", "-A"), (*who, "commit", "-qm", subject)):
        subprocess.run(["git", "-C", str(tree), *command], check=True, capture_output=True)
    done = subprocess.run(
        ["git", "-C", str(tree), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()
