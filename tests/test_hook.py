"""Installing the hook of git send-email, and taking it out, in every kind of repository."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

import pytest

from reviewer.errors import ReviewerError
from reviewer.sending import hook_file
from reviewer.sending.outgoing import outgoing
from reviewer.sending.settings import settings
from reviewer.sending.verdict import Verdict, key, recall, remember
from tests.shelf import BAD, GOOD, git, repository, run, series

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

NAME = "sendemail-validate"


def hook(cwd: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run(cwd, sys.executable, "-m", "reviewer", "hook", *arguments, **variables)


def own_hook(directory: Path, text: str = "#!/bin/sh\nexit 0\n", mode: int = 0o755) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / NAME
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return repository(tmp_path, ())


def test_what_is_installed_is_executable_and_can_be_removed(tree: Path) -> None:
    path = tree / ".git" / "hooks" / NAME
    assert hook(tree, "status").returncode == 1
    assert str(path) in hook(tree, "install").stdout
    assert os.access(path, os.X_OK)
    status = hook(tree, "status")
    assert (status.returncode, sys.executable in status.stdout) == (0, True)
    assert hook(tree, "remove").returncode == 0
    assert not path.exists()
    assert hook(tree, "status").returncode == 1


def test_the_hook_is_a_script_that_the_shell_accepts(tree: Path) -> None:
    hook(tree, "install")
    path = tree / ".git" / "hooks" / NAME
    assert run(tree, "sh", "-n", path).stderr == ""
    assert run(tree, "git", "hook", "run", NAME, "--", "/no/such/file").returncode == 0


def test_installing_twice_changes_nothing(tree: Path) -> None:
    own_hook(tree / ".git" / "hooks", "#!/bin/sh\n# mine\n")
    hook(tree, "install")
    before = {path.name: path.read_bytes() for path in (tree / ".git" / "hooks").iterdir()}
    assert hook(tree, "install").returncode == 0
    assert {path.name: path.read_bytes() for path in (tree / ".git" / "hooks").iterdir()} == before


@pytest.mark.parametrize("mode", [0o755, 0o644, 0o700])
def test_a_hook_that_was_there_comes_back_as_it_was(tree: Path, mode: int) -> None:
    path = own_hook(tree / ".git" / "hooks", "#!/bin/sh\n# mine\n", mode)
    assert "runs first" in hook(tree, "install").stdout
    assert "mine" not in path.read_text()
    assert "back" in hook(tree, "remove").stdout
    assert path.read_text() == "#!/bin/sh\n# mine\n"
    assert path.stat().st_mode & 0o777 == mode
    assert not (path.parent / hook_file.EARLIER).exists()


def test_a_hook_that_is_a_link_stays_one(tree: Path) -> None:
    script = own_hook(tree / "scripts")
    path = tree / ".git" / "hooks" / NAME
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(f"../../scripts/{NAME}")
    hook(tree, "install")
    assert script.read_text() == "#!/bin/sh\nexit 0\n"
    hook(tree, "remove")
    assert path.is_symlink()
    assert path.resolve() == script


def test_the_earlier_hook_gets_the_same_arguments_and_its_status_counts(tree: Path) -> None:
    path = own_hook(tree / ".git" / "hooks", '#!/bin/sh\nprintf "<%s>" "$@"\nexit 7\n')
    hook(tree, "install")
    done = run(tree, path, "/a b.patch", "/head ers")
    assert (done.returncode, done.stdout) == (7, "</a b.patch></head ers>")


def test_a_hook_that_replaced_ours_is_neither_removed_nor_overwritten(tree: Path) -> None:
    own_hook(tree / ".git" / "hooks", "#!/bin/sh\n# first\n")
    hook(tree, "install")
    path = own_hook(tree / ".git" / "hooks", "#!/bin/sh\n# second\n")
    for action in ("install", "remove"):
        done = hook(tree, action)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert "not ours" in done.stderr
    assert "second" in path.read_text()
    assert "first" in (path.parent / hook_file.EARLIER).read_text()


def test_removing_nothing_is_one_clear_line(tree: Path) -> None:
    done = hook(tree, "remove")
    assert done.returncode == 2
    assert "nothing to remove: there is no hook" in done.stderr


def test_outside_of_a_repository_is_one_clear_line(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    for action in ("install", "remove", "status"):
        done = hook(outside, action, GIT_CEILING_DIRECTORIES=str(tmp_path))
        assert done.returncode == 2
        assert done.stderr == f"reviewer: {outside}: not inside a git repository\n"


@pytest.mark.parametrize("inside", [".", "drivers/shelf"])
@pytest.mark.parametrize("absolute", [True, False])
def test_core_hooks_path_is_where_it_goes(tree: Path, inside: str, absolute: bool) -> None:
    hooks = tree / "my hooks"
    git(tree, "config", "core.hooksPath", str(hooks) if absolute else hooks.name)
    assert hook(tree / inside, "install").returncode == 0
    assert (hooks / NAME).exists()
    assert not (tree / ".git" / "hooks" / NAME).exists()


def test_a_linked_worktree_and_a_subdirectory_use_the_hooks_of_the_repository(
    tree: Path, tmp_path: Path
) -> None:
    linked = tmp_path / "linked"
    git(tree, "worktree", "add", "-q", linked)
    assert hook(linked / "drivers", "install").returncode == 0
    assert (tree / ".git" / "hooks" / NAME).exists()
    assert hook(tree / "drivers" / "shelf", "status").returncode == 0


def test_a_bare_repository_has_hooks_too(tree: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    git(tree, "clone", "-q", "--bare", tree, bare)
    assert hook(bare, "install").returncode == 0
    assert (bare / "hooks" / NAME).exists()
    (file,) = series(repository(tmp_path / "other", BAD[1:2]))
    done = run(bare, bare / "hooks" / NAME, file, GIT_DIR=str(bare))
    assert done.returncode == 1
    assert "rcu/bulk-swap" in done.stdout


def test_status_says_when_git_asks_no_hook(tree: Path) -> None:
    hook(tree, "install")
    git(tree, "config", "sendemail.validate", "no")
    assert "git send-email asks no hook" in hook(tree, "status").stdout


def test_status_says_when_the_interpreter_is_gone(tree: Path) -> None:
    hooks = tree / ".git" / "hooks"
    hook_file.install(hook_file.look(hooks), "/no/such dir/python")
    assert hook_file.interpreter(hook_file.look(hooks)) == "/no/such dir/python"
    assert "that interpreter is gone" in hook(tree, "status").stdout


def test_a_directory_that_cannot_hold_hooks_is_one_clear_line(tree: Path) -> None:
    git(tree, "config", "core.hooksPath", "/dev/null")
    done = hook(tree, "install")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "cannot be written" in done.stderr


def test_a_hook_that_was_left_behind_comes_back(tree: Path) -> None:
    """Ours was deleted by hand."""
    path = own_hook(tree / ".git" / "hooks", "#!/bin/sh\n# mine\n")
    hook(tree, "install")
    path.unlink()
    assert hook(tree, "remove").returncode == 0
    assert "mine" in path.read_text()


def test_run_by_hand_it_says_what_it_would_do(tmp_path: Path) -> None:
    tree = repository(tmp_path)
    first, second, _ = series(tree)
    assert hook(tree, "run", str(first)).returncode == 0
    done = hook(tree, "run", str(second))
    assert done.returncode == 1
    assert "rcu/bulk-swap" in done.stdout


def test_a_file_that_is_not_there_goes_unchecked(tree: Path) -> None:
    done = hook(tree, "run", str(tree / "gone.patch"))
    assert (done.returncode, done.stdout) == (0, "")
    assert "reviewer: not checked: " in done.stderr
    assert done.stderr.count("\n") == 1


def test_outside_of_a_repository_a_mail_goes_unchecked(tmp_path: Path) -> None:
    (file,) = series(repository(tmp_path, BAD[1:2]))
    outside = tmp_path / "outside"
    outside.mkdir()
    done = hook(outside, "run", str(file), GIT_CEILING_DIRECTORIES=str(tmp_path))
    assert done.returncode == 0
    assert "not checked" in done.stderr


def test_a_series_is_the_files_with_its_numbers(tmp_path: Path) -> None:
    tree = repository(tmp_path)
    files = series(tree, "--cover-letter")
    series(tree, "-v2")
    found = outgoing(files[2], {}, None)
    assert found.files == tuple(files)
    assert [outgoing(file, {}, None).last for file in files] == [False, False, False, True]


def test_of_two_files_with_one_number_the_newer_counts(tmp_path: Path) -> None:
    tree = repository(tmp_path)
    files = series(tree)
    old = files[1].with_name("0002-shelf-an-older-title.patch")
    old.write_bytes(files[1].read_bytes())
    os.utime(old, (1, 1))
    assert outgoing(files[2], {}, None).files == tuple(files)
    assert outgoing(old, {}, None).files == (files[0], old, files[2])


def test_mails_that_git_counts_are_those_it_showed(tmp_path: Path) -> None:
    """They may lie in several directories, and files beside them may not be sent."""
    tree = repository(tmp_path)
    files = [*series(tree), *series(tree, "-v2", directory="other")][1:5]
    found = [
        outgoing(file, counted(number, 4), tree / ".git")
        for number, file in enumerate(files, start=1)
    ]
    assert [each.last for each in found] == [False, False, False, True]
    assert found[-1].files == tuple(files)


@pytest.mark.parametrize("notes", ["", "\0", "/no/such/file", "/\0/\udcff", "[" * 100_000])
def test_damaged_notes_cost_only_the_order(tmp_path: Path, notes: str) -> None:
    tree = repository(tmp_path)
    files = series(tree)
    (tree / ".git" / "reviewer-outgoing").write_bytes(os.fsencode(notes))
    found = outgoing(files[2], counted(3, 3), tree / ".git")
    assert (found.files, found.last) == (tuple(files), True)


@pytest.mark.parametrize("count", [("x", "3"), ("4", "3"), ("0", "3"), ("1", "")])
def test_a_count_that_is_none_is_not_believed(tmp_path: Path, count: tuple[str, str]) -> None:
    files = series(repository(tmp_path))
    assert not outgoing(files[0], counted(*count), None).counted


def counted(number: int | str, total: int | str) -> dict[str, str]:
    return {"GIT_SENDEMAIL_FILE_COUNTER": str(number), "GIT_SENDEMAIL_FILE_TOTAL": str(total)}


def test_a_verdict_is_remembered_for_the_same_bytes_only(tmp_path: Path) -> None:
    files = series(repository(tmp_path, GOOD))
    verdict = Verdict(frozenset({"x.patch"}), silent=False)
    remember(tmp_path, key(files, 2), verdict)
    assert recall(tmp_path, key(files, 2)) == verdict
    assert recall(tmp_path, key(files, 1)) is None
    files[0].write_bytes(files[0].read_bytes() + b"\n")
    assert recall(tmp_path, key(files, 2)) is None


def test_an_old_verdict_is_forgotten(tmp_path: Path) -> None:
    remember(tmp_path, "k", Verdict(frozenset(), silent=True))
    os.utime(tmp_path / "reviewer-verdict", (1, 1))
    assert recall(tmp_path, "k") is None


def test_settings_come_from_git_config(tree: Path) -> None:
    git(tree, "config", "reviewer.hookBlock", "Warning")
    git(tree, "config", "reviewer.hookTimeout", "3.5")
    found = settings(tree)
    assert (found.block, found.seconds, found.complaints) == (1, 3.5, ())


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "soon", "1e9"])
def test_a_timeout_that_is_none_is_reported(tree: Path, value: str) -> None:
    git(tree, "config", "reviewer.hookTimeout", value)
    found = settings(tree)
    assert found.seconds == 20
    assert "reviewer.hookTimeout" in found.complaints[0]


def test_the_hook_keeps_to_what_the_user_wants_to_see(tmp_path: Path) -> None:
    tree = repository(tmp_path, BAD[1:2])
    (file,) = series(tree)
    assert hook(tree, "run", str(file)).returncode == 1
    git(tree, "config", "reviewer.skipRule", "rcu/bulk-swap")
    done = hook(tree, "run", str(file))
    assert (done.returncode, "rcu/bulk-swap" in done.stdout) == (0, False)


def test_two_hooks_of_others_are_too_many(tmp_path: Path) -> None:
    own_hook(tmp_path)
    (tmp_path / hook_file.EARLIER).touch()
    with pytest.raises(ReviewerError, match="make one hook of the two"):
        hook_file.install(hook_file.look(tmp_path))


def test_the_gate_refuses_what_the_hook_refuses(tmp_path: Path) -> None:
    tree = repository(tmp_path)
    files = series(tree, "--cover-letter")
    done = gate(tree, *files)
    assert done.returncode == 1
    assert "refused: 1 error in 0002-shelf-step-2.patch" in done.stdout
    assert gate(tree, "out").returncode == 1
    assert gate(tree, "--block", "never", *files).returncode == 0


def test_the_gate_lets_good_patches_and_talk_pass(tmp_path: Path) -> None:
    tree = repository(tmp_path, GOOD)
    files = series(tree, "--cover-letter")
    assert gate(tree, *files).returncode == 0
    alone = gate(tree, files[0])
    assert (alone.returncode, "no patch" in alone.stdout) == (0, True)


def test_the_gate_stays_shut_when_it_cannot_look(tmp_path: Path) -> None:
    tree = repository(tmp_path, GOOD)
    done = gate(tree, "no-such-file.eml")
    assert done.returncode == 2
    assert "no such file" in done.stderr
    assert gate(tree, "20260101.1@shelf.example").returncode == 2


def gate(tree: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run(tree, sys.executable, "-m", "reviewer", "gate", *arguments)


def test_an_interpreter_with_any_name_is_quoted(tmp_path: Path) -> None:
    python = f"{tmp_path}/a 'b' $c/python"
    hook_file.install(hook_file.look(tmp_path), python)
    assert f"python={shlex.quote(python)}" in (tmp_path / NAME).read_text()
    assert hook_file.interpreter(hook_file.look(tmp_path)) == python


def test_the_hook_loads_neither_b4_nor_a_network_library(tmp_path: Path) -> None:
    tree = repository(tmp_path, BAD[1:2])
    (file,) = series(tree)
    code = "import sys; from reviewer.cli import main; main(['hook', 'run', sys.argv[1]]);"
    code += "print(sorted({'b4', 'liblore', 'requests', 'http.client'} & set(sys.modules)))"
    done = run(tree, sys.executable, "-c", code, file)
    assert "refused" in done.stdout
    assert done.stdout.endswith("\n[]\n")
