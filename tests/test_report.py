"""The reports: the JSON contract key by key, and what a person sees at a terminal."""

from __future__ import annotations

import io
import json as stdlib_json
import re
from typing import Any

import pytest
from rich.console import Console

from reviewer.report import json, terminal
from reviewer.report.plain import plain
from reviewer.review import EVERYTHING, Review, Threshold
from reviewer.run import Request, review
from tests.command import THREADS

REVISION = {"label", "version", "message_id", "date", "complete", "patches"}
PATCH = {"message_id", "subject", "position", "of", "origin", "files", "findings"}
FILE = {"path", "context", "reason", "functions", "unparsed"}
FINDING = {
    *("rule", "severity", "confidence", "status", "path", "line", "side", "function", "code"),
    *("message", "evidence", "fix", "comments", "fingerprint"),
}


@pytest.fixture(scope="module")
def reviewed() -> Review:
    thread = THREADS / "demo-close-all" / "thread.mbox"
    return review(Request((str(thread),), use_tree=False)).review


@pytest.fixture(scope="module")
def report(reviewed: Review) -> Any:
    return stdlib_json.loads(json.render(reviewed))


def shown(reviewed: Review, threshold: Threshold = EVERYTHING, width: int = 80) -> str:
    out = io.StringIO()
    terminal.render(reviewed, Console(file=out, width=width), threshold)
    return out.getvalue()


def test_the_json_report_has_every_key_of_schema_one(report: Any) -> None:
    assert report["schema"] == 1
    assert report["tool"]["name"] == "reviewer"
    assert {"targets", "revisions", "comments", "agreement", "problems"} <= report.keys()
    for revision in report["revisions"]:
        assert revision.keys() >= REVISION
        for patch in revision["patches"]:
            assert patch.keys() >= PATCH
            assert all(file.keys() >= FILE for file in patch["files"])
            assert all(finding.keys() >= FINDING for finding in patch["findings"])


def test_values_of_a_finding_are_the_words_of_the_contract(report: Any) -> None:
    findings = [f for r in report["revisions"] for p in r["patches"] for f in p["findings"]]
    assert {f["severity"] for f in findings} == {"error", "warning", "note"}
    assert {f["confidence"] for f in findings} == {"likely", "hunch"}
    assert {f["status"] for f in findings} == {"introduced"}
    swap = next(f for f in findings if f["rule"] == "rcu/bulk-swap")
    assert (swap["line"], swap["side"], swap["function"]) == (118, "new", "demo_session_close_all")
    assert swap["code"] == "\tswap(dd->sessions, old_sessions);"
    assert swap["evidence"][0]["code"] == "\tsynchronize_rcu();"
    assert swap["fix"]["safety"] == "sketch"
    assert re.fullmatch(r"[0-9a-f]{16}", swap["fingerprint"])


def test_origins_tell_where_a_patch_was_found(report: Any) -> None:
    origins = [[p["origin"] for p in revision["patches"]] for revision in report["revisions"]]
    assert origins == [["mail", "mail"], ["inline"], ["attachment"], ["mail", "mail"]]


def test_an_annotation_stands_under_its_line(reviewed: Review) -> None:
    lines = shown(reviewed).splitlines()
    at = next(i for i, line in enumerate(lines) if "swap(dd->sessions" in line)
    assert lines[at].startswith("   118 +")
    assert lines[at + 1].startswith("        ^ error: swap() replaces dd->sessions")


def test_evidence_shows_path_line_and_code(reviewed: Review) -> None:
    lines = shown(reviewed, width=120).splitlines()
    at = next(i for i, line in enumerate(lines) if "drivers/demo/session.c:125" in line)
    assert lines[at + 1].strip() == "synchronize_rcu();"


def test_only_hunks_with_something_to_say_are_printed(reviewed: Review) -> None:
    assert "demo_session_matches" not in shown(reviewed)


def test_the_last_lines_sum_up(reviewed: Review) -> None:
    out = " ".join(shown(reviewed, Threshold(), width=200).split())
    assert "4 revisions, 6 patches, 12 files: 2 errors, 0 warnings, 1 note." in out
    assert "12 from the hunks alone" in out
    assert "Not shown: 1 hunch warning" in out


@pytest.mark.parametrize("width", [40, 80, 200])
def test_nothing_is_lost_at_any_width(reviewed: Review, width: int) -> None:
    wide, narrow = shown(reviewed, width=1000), shown(reviewed, width=width)
    assert "".join(narrow.split()) == "".join(wide.split())


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        ("a\tb", "a\tb"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\x00\x07\x7f", "a\\x00\\x07\\x7f"),
        ("\x9b2J", "\\x9b2J"),
        ("\u202eevil", "\\u202eevil"),
        ("line\u2028break\nand\rreturn", "line\\u2028break\\x0aand\\x0dreturn"),
        ("\udcff", "\N{REPLACEMENT CHARACTER}"),
        ("Jörg 😀", "Jörg 😀"),
    ],
)
def test_no_control_character_is_printed(given: str, printed: str) -> None:
    assert plain(given) == printed
