"""What a stranger can put into a mail: it must not hang, crash, or reach files and terminal."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import pytest

from tests.command import reviewer

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 5.0
HEADER = "From: A <a@b.example>\nMessage-ID: <1@b.example>\nSubject: [PATCH] demo: {}\n\n"


def mail(diff: str, subject: str = "a change") -> bytes:
    return (HEADER.format(subject) + "Text.\n---\n" + diff).encode("utf-8", "surrogateescape")


def diff(path: str, rows: list[str], *, section: str = "", counts: str | None = None) -> str:
    """A diff that adds `rows` after line 9 of the file."""
    counts = counts or f"-10 +10,{len(rows)}"
    added = "".join(f"+{row}\n" for row in rows)
    head = f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n"
    return f"{head}@@ {counts} @@ {section}\n{added}"


def new_file(path: str, rows: list[str]) -> str:
    added = "".join(f"+{row}\n" for row in rows)
    head = f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n"
    return f"{head}@@ -0,0 +1,{len(rows)} @@\n{added}"


NESTED = [
    "int demo(int a)",
    "{",
    *("\t" * (n % 12) + f"if (a > {n}) {{" for n in range(1000)),
    "\tmutex_lock(&demo_lock);",
    *("}" for _ in range(1001)),
]
LONG_FUNCTION = [
    "int demo(struct demo *d)",
    "{",
    *(
        f"\tif (demo_step(d, {n})) {{\n+\t\tspin_lock(&d->lock{n});\n+\t\tgoto out{n % 50};\n+\t}}"
        for n in range(2500)
    ),
    *(f"out{n}:\n+\tspin_unlock(&d->lock{n});" for n in range(50)),
    "\treturn 0;",
    "}",
]

MAILS = {
    "a line of one megabyte": mail(diff("a.c", ["x" * 1_000_000])),
    "a megabyte of open parentheses": mail(diff("a.c", ["(" * 1000] * 1000)),
    "a megabyte of headers": b"X-A: b\n" * 150_000,
    "a header of one megabyte": b"Subject: " + b"a" * 1_000_000 + b"\n\nText\n",
    "a hunk of 10,000 rows": mail(
        new_file("a.c", ["int demo(void)", "{", *["\tdemo_call(a, b);"] * 10_000, "}"])
    ),
    "10,000 functions": mail(new_file("a.c", ["int f(int a)", "{", "\treturn a;", "}"] * 2500)),
    "1,000 nested blocks": mail(new_file("a.c", NESTED)),
    "2,500 locks and 50 labels": mail(new_file("a.c", LONG_FUNCTION)),
    "1,000 unmatched braces": mail(diff("a.c", ["}"] * 1000)),
    "only headers": HEADER.format("nothing").encode(),
    "counts that lie": mail(diff("a.c", ["int a;"], counts="-1,999999999 +1,999999999")),
    "a count with 5,000 digits": mail(diff("a.c", ["int a;"], counts=f"-{'9' * 5000} +1")),
    "a path out of the tree": mail(diff("../../etc/passwd.c", ["int a;"])),
    "an absolute path": mail(diff("/etc/passwd.c", ["int a;"])),
    "NUL and escape codes": mail(diff("a.c", ["int a\x00b;", "\x1b]0;title\x07int c;"])),
    "broken UTF-8": mail(diff("a.c", ['char *s = "\udcff\udcfe";'])),
    "macros that never end": mail(diff("a.c", ["#define A \\"] * 3000)),
    "comments that never end": mail(diff("a.c", ["/* a", '"b', "'c"] * 3000)),
    "a switch of 5,000 cases": mail(
        new_file(
            "a.c",
            ["int demo(int a)", "{", "\tswitch (a) {"]
            + [f"\tcase {n}:\n+\t\tmutex_lock(&m);" for n in range(5000)]
            + ["\t}", "}"],
        )
    ),
}


@pytest.mark.parametrize("name", MAILS)
def test_it_ends_in_time_with_a_report_or_a_clear_line(name: str, tmp_path: Path) -> None:
    file = tmp_path / "hostile.eml"
    file.write_bytes(MAILS[name])
    began = time.monotonic()
    done = reviewer("run", "--no-tree", file)
    assert time.monotonic() - began < SECONDS
    assert done.returncode in (0, 1, 2)
    assert "Traceback" not in done.stderr
    assert done.stdout or done.stderr.count("\n") == 1
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", done.stdout + done.stderr)


@pytest.mark.parametrize("path", ["../../etc/passwd.c", "/etc/passwd.c", "a/../../../b.c"])
def test_a_path_out_of_the_tree_is_named_and_never_opened(path: str, tmp_path: Path) -> None:
    file = tmp_path / "hostile.eml"
    file.write_bytes(mail(diff(path, ["int a;"]) + new_file("good.c", ["int b;"])))
    report = json.loads(reviewer("run", "--no-tree", file, "--format", "json").stdout)
    (patch,) = report["revisions"][0]["patches"]
    assert [each["path"] for each in patch["files"]] == ["good.c"]
    assert any("path" in each["what"] for each in report["problems"])


def test_escape_codes_in_subject_path_and_code_are_spelled_out(tmp_path: Path) -> None:
    rows = [
        "int demo(struct demo *d)",
        "{",
        "\tspin_lock(&d->lock);",
        "\tif (d->dead)",
        "\t\treturn -EINVAL; /* \x1b[31mred\x1b[0m \u202e */",
        "\tspin_unlock(&d->lock);",
        "\treturn 0;",
        "}",
    ]
    file = tmp_path / "hostile.eml"
    file.write_bytes(mail(new_file("a.c", rows), subject="\x1b]2;owned\x07 \x1b[2J"))
    done = reviewer("run", "--no-tree", file, "--color", "always", TERM="xterm-256color")
    colours = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    assert done.returncode == 1
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", colours)
    assert "\\x1b[31mred" in colours
