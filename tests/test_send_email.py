"""The hook in a real git send-email, in front of a real SMTP server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.shelf import (
    BAD,
    COUNT,
    GOOD,
    PATH,
    SIZE,
    SWAP,
    SWAP_LINE,
    git,
    repository,
    run,
    series,
    sink,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.shelf import Sink

EXEC_PATH = subprocess.run(
    ["git", "--exec-path"], capture_output=True, text=True, check=True
).stdout.strip()
pytestmark = pytest.mark.skipif(
    not Path(EXEC_PATH, "git-send-email").exists(), reason="git send-email is not installed"
)
REVIEWER = (sys.executable, "-m", "reviewer")


@pytest.fixture
def server() -> Iterator[Sink]:
    with sink() as found:
        yield found


def send(
    tree: Path, server: Sink, *what: str | Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    return run(
        tree,
        *("git", "send-email", "--quiet", "--confirm=never", "--no-format-patch"),
        *("--smtp-server=127.0.0.1", f"--smtp-server-port={server.port}"),
        *("--suppress-cc=all", "--from=ada@shelf.example", "--to=list@shelf.example"),
        *what,
        **variables,
    )


def installed(directory: Path, patches: tuple[str, ...] = BAD) -> Path:
    tree = repository(directory, patches)
    done = run(tree, *REVIEWER, "hook", "install")
    assert done.returncode == 0, done.stderr
    return tree


def test_a_series_with_an_error_is_refused_and_no_mail_leaves(tmp_path: Path, server: Sink) -> None:
    tree = installed(tmp_path)
    done = send(tree, server, *series(tree, "--cover-letter"))
    assert done.returncode != 0
    assert server.mails == []
    assert done.stderr.count("[rcu/bulk-swap, likely]") == 1
    assert f"{SWAP_LINE} +        swap(shelf->books, old);" in done.stderr
    assert f"{PATH} in shelf_clear()" in done.stderr
    assert "refused: 1 error in 0002-shelf-step-2.patch" in done.stderr
    assert "--no-validate" in done.stderr
    assert "3 whole" in done.stderr
    assert "no patches were sent" in done.stderr


def test_after_the_fix_all_mails_arrive(tmp_path: Path, server: Sink) -> None:
    tree = installed(tmp_path, GOOD)
    done = send(tree, server, "--force", *series(tree, "--cover-letter"))
    assert done.returncode == 0, done.stderr
    assert [subject[:20] for subject in server.subjects()] == [
        f"Subject: [PATCH {number}/3]" for number in range(4)
    ]
    assert done.stderr.count("nothing to say") == 1


def test_no_validate_sends_it_anyway(tmp_path: Path, server: Sink) -> None:
    tree = installed(tmp_path)
    done = send(tree, server, "--no-validate", *series(tree))
    assert done.returncode == 0, done.stderr
    assert len(server.mails) == 3


def test_patches_can_be_sent_straight_from_a_range(tmp_path: Path, server: Sink) -> None:
    tree = installed(tmp_path)
    done = send(tree, server, "--format-patch", "base")
    assert done.returncode != 0
    assert "rcu/bulk-swap" in done.stderr
    assert server.mails == []


def test_a_part_of_a_series_is_judged_by_itself(tmp_path: Path, server: Sink) -> None:
    """A git that does not count the mails never shows the last one here."""
    tree = installed(tmp_path)
    first, second, _ = series(tree)
    assert send(tree, server, first).returncode == 0
    assert len(server.mails) == 1
    assert send(tree, server, first, second).returncode != 0
    assert len(server.mails) == 1


def test_a_lone_patch_and_a_subdirectory_are_no_exception(tmp_path: Path, server: Sink) -> None:
    tree = installed(tmp_path, (SWAP,))
    (file,) = series(tree)
    done = send(tree / "drivers", server, file)
    assert done.returncode != 0
    assert "rcu/bulk-swap" in done.stderr


def test_a_linked_worktree_is_asked_too(tmp_path: Path, server: Sink) -> None:
    tree = installed(tmp_path)
    files = series(tree)
    git(tree, "worktree", "add", "-q", tmp_path / "linked", "base")
    done = send(tmp_path / "linked", server, *files)
    assert done.returncode != 0
    assert "3 whole" in done.stderr
    assert "rcu/bulk-swap" in done.stderr


def test_whole_files_come_from_the_repository(tmp_path: Path, server: Sink) -> None:
    """The lock is taken far above the hunk: a mail alone does not show it."""
    filler = "".join(f"\tshelf_log({number});\n" for number in range(30))
    head = f"\nint shelf_check(struct shelf *shelf)\n{{\n\tspin_lock(&shelf->lock);\n{filler}"
    tail = "\tspin_unlock(&shelf->lock);\n\n\treturn 0;\n}\n"
    tree = installed(tmp_path, (head + tail,))
    git(tree, "tag", "-f", "base")
    text = (tree / PATH).read_text()
    (tree / PATH).write_text(
        text.replace("\tshelf_log(29);\n", "\tshelf_log(29);\n\tif (!shelf->lent)\n\t\treturn 1;\n")
    )
    git(tree, "commit", "-q", "-am", "shelf: stop early")
    done = send(tree, server, *series(tree))
    assert done.returncode != 0
    assert "this return leaves shelf->lock held" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    "crash",
    ["raise SystemError('broken')", "import os; os.abort()", "import sys; sys.exit(1)"],
    ids=["exception", "signal", "exit"],
)
def test_a_crash_of_the_tool_does_not_stop_the_mail(
    tmp_path: Path, server: Sink, crash: str
) -> None:
    tree = installed(tmp_path)
    broken = tmp_path / "broken" / "reviewer"
    broken.mkdir(parents=True)
    (broken / "__init__.py").touch()
    (broken / "__main__.py").write_text(crash)
    done = send(tree, server, *series(tree), PYTHONPATH=str(broken.parent))
    assert done.returncode == 0, done.stderr
    assert len(server.mails) == 3
    assert "reviewer: not checked: it ended with status" in done.stderr


def test_a_module_in_the_work_tree_is_never_run(tmp_path: Path, server: Sink) -> None:
    tree = installed(tmp_path)
    trap = tree / "reviewer"
    trap.mkdir()
    (trap / "__init__.py").write_text("print('trapped')\nraise SystemExit(0)\n")
    (tree / "argparse.py").write_text("print('trapped')\nraise SystemExit(0)\n")
    done = send(tree, server, *series(tree))
    assert "trapped" not in done.stderr
    assert "rcu/bulk-swap" in done.stderr


def test_an_interpreter_that_is_gone_does_not_stop_the_mail(tmp_path: Path, server: Sink) -> None:
    tree = repository(tmp_path, (COUNT, SIZE))
    python = tmp_path / "it's" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    code = "from reviewer.sending import hook_file as h; from pathlib import Path;"
    code += f"h.install(h.look(Path('.git/hooks')), {str(python)!r})"
    assert run(tree, sys.executable, "-c", code).returncode == 0
    python.unlink()
    done = send(tree, server, *series(tree))
    assert done.returncode == 0
    assert f"not checked: {python} is gone" in done.stderr
    assert "reviewer hook install" in done.stderr
    assert len(server.mails) == 2


def test_the_hook_that_was_there_still_decides(tmp_path: Path, server: Sink) -> None:
    tree = repository(tmp_path, (COUNT,))
    earlier = tree / ".git" / "hooks" / "sendemail-validate"
    earlier.parent.mkdir(exist_ok=True)
    earlier.write_text('#!/bin/sh\necho "asked about ${1##*/}"\nexit 3\n')
    earlier.chmod(0o755)
    assert run(tree, *REVIEWER, "hook", "install").returncode == 0
    done = send(tree, server, *series(tree))
    assert done.returncode != 0
    assert "asked about 0001-shelf-step-1.patch" in done.stderr
    assert server.mails == []


def test_a_git_that_counts_its_mails_is_answered_at_the_last(tmp_path: Path) -> None:
    """As git 2.41 and later call the hook, with the headers in a second file."""
    tree = installed(tmp_path)
    files = series(tree)
    headers = tree / ".git" / "headers"
    headers.write_text("Subject: x\n")
    calls = []
    for number, file in enumerate(files, start=1):
        counted = {"GIT_SENDEMAIL_FILE_COUNTER": str(number), "GIT_SENDEMAIL_FILE_TOTAL": "3"}
        variables = {**counted, "GIT_DIR": str(tree / ".git")}
        hook = tree / ".git" / "hooks" / "sendemail-validate"
        calls.append(run(tree, hook, file, headers, **variables))
    assert [call.returncode for call in calls] == [0, 0, 1]
    assert [call.stdout for call in calls[:2]] == ["", ""]
    assert calls[2].stdout.count("[rcu/bulk-swap, likely]") == 1
    assert not list((tree / ".git").glob("reviewer-*"))


def test_a_warning_refuses_only_when_asked_to(tmp_path: Path, server: Sink) -> None:
    tree = installed(tmp_path)
    git(tree, "config", "reviewer.hookBlock", "never")
    done = send(tree, server, *series(tree))
    assert done.returncode == 0
    assert done.stderr.count("[rcu/bulk-swap, likely]") == 1
    assert "refused" not in done.stderr
    assert len(server.mails) == 3


def test_an_unknown_setting_is_reported_and_the_default_holds(tmp_path: Path, server: Sink) -> None:
    tree = installed(tmp_path)
    git(tree, "config", "reviewer.hookBlock", "errors")
    done = send(tree, server, *series(tree))
    assert done.returncode != 0
    assert "reviewer.hookBlock" in done.stderr
    assert "found 'errors', wanted error, warning or never" in done.stderr


def test_a_review_without_end_is_cut_short(tmp_path: Path, server: Sink) -> None:
    tree = installed(tmp_path)
    git(tree, "config", "reviewer.hookTimeout", "0.001")
    done = send(tree, server, *series(tree))
    assert done.returncode == 0, done.stderr
    assert len(server.mails) == 3
    assert done.stderr.count("not checked: it took longer than 0.001 s") == 1
    assert "nothing to say" not in done.stderr


def test_a_report_that_nobody_reads_still_refuses(tmp_path: Path) -> None:
    tree = installed(tmp_path, (SWAP,))
    (file,) = series(tree)
    hook = tree / ".git" / "hooks" / "sendemail-validate"
    done = run(tree, "sh", "-c", '{ "$0" "$1"; echo "status $?" >&2; } | true', hook, file)
    assert "status 1\n" in done.stderr


def test_a_mail_that_is_no_patch_passes_in_silence(tmp_path: Path, server: Sink) -> None:
    tree = installed(tmp_path)
    mail = tree / "hello.eml"
    mail.write_text("From: ada@shelf.example\nSubject: hello\n\nHow are the books?\n")
    done = send(tree, server, mail)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(server.mails) == 1
