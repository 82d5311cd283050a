"""The command as a user types it: exit status, streams, colours."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from typing import TYPE_CHECKING

from tests.command import REVIEWER, THREADS, environment, reviewer
from tests.widget import git

if TYPE_CHECKING:
    from pathlib import Path

THREAD = THREADS / "demo-close-all" / "thread.mbox"
QUIET = THREADS / "port-rules" / "thread.mbox"


def test_findings_make_the_exit_status_one() -> None:
    assert reviewer("run", "--no-tree", THREAD).returncode == 1


def test_nothing_to_say_makes_it_zero() -> None:
    done = reviewer("run", "--no-tree", QUIET)
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing to say" in done.stdout


def test_a_bad_target_says_what_would_have_been_accepted() -> None:
    done = reviewer("run", "no-such-thing")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    for form in ("message-id", "URL", "mbox", ".patch", "standard input", "HEAD~3.."):
        assert form in done.stderr


def test_one_bad_target_does_not_stop_the_others() -> None:
    done = reviewer("run", "--no-tree", "no-such-thing", THREAD)
    assert done.returncode == 2
    assert "no-such-thing" in done.stderr
    assert "rcu/bulk-swap" in done.stdout


def test_a_mail_without_a_patch_says_so(tmp_path: Path) -> None:
    mail = tmp_path / "hello.eml"
    mail.write_text("From: A <a@b.example>\nSubject: hello\nMessage-ID: <1@b.example>\n\nHello.\n")
    done = reviewer("run", mail)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no patch" in done.stderr


def test_a_plain_git_format_patch_file_needs_no_message_id(tmp_path: Path) -> None:
    file = tmp_path / "0001-demo.patch"
    file.write_text(PLAIN)
    done = reviewer("run", "--no-tree", file, "--format", "json")
    (revision,) = json.loads(done.stdout)["revisions"]
    assert revision["label"] == "v1"
    assert [each["rule"] for each in revision["patches"][0]["findings"]] == [
        "locking/missing-unlock"
    ]


def test_a_bare_diff_can_be_piped_in() -> None:
    done = reviewer("run", "-", stdin=PLAIN[PLAIN.index("diff --git") :].encode())
    assert done.returncode == 1
    assert "this return leaves ring->lock held" in " ".join(done.stdout.split())


def test_commits_are_reviewed_with_whole_files(tmp_path: Path) -> None:
    repository(tmp_path)
    done = reviewer("run", "HEAD^..", "--format", "json", cwd=tmp_path)
    (revision,) = json.loads(done.stdout)["revisions"]
    (patch,) = revision["patches"]
    assert patch["origin"] == "commit"
    assert patch["message_id"] == git(tmp_path, "rev-parse", "HEAD").strip()
    assert [file["context"] for file in patch["files"]] == ["blob"]
    assert [each["line"] for each in patch["findings"]] == [45]


def test_a_tree_shows_what_the_mail_does_not(tmp_path: Path) -> None:
    """The lock is taken forty lines above the hunk."""
    repository(tmp_path)
    mail = tmp_path / "mail.patch"
    mail.write_text(git(tmp_path, "format-patch", "-1", "--stdout"))
    assert reviewer("run", "--no-tree", mail).returncode == 0
    done = reviewer("run", "--tree", tmp_path, mail, cwd=tmp_path.parent)
    assert done.returncode == 1
    assert "1 whole" in done.stdout


def test_a_tree_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    done = reviewer("run", "--tree", tmp_path, THREAD)
    assert done.returncode == 2
    assert "not inside a git repository" in done.stderr


def test_severity_and_confidence_can_be_raised() -> None:
    done = reviewer("run", "--no-tree", THREAD, "--min-severity", "error")
    assert "rcu/open-coded-replace" not in done.stdout
    assert "rcu/bulk-swap" in done.stdout
    assert reviewer("run", "--no-tree", THREAD, "--min-confidence", "certain").returncode == 0


def test_all_shows_hunches_too() -> None:
    everything = reviewer("run", "--no-tree", THREAD, "--all").stdout
    assert "[life/removal-in-walk, hunch]" in " ".join(everything.split())
    assert "removal-in-walk" not in reviewer("run", "--no-tree", THREAD).stdout


def test_rules_can_be_chosen_and_skipped() -> None:
    only = reviewer("run", "--no-tree", THREAD, "--rule", "rcu/*").stdout
    assert "rcu/bulk-swap" in only
    assert "locking/unlocked-walk" not in only
    skipped = reviewer("run", "--no-tree", THREAD, "--skip-rule", "rcu/*").stdout
    assert "rcu/bulk-swap" not in skipped


def test_an_unknown_rule_is_named_with_the_nearest_one() -> None:
    done = reviewer("run", THREAD, "--rule", "rcu/bulk-swop")
    assert done.returncode == 2
    assert "rcu/bulk-swap" in done.stderr


def test_there_is_no_colour_in_a_pipe_and_some_when_asked_for() -> None:
    assert "\x1b[" not in reviewer("run", "--no-tree", THREAD).stdout
    forced = reviewer("run", "--no-tree", THREAD, "--color", "always", TERM="xterm-256color")
    assert "\x1b[" in forced.stdout


def test_the_report_fits_eighty_columns_but_for_the_code() -> None:
    out = reviewer("run", "--no-tree", THREAD, "--all").stdout
    long = [line for line in out.splitlines() if len(line) > 80]
    assert not [line for line in long if line[:6].strip() and not line[:6].strip().isdigit()]
    assert not [line for line in out.splitlines() if line != line.rstrip()]


def test_a_report_can_be_written_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    done = reviewer("run", "--no-tree", THREAD, "--format", "json", "-o", file)
    assert (done.returncode, done.stdout) == (1, "")
    assert json.loads(file.read_text())["schema"] == 1


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    done = reviewer("run", "--no-tree", THREAD, "-o", tmp_path / "no" / "where")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_replies_are_drafted_one_file_for_a_patch(tmp_path: Path) -> None:
    file = tmp_path / "0001.patch"
    mailed = PLAIN[PLAIN.index("\n") + 1 :]  # without git's own first line it is a mail
    file.write_text(mailed.replace("Date:", "Message-ID: <1@demo.example>\nDate:"))
    out = tmp_path / "drafts"
    done = reviewer("run", "--no-tree", file, "--format", "mail", "-o", out)
    assert (done.returncode, done.stderr) == (1, "")
    (draft,) = out.iterdir()
    assert done.stdout.strip() == str(draft)
    text = draft.read_text()
    assert "In-Reply-To: <1@demo.example>" in text
    assert "> +\t\treturn -EBUSY;\n\n" in text


def test_nothing_is_drafted_that_a_person_said_already() -> None:
    assert reviewer("run", "--no-tree", THREAD, "--format", "mail").stdout == ""


def test_comments_can_be_left_out() -> None:
    assert "Tom Birch" in reviewer("run", "--no-tree", THREAD).stdout
    assert "Tom Birch" not in reviewer("run", "--no-tree", THREAD, "--comments", "none").stdout


def test_the_same_input_gives_the_same_output() -> None:
    first = reviewer("run", "--no-tree", THREAD, "--format", "json", PYTHONHASHSEED="1")
    second = reviewer("run", "--no-tree", THREAD, "--format", "json", PYTHONHASHSEED="2")
    assert first.stdout == second.stdout


def test_a_closed_pipe_ends_quietly() -> None:
    line = f"'{REVIEWER[0]}' -m reviewer run --no-tree '{THREAD}' | head -n 1 >/dev/null"
    done = subprocess.run(
        ["sh", "-c", line], env=environment(), capture_output=True, check=False, timeout=60
    )
    assert done.stderr == b""


def test_ctrl_c_ends_with_130_and_no_traceback() -> None:
    process = subprocess.Popen(
        [*REVIEWER, "run", "-"],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    time.sleep(1.0)  # it waits for standard input by then
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Traceback" not in err


def test_help_teaches_every_form_of_a_target() -> None:
    out = reviewer("run", "--help").stdout
    for form in ("Message-ID", "https://", "mbox", ".patch", "HEAD~3..", "exit status"):
        assert form in out


PLAIN = """\
From 3d0c9f8b7a6e5d4c3b2a19080706050403020100 Mon Sep 17 00:00:00 2001
From: Mira Sand <mira@demo.example>
Date: Mon, 2 Mar 2026 09:00:00 +0100
Subject: [PATCH] demo: do not grow a ring that was stopped

---
 ring.c | 2 ++
 1 file changed, 2 insertions(+)

diff --git a/ring.c b/ring.c
index 1111111..2222222 100644
--- a/ring.c
+++ b/ring.c
@@ -1,8 +1,10 @@
 int demo_ring_grow(struct demo_ring *ring, struct demo_slot *slot)
 {
 \tmutex_lock(&ring->lock);
+\tif (ring->stopped)
+\t\treturn -EBUSY;
 \tlist_add_tail(&slot->node, &ring->idle);
 \tmutex_unlock(&ring->lock);
\x20
 \treturn 0;
 }
--\x20
2.43.0
"""


def repository(directory: Path) -> None:
    """A function whose lock is taken far above the line that the last commit adds."""
    steps = "".join(f"\tdemo_step(ring, {n});\n" for n in range(40))
    before = (
        "int demo_ring_run(struct demo_ring *ring)\n{\n\tmutex_lock(&ring->lock);\n"
        f"{steps}\tmutex_unlock(&ring->lock);\n\treturn 0;\n}}\n"
    )
    after = before.replace(
        "\tmutex_unlock", "\tif (ring->stopped)\n\t\treturn -EBUSY;\n\tmutex_unlock"
    )
    git(directory, "init", "-q")
    for text in (before, after):
        (directory / "ring.c").write_text(text)
        git(directory, "add", "ring.c")
        git(directory, "commit", "-qm", "demo: a change")
