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
from reviewer.report.remarks import Remarks, Which, shortened
from reviewer.review import EVERYTHING, Threshold
from reviewer.run import Request, Result, review
from tests.command import THREADS

COMMENT = {
    *("id", "message_id", "author", "date", "patch", "path", "line", "range", "side", "code"),
    *("text", "topics", "kind", "outcome", "findings"),
}
REVISION = {"label", "version", "message_id", "date", "complete", "patches"}
PATCH = {"message_id", "subject", "position", "of", "origin", "files", "findings"}
FILE = {"path", "context", "reason", "functions", "unparsed"}
FINDING = {
    *("rule", "severity", "confidence", "status", "path", "line", "side", "function", "code"),
    *("message", "evidence", "fix", "comments", "fingerprint"),
}


@pytest.fixture(scope="module")
def reviewed() -> Result:
    thread = THREADS / "demo-close-all" / "thread.mbox"
    return review(Request((str(thread),), use_tree=False))


@pytest.fixture(scope="module")
def report(reviewed: Result) -> Any:
    return stdlib_json.loads(json.render(reviewed.review, reviewed.discussion))


def shown(
    reviewed: Result,
    threshold: Threshold = EVERYTHING,
    width: int = 80,
    which: Which = Which.ALL,
) -> str:
    out = io.StringIO()
    remarks = Remarks(reviewed.discussion, which)
    terminal.render(reviewed.review, remarks, Console(file=out, width=width), threshold)
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


def test_the_json_report_has_every_key_of_a_comment(report: Any) -> None:
    assert report["comments"]
    assert all(comment.keys() >= COMMENT for comment in report["comments"])
    assert {each["outcome"] for each in report["comments"]} <= {"addressed", "open", "unknown"}
    assert report["agreement"] == {"both": 3, "rules_only": 0, "humans_only": 0}


def test_a_comment_and_the_finding_that_says_the_same_name_each_other(report: Any) -> None:
    findings = [f for r in report["revisions"] for p in r["patches"] for f in p["findings"]]
    swap = next(f for f in findings if f["rule"] == "rcu/bulk-swap")
    (comment,) = (c for c in report["comments"] if c["id"] in swap["comments"])
    assert comment["author"] == "Tom Birch"
    assert swap["fingerprint"] in comment["findings"]
    assert comment["path"] == swap["path"]
    assert comment["range"][0] <= swap["line"] <= comment["range"][1]
    assert comment["outcome"] == "addressed"
    assert swap["gone"] == "v3"


def test_what_people_said_stands_beside_what_the_rules_say(reviewed: Result) -> None:
    lines = shown(reviewed).splitlines()
    at = next(i for i, line in enumerate(lines) if "swap(dd->sessions" in line)
    near = " ".join(" ".join(lines[at : at + 14]).replace("|", "").split())
    assert "Tom Birch, 2026-03-03" in near
    assert "addressed in v3" in near
    assert "can see the map when only half of it has been swapped" in near
    assert "^ error: swap() replaces dd->sessions" in near


def test_a_table_closes_the_report(reviewed: Result) -> None:
    lines = shown(reviewed, Threshold()).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("revision "))
    assert [line.split()[0] for line in lines[at + 1 : at + 5]] == ["v2", "v2.1", "v2.2", "v3"]
    assert "3 said by both" in lines[at + 5]


def test_comments_can_be_left_out_and_only_the_open_ones_kept(reviewed: Result) -> None:
    assert "Tom Birch" not in shown(reviewed, which=Which.NONE)
    assert "Tom Birch, 2026-03-03" not in shown(reviewed, which=Which.OPEN)


def test_a_comment_is_shortened_to_what_one_reads_under_a_line() -> None:
    assert shortened("one\ntwo\n\n\tcode(a);\n\tcode(b);") == [
        "one two",
        "\tcode(a);",
        "\tcode(b);",
    ]
    long = shortened("word " * 300)
    assert sum(map(len, long)) < 600
    assert long[-1].endswith("[...]")


def test_an_annotation_stands_under_its_line(reviewed: Result) -> None:
    lines = shown(reviewed).splitlines()
    at = next(i for i, line in enumerate(lines) if "swap(dd->sessions" in line)
    assert lines[at].startswith("   118 +")
    under = next(line for line in lines[at + 1 :] if not line.startswith("        | "))
    assert under.startswith("        ^ error: swap() replaces dd->sessions")


def test_evidence_shows_path_line_and_code(reviewed: Result) -> None:
    lines = shown(reviewed, width=120).splitlines()
    at = next(i for i, line in enumerate(lines) if "drivers/demo/session.c:125" in line)
    assert lines[at + 1].strip() == "synchronize_rcu();"


def test_only_hunks_with_something_to_say_are_printed(reviewed: Result) -> None:
    assert "demo_session_matches" not in shown(reviewed)


def test_the_last_lines_sum_up(reviewed: Result) -> None:
    out = " ".join(shown(reviewed, Threshold(), width=200).split())
    assert "4 revisions, 6 patches, 12 files: 2 errors, 0 warnings, 1 note." in out
    assert "12 from the hunks alone" in out
    assert "Not shown: 1 hunch warning" in out


@pytest.mark.parametrize("width", [40, 80, 200])
def test_nothing_is_lost_at_any_width(reviewed: Result, width: int) -> None:
    wide, narrow = shown(reviewed, width=1000), shown(reviewed, width=width)
    assert _letters(narrow) == _letters(wide)


def _letters(out: str) -> str:
    """Without white space, and without the bars that every row of a comment begins with."""
    return "".join(out.replace("|", "").split())


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
