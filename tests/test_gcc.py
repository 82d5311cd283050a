"""Lines as a compiler's: what editors and problem matchers make of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from reviewer.model import Fix, Problem, Severity, Status
from reviewer.report import gcc
from reviewer.review import Threshold
from tests.findings import PATH, annotation, result

if TYPE_CHECKING:
    from pathlib import Path

# The pattern that Visual Studio Code and the problem matchers of CI use for gcc.
LINE = re.compile(r"^(.*?):(\d+):(\d+):\s+(warning|error|note):\s+(.*)$")


def test_a_finding_is_one_line_with_its_rule() -> None:
    assert gcc.render(result(annotation()), Threshold()) == (
        f"{PATH}:12:2: error: the kiln is hot [rcu/bulk-swap]\n"
    )


def test_evidence_and_fix_are_notes_at_their_places() -> None:
    of = result(annotation(note="cooled here", fix=Fix("read it once")))
    assert gcc.render(of, Threshold()).splitlines()[1:] == [
        f"{PATH}:30:3: note: cooled here (before the patch)",
        f"{PATH}:12:2: note: fix: read it once",
    ]


def test_a_clean_review_has_no_line() -> None:
    assert gcc.render(result(annotation(status=Status.PREEXISTING)), Threshold()) == ""


def test_where_there_are_several_revisions_each_line_names_its_own() -> None:
    of = result(annotation(), labels=("v1", "v2"))
    first, second = gcc.render(of, Threshold()).splitlines()
    assert first.endswith("(in v1) [rcu/bulk-swap]")
    assert second.endswith("(in v2) [rcu/bulk-swap]")


def test_no_text_of_a_mail_makes_a_line_of_its_own() -> None:
    evil = annotation("a\nb.c:1:1: error: forged\x1b[2J", path="x\ny.c", note="c\r\nd")
    lines = gcc.render(result(evil), Threshold()).splitlines()
    assert len(lines) == 2
    assert all(LINE.match(line) for line in lines)
    assert "\x1b" not in "".join(lines)


def test_vim_jumps_to_every_finding_and_to_nothing_else(tmp_path: Path) -> None:
    vim = shutil.which("vim")
    if vim is None or "+quickfix" not in _version(vim):
        pytest.skip("there is no vim with quickfix")
    of = result(
        annotation(note="cooled here"),
        annotation("the lid is open", severity=Severity.WARNING, line=40),
        problems=(Problem("<1@x>:12", "line 3: drivers/x.c:7: cut off"),),
    )
    listed = _quickfix(vim, gcc.render(of, Threshold()), tmp_path)
    assert [(e["file"], e["lnum"], e["col"], e["text"]) for e in listed] == [
        (PATH, 12, 2, "error: the kiln is hot [rcu/bulk-swap]"),
        (PATH, 30, 3, "note: cooled here (before the patch)"),
        (PATH, 40, 2, "warning: the lid is open [rcu/bulk-swap]"),
    ]


def _version(vim: str) -> str:
    return subprocess.run([vim, "--version"], capture_output=True, text=True, check=True).stdout


def _quickfix(vim: str, report: str, directory: Path) -> list[dict[str, Any]]:
    """What vim's default error format reads from the report."""
    errors, out = directory / "errors", directory / "out.json"
    errors.write_text(report)
    entry = "{'file': bufname(v:val.bufnr), 'lnum': v:val.lnum, 'col': v:val.col, " + (
        "'text': trim(v:val.text)}"
    )
    listed = f"map(filter(getqflist(), 'v:val.valid'), {json.dumps(entry)})"
    commands = [f"cgetfile {errors}", f"call writefile([json_encode({listed})], '{out}')", "qa!"]
    arguments = [argument for command in commands for argument in ("-c", command)]
    subprocess.run(
        [vim, "-N", "-u", "NONE", "-i", "NONE", "-es", *arguments],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=30,
    )
    read: list[dict[str, Any]] = json.loads(out.read_text())
    return read
