"""What b4 itself makes of our findings: its checks, its review, its configuration."""

from __future__ import annotations

import base64
import json
import quopri
import sys
from typing import TYPE_CHECKING

import pytest

from reviewer.discussion.talk import NOBODY_SPOKE
from reviewer.mail.message import read
from reviewer.mail.thread import group
from reviewer.model import Problem, Severity
from reviewer.report import b4
from reviewer.report.b4_agent import render
from reviewer.review import Review, RevisionReview, Threshold
from reviewer.run import Result
from reviewer.sending import b4_config
from tests import lamp
from tests.shelf import BAD, BASE, COUNT, PATH, SWAP_LINE, commit, git, repository, run, series

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from reviewer.review import Annotation, PatchReview

B4 = (sys.executable, "-m", "b4.command")
REVIEWER = (sys.executable, "-m", "reviewer")
COMMAND = f"{sys.executable} -P -m reviewer run - --format b4"

# Run in a process of its own: importing b4 changes how `email` encodes, for good.
CHECKS = """
import argparse, email, email.policy, json, sys
import b4
from b4.review.checks import get_db, run_perpatch_checks, run_series_checks, store_results
b4.can_network = False
b4.setup_config(argparse.Namespace(config={}))
top, command, kind, *names = sys.argv[1:]
mails = []
for name in names:
    with open(name, "rb") as file:
        mails.append((name, email.message_from_binary_file(file, policy=email.policy.default)))
if kind == "series":
    found = {names[0]: run_series_checks(mails[0], [command], top)}
else:
    found = run_perpatch_checks(mails, [command], top)
for name, results in found.items():
    store_results(get_db(), name, results)
print(json.dumps(found))
"""
AGENT = """
import argparse, json, logging, sys
import b4
from b4.review._review import _integrate_agent_reviews, load_tracking
b4.can_network = False
b4.setup_config(argparse.Namespace(config={}))
top, branch, *commits = sys.argv[1:]
cover, tracking = load_tracking(top, branch)
taken = _integrate_agent_reviews(top, cover, tracking, commits, tracking["patches"], branch=branch)
print(json.dumps({"taken": taken, "patches": load_tracking(top, branch)[1]["patches"]}))
"""


def result(*annotations: Annotation, problems: Sequence[Problem] = ()) -> Result:
    patch = lamp.patched(*annotations)
    return Result(Review((), (_revision(patch),), (), tuple(problems)), NOBODY_SPOKE, ())


def _revision(patch: PatchReview) -> RevisionReview:
    (revision,) = group([read((lamp.HEAD + lamp.diff()).encode())]).revisions
    return RevisionReview(revision, (patch,))


def row(text: str) -> dict[str, str]:
    (found,) = json.loads(text)
    assert set(found) == {"tool", "status", "summary", "url", "details"}
    assert all(isinstance(value, str) for value in found.values())
    return dict(found)


def test_a_clean_patch_is_an_explicit_pass_and_no_line() -> None:
    found = row(b4.render(result(), Threshold()))
    assert (found["tool"], found["status"], found["details"]) == ("reviewer", "pass", "")
    assert found["summary"] == "nothing to say"
    assert b4.lines(result(), Threshold()) == ""


def test_findings_are_one_row_with_an_entry_each() -> None:
    line = 46
    several = [
        lamp.found(line, "\tspin_lock(&lamp->lock);"),
        lamp.found(line + 1, severity=Severity.WARNING, rule="locking/x"),
        lamp.found(line + 2, severity=Severity.NOTE),
    ]
    found = row(b4.render(result(*several), Threshold()))
    assert (found["status"], found["summary"]) == ("fail", "1 error, 1 warning, 1 note")
    entries = json.loads(found["details"])
    assert [each["status"] for each in entries] == ["fail", "warn", "pass"]
    assert entries[0]["context"] == "drivers/lamp.c:46 atomic/sleep-under-spinlock"
    assert entries[0]["state"] == "error"
    assert entries[0]["description"].endswith("; fix: move it out of the section")
    assert entries[0]["srcline"] == "spin_lock(&lamp->lock);"


@pytest.mark.parametrize(
    ("severity", "status"),
    [(Severity.ERROR, "fail"), (Severity.WARNING, "warn"), (Severity.NOTE, "pass")],
)
def test_the_status_is_that_of_the_worst(severity: Severity, status: str) -> None:
    found = row(b4.render(result(lamp.found(46, severity=severity)), Threshold()))
    assert found["status"] == status


def test_what_could_not_be_done_is_no_pass() -> None:
    broken = result(problems=[Problem("<1@x>", "a hunk could not be read")])
    found = row(b4.render(broken, Threshold()))
    assert (found["status"], found["summary"]) == ("warn", "1 problem")
    assert b4.lines(broken, Threshold()) == "problem: 1@x: a hunk could not be read\n"
    assert row(b4.not_checked("the rules are broken"))["status"] == "warn"
    assert row(b4.nothing_to_check("a cover letter"))["status"] == "pass"


def test_a_warning_stays_one_whatever_the_code_says() -> None:
    trick = lamp.found(46, message="ERROR: is the name of a label", severity=Severity.WARNING)
    text = b4.lines(result(trick), Threshold())
    assert text.startswith("drivers/lamp.c:46: WARNING: ")
    assert "ERROR:" not in text


def test_no_control_character_of_a_mail_gets_through() -> None:
    trick = lamp.found(46, "\tx\x1b[2J;", message="a\nERROR: b\x1b]0;c\x07")
    for text in (b4.lines(result(trick), Threshold()), b4.render(result(trick), Threshold())):
        assert text.count("\n") == 1
        assert "\x1b" not in text
    assert "\\\\u001b" not in b4.render(result(trick), Threshold())


def test_agent_files_quote_every_row_and_put_remarks_below_theirs() -> None:
    remarked = lamp.found(47, "\tlamp->wick = kzalloc(sizeof(*lamp->wick), GFP_KERNEL);")
    files = render(_revision(lamp.patched(remarked)), Threshold())
    assert sorted(files) == ["0001.txt", "identity.txt"]
    lines = files["0001.txt"].splitlines()
    quoted = [line for line in lines if line.startswith(">")]
    assert len(quoted) == 4 + len(lamp.ROWS)
    assert "kzalloc" in lines[lines.index("") - 1]
    assert render(_revision(lamp.patched()), Threshold()) == {}


def test_a_remark_outside_the_hunks_is_a_note_above_the_diff() -> None:
    files = render(_revision(lamp.patched(lamp.found(900, "\tlate();"))), Threshold())
    assert files["0001.txt"].startswith("drivers/lamp.c:900: late();\n")
    assert ">" not in [line[:1] for line in files["0001.txt"].splitlines()]


def test_what_b4_has_from_us_is_not_written_again() -> None:
    remarked = _revision(lamp.patched(lamp.found(48)))
    said = render(remarked, Threshold())["0001.txt"]
    assert render(remarked, Threshold(), {1: said}) == {}
    assert render(remarked, Threshold(), {2: said}) != {}


def check(
    tree: Path, *mails: Path, kind: str = "patches", command: str = COMMAND
) -> dict[str, list[dict[str, str]]]:
    """What b4 makes of mails, and puts in its database."""
    done = run(tree, sys.executable, "-c", CHECKS, tree, command, kind, *mails)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[dict[str, str]]] = json.loads(done.stdout)
    return found


MULTIPART = b'\nMIME-Version: 1.0\nContent-Type: multipart/%b; boundary="xyz"\n\n'


def _as_it_is(body: bytes) -> bytes:
    return body


ENCODE: dict[str, Callable[[bytes], bytes]] = {
    "8bit": _as_it_is,
    "base64": base64.encodebytes,
    "quoted-printable": quopri.encodestring,
}


def encoded(raw: bytes, form: str) -> bytes:
    """A mail of git format-patch as mail programs send it."""
    head, _, body = raw.partition(b"\n\n")
    head = head.partition(b"\n")[2]  # the `From ` line
    lines = head.split(b"\n")
    head = b"\n".join(line for line in lines if not line.lower().startswith((b"mime", b"content-")))
    body = body.replace(b"Books are", "B\u00fccher are".encode())
    plain = b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: "
    if form == "multipart":
        part = plain + b"8bit\n\n" + body
        other = b"Content-Type: text/html\n\n<p>books</p>\n"
        parts = b"".join(b"--xyz\n" + each + b"\n" for each in (part, other)) + b"--xyz--\n"
        return head + MULTIPART % b"alternative" + parts
    if form == "attached":
        part = b"Content-Type: text/x-patch\nContent-Disposition: attachment; filename=x.patch\n\n"
        parts = b"--xyz\n" + plain + b"8bit\n\nSee below.\n\n--xyz\n" + part + body + b"\n--xyz--\n"
        return head + MULTIPART % b"mixed" + parts
    return head + b"\nMIME-Version: 1.0\n" + plain + form.encode() + b"\n\n" + ENCODE[form](body)


@pytest.mark.parametrize("form", ["8bit", "quoted-printable", "base64", "multipart", "attached"])
def test_the_checks_of_b4_find_what_the_mail_itself_shows(tmp_path: Path, form: str) -> None:
    """b4 gives the body decoded, below the headers of the encoded one."""
    tree = repository(tmp_path, (BAD[1],))
    (file,) = series(tree)
    mail = tmp_path / "mail.eml"
    mail.write_bytes(encoded(file.read_bytes(), form))
    own = run(tree, *REVIEWER, "run", mail, "--format", "b4")
    (found,) = check(tree, mail)[str(mail)]
    assert found == row(own.stdout)
    assert (found["status"], found["summary"]) == ("fail", "1 error")
    (entry,) = json.loads(found["details"])
    assert entry["srcline"] == "swap(shelf->books, old);"


def test_a_cover_letter_passes_the_series_check(tmp_path: Path) -> None:
    tree = repository(tmp_path)
    cover, *_ = series(tree, "--cover-letter")
    (found,) = check(tree, cover, kind="series")[str(cover)]
    assert found["status"] == "pass"


def test_prep_check_shows_findings_on_a_prepared_branch(tmp_path: Path) -> None:
    tree = repository(tmp_path, ())
    made = run(tree, *B4, "--offline-mode", "prep", "-n", "shelf", "-f", "base", EDITOR="true")
    assert made.returncode == 0, made.stderr
    text = BASE
    for number, patch in enumerate(BAD, start=1):
        text += patch
        commit(tree, text, f"shelf: step {number}")
    assert run(tree, *REVIEWER, "hook", "install", "--b4").returncode == 0
    done = run(tree, *B4, "--offline-mode", "prep", "--check")
    said = done.stdout + done.stderr
    assert "Success: 2, Warning: 0, Error: 1" in said
    assert f"{PATH}:{SWAP_LINE}: ERROR: swap() replaces shelf->books" in said


def reviewed(directory: Path) -> Path:
    """A branch as b4 review makes it: the series, and a commit with its notes."""
    tree = repository(directory)
    commits = git(tree, "rev-list", "--reverse", "base..").splitlines()
    git(tree, "checkout", "-q", "-b", "b4/review/shelf")
    notes = {
        "series": {"base-commit": git(tree, "rev-parse", "base"), "first-patch-commit": commits[0]},
        "patches": [{"header-info": {}} for _ in commits],
    }
    message = "shelf: lend books\n\n--- b4-review-tracking ---\n# This is for b4.\n"
    message += json.dumps(notes, indent=2)
    git(tree, "commit", "-q", "--allow-empty", "-m", message)
    return tree


def test_agent_files_are_taken_by_b4_onto_the_line(tmp_path: Path) -> None:
    tree = reviewed(tmp_path)
    written = run(tree, *REVIEWER, "b4-agent", "Read and execute the prompt from /x")
    assert (written.returncode, written.stderr) == (0, "")
    commits = git(tree, "rev-list", "--reverse", "base..HEAD~1").splitlines()
    taken = json.loads(
        run(tree, sys.executable, "-c", AGENT, tree, "b4/review/shelf", *commits).stdout
    )
    assert taken["taken"] is True
    reviews = [patch.get("reviews", {}) for patch in taken["patches"]]
    assert [bool(each) for each in reviews] == [False, True, False]
    (comment,) = reviews[1]["reviewer@localhost"]["comments"]
    assert (comment["path"], comment["line"]) == (f"b/{PATH}", SWAP_LINE)
    assert comment["content"] == "+\tswap(shelf->books, old);"
    assert "a reader can see it half done" in " ".join(comment["text"].split())
    again = run(tree, *REVIEWER, "b4-agent", "--branch", "b4/review/shelf")
    assert (again.returncode, again.stdout) == (0, "nothing to say\n")


def test_run_writes_agent_files_too(tmp_path: Path) -> None:
    tree = reviewed(tmp_path)
    tip = git(tree, "rev-parse", "HEAD")
    done = run(tree, *REVIEWER, "run", "base..HEAD~1", "--format", "b4-agent")
    assert done.returncode == 1
    assert sorted(path.name for path in (tree / ".git" / "b4-review" / tip).iterdir()) == [
        "0002.txt",
        "identity.txt",
    ]
    elsewhere = tmp_path / "files"
    run(tree, *REVIEWER, "run", "base..HEAD~1", "--format", "b4-agent", "-o", elsewhere)
    assert (elsewhere / "0002.txt").exists()


def test_the_files_of_another_agent_are_left_alone(tmp_path: Path) -> None:
    tree = reviewed(tmp_path)
    directory = tree / ".git" / "b4-review" / git(tree, "rev-parse", "HEAD")
    directory.mkdir(parents=True)
    (directory / "identity.txt").write_text("Other <other@shelf.example>\n")
    done = run(tree, *REVIEWER, "b4-agent")
    assert done.returncode == 2
    assert "another agent" in done.stderr
    assert not (directory / "0002.txt").exists()


@pytest.mark.parametrize("notes", ["", "{", "[]", '{"series": {"base-commit": "--x"}}', "[" * 9999])
def test_a_branch_without_notes_is_one_clear_line(tmp_path: Path, notes: str) -> None:
    tree = repository(tmp_path, (COUNT,))
    assert "not a branch of b4 review" in run(tree, *REVIEWER, "b4-agent").stderr
    git(tree, "checkout", "-q", "-b", "b4/review/x")
    message = f"x\n\n--- b4-review-tracking ---\n{notes}"
    git(tree, "commit", "-q", "--allow-empty", "-m", message)
    done = run(tree, *REVIEWER, "b4-agent")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def config(tree: Path, scope: str = "--local") -> str:
    return run(tree, "git", "config", scope, "--list").stdout


@pytest.mark.parametrize("scope", ["--local", "--global"])
def test_b4_is_set_up_and_only_that_is_removed(tmp_path: Path, scope: str) -> None:
    tree = repository(tmp_path, ())
    git(tree, "config", scope, "b4.prep-perpatch-check-cmd", "mine --check")
    before = config(tree, scope)
    options = ["--b4"] + (["--global"] if scope == "--global" else [])
    assert hook(tree, "status", *options).returncode == 1
    assert hook(tree, "install", *options).returncode == 0
    once = config(tree, scope)
    assert "b4.prep-perpatch-check-cmd=mine --check" in once
    assert once.count("--format b4-lines") == 4  # two values, two notes
    hook(tree, "install", *options)
    assert config(tree, scope) == once
    assert hook(tree, "status", *options).stdout.count("reviewer") == 3
    assert hook(tree, "remove", *options).returncode == 0
    assert config(tree, scope) == before
    done = hook(tree, "remove", *options)
    assert (done.returncode, "nothing to remove" in done.stderr) == (2, True)


def test_global_is_for_the_keys_of_b4_alone(tmp_path: Path) -> None:
    done = hook(repository(tmp_path, ()), "install", "--global")
    assert done.returncode == 2
    assert "--global goes with --b4" in done.stderr


def hook(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(tree, *REVIEWER, "hook", *arguments)


def test_checkpatch_goes_on_where_b4_ran_it_by_itself(tmp_path: Path) -> None:
    """b4 has it as a default, which any configured command replaces."""
    tree = repository(tmp_path, ())
    script = tree / "scripts" / "checkpatch.pl"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    before = config(tree)
    hook(tree, "install", "--b4")
    values = git(tree, "config", "--get-all", "b4.review-perpatch-check-cmd").splitlines()
    assert values[0] == "_builtin_checkpatch"
    assert len(values) == 2
    hook(tree, "remove", "--b4")
    assert config(tree) == before


def test_outside_of_a_repository_the_keys_must_be_global(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    done = run(outside, *REVIEWER, "hook", "install", "--b4", GIT_CEILING_DIRECTORIES=str(tmp_path))
    assert done.returncode == 2
    assert "--global" in done.stderr
    assert b4_config.status("--local", outside) == []
