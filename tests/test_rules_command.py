"""`reviewer rules` as its users type it: from nothing to a rule that speaks."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from reviewer import cli
from tests.own_rules import code, commit, data, patch, write
from tests.widget import git, isolate, set_global

if TYPE_CHECKING:
    from pathlib import Path

    Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh machine; gives the directory of the user's rules."""
    isolate(monkeypatch, tmp_path)
    return tmp_path / "XDG_CONFIG_HOME" / "reviewer" / "rules"


def run(capsys: Capture, *arguments: object) -> tuple[int, str, str]:
    """Exit status, standard output and standard error."""
    try:
        status = cli.main([*map(str, arguments)])
    except SystemExit as error:
        status = int(str(error.code))
    out, err = capsys.readouterr()
    return status, out, err


def rules(capsys: Capture, *arguments: object) -> tuple[int, str, str]:
    return run(capsys, "rules", *arguments)


def test_from_nothing_to_a_rule_that_speaks(tmp_path: Path, home: Path, capsys: Capture) -> None:
    began = time.monotonic()
    status, out, _ = rules(capsys, "new", "rcu/my-check")
    assert (status, out.splitlines()[0]) == (0, f"wrote {home / 'rcu' / 'my_check.toml'}")
    assert rules(capsys, "test")[:2] == (0, "1 rule, 3 cases, none failed\n")

    for path in (home / "rcu").iterdir():
        text = path.read_text().replace("demo_reset", "take").replace("d->dev", "d->box")
        path.write_text(text)
    assert rules(capsys, "test", "rcu/my-check")[0] == 0
    mail = patch(tmp_path)
    mail.write_text(mail.read_text().replace("take(d)", "take(d->box)"))
    status, out, _ = run(capsys, "run", mail)
    assert status == 1
    assert "resets d->box while others may use it" in " ".join(out.split())
    _, out, _ = run(capsys, "run", mail, "--format", "json")
    (found,) = json.loads(out)["revisions"][0]["patches"][0]["findings"]
    assert (found["rule"], found["line"]) == ("mine:rcu/my-check", 3)
    assert time.monotonic() - began < 20


def test_another_directory_is_shown_how_to_be_used(tmp_path: Path, capsys: Capture) -> None:
    _, out, _ = rules(capsys, "new", "rcu/x", "--python", "--dir", tmp_path / "mine")
    command = f"git config --global --add reviewer.rules {tmp_path / 'mine'}"
    assert out.splitlines()[-1].strip() == command
    set_global(tmp_path, "reviewer.rules", str(tmp_path / "mine"))
    assert "mine:rcu/x" in rules(capsys, "list")[1]
    assert "git config" not in rules(capsys, "new", "rcu/y", "--dir", tmp_path / "mine")[1]


def test_a_failing_fixture_shows_wanted_and_found_on_the_line(home: Path, capsys: Capture) -> None:
    rules(capsys, "new", "rcu/my-check")
    path = home / "rcu" / "my_check.md"
    path.write_text(path.read_text().replace("while others may", "when others may"))
    status, out, _ = rules(capsys, "test")
    assert status == 1
    assert out.splitlines() == [
        "FAILED rcu/my-check: The device is reset with no lock held",
        f"  {path}:9",
        "      +\tdemo_reset(d->dev);",
        "      wanted  resets d->dev when others may use it",
        "      found   demo_resume() resets d->dev while others may use it: no lock is held",
        "1 rule, 3 cases, 1 failed",
    ]


def test_a_finding_that_nothing_wants_is_shown_too(home: Path, capsys: Capture) -> None:
    rules(capsys, "new", "rcu/my-check")
    path = home / "rcu" / "my_check.md"
    path.write_text(path.read_text().replace("mutex_lock", "look").replace("mutex_unlock", "see"))
    _, out, _ = rules(capsys, "test", path)
    assert "      wanted  nothing\n      found   demo_resume() resets d->dev" in out


@pytest.mark.parametrize("which", ["my_check.toml", "my_check.md", "", "..", "id"])
def test_a_rule_can_be_named_in_every_way(home: Path, capsys: Capture, which: str) -> None:
    rules(capsys, "new", "rcu/my-check")
    name = "mine:rcu/my-check" if which == "id" else home / "rcu" / which
    assert rules(capsys, "test", name)[:2] == (0, "1 rule, 3 cases, none failed\n")


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["test"], "there are no rules of yours yet: reviewer rules new FAMILY/NAME"),
        (["test", "rcu/plain-raed"], "no rule 'rcu/plain-raed'; the nearest is 'rcu/plain-read'"),
        (["test", "."], "holds no rules"),
        (["show", "zzz"], "no rule 'zzz'; `reviewer rules list` shows all"),
        (["new", "Bad"], "wanted FAMILY/NAME"),
        (["try", "none.toml", "x.patch"], "none.toml: cannot be read"),
        (["trust"], "not inside a git repository"),
        (["docs", "--dir", "none"], "none: wanted a directory of rules"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    capsys: Capture, arguments: list[str], wanted: str
) -> None:
    status, out, err = rules(capsys, *arguments)
    assert (status, out) == (2, "")
    assert wanted in err
    assert err.count("\n") == 1


def test_a_rule_of_yours_that_is_broken_is_named_when_it_is_tested(
    home: Path, capsys: Capture
) -> None:
    path = write(home, "rcu/bad.toml", data().replace("severity", "sevrity"))
    for name in ((), ("rcu/bad",), (path,)):
        status, _, err = rules(capsys, "test", *name)
        assert status == 2
        assert err == f"reviewer: {path}: sevrity: unknown key; the nearest is 'severity'\n"


def test_a_rule_without_fixture_is_told_where_it_goes(home: Path, capsys: Capture) -> None:
    write(home, "rcu/alone.toml", data())
    assert "no fixture; wanted alone.md beside it" in rules(capsys, "test")[2]


def test_the_list_has_origin_and_state_of_every_rule(
    tmp_path: Path, home: Path, capsys: Capture
) -> None:
    write(home, "rcu/one.toml", data())
    set_global(tmp_path, "reviewer.rule.mine:rcu/one.enabled", "false")
    _, out, err = rules(capsys, "list")
    rows = {line.split()[0]: line.split()[1:5] for line in out.splitlines()}
    assert rows["mine:rcu/one"] == ["note", "likely", "mine", "off"]
    assert rows["rcu/plain-read"][2:] == ["shipped", "on"]
    assert err == ""


def test_the_page_of_a_rule_shows_why_when_and_how_to_silence_it(
    home: Path, capsys: Capture
) -> None:
    rules(capsys, "new", "rcu/my-check")
    _, out, _ = rules(capsys, "show", "rcu/my-check")
    assert "demo_reset() clears the registers" in out
    assert "!   ^ warning: demo_resume() resets d->dev" in out
    assert "It is quiet: the lock is held." in out
    assert "To fix it: hold the lock of the device around demo_reset()." in out
    assert "git config --global reviewer.rule.mine:rcu/my-check.enabled false" in out


def test_a_title_with_control_characters_is_spelled_out(home: Path, capsys: Capture) -> None:
    write(home, "rcu/odd.toml", data().replace("Result", "\\u001b[31mResult"))
    for command in (("list",), ("show", "mine:rcu/odd")):
        _, out, _ = rules(capsys, *command)
        assert "\x1b" not in out
        assert "\\x1b[31mResult" in out


@pytest.mark.parametrize("text", [data(), code()])
def test_a_file_that_is_not_installed_can_be_tried(
    tmp_path: Path, capsys: Capture, text: str
) -> None:
    path = write(tmp_path, "draft/lost.toml" if text == data() else "draft/lost.py", text)
    status, out, _ = rules(capsys, "try", path, patch(tmp_path))
    assert status == 1
    lines = [line.strip() for line in out.splitlines()]
    assert lines[0].endswith("demo: take and give  <1@example.org>")
    assert lines[1] == "drivers/demo.c:3: note [likely]"
    assert lines[2] == "take(d);"
    assert lines[3].startswith("keep what take() makes")
    assert lines[4].startswith("1 finding in 1 patch (1 file), ")


def test_a_trial_shows_hunches_and_says_when_there_is_nothing(
    tmp_path: Path, capsys: Capture
) -> None:
    hunch = write(tmp_path, "a/hunch.toml", data().replace("likely", "hunch"))
    quiet = write(tmp_path, "a/quiet.toml", data("nothing_like_it"))
    assert rules(capsys, "try", hunch, patch(tmp_path))[0] == 1
    status, out, _ = rules(capsys, "try", quiet, patch(tmp_path))
    assert (status, out[:22]) == (0, "0 findings in 1 patch ")


def test_a_rule_that_goes_wrong_is_named_in_the_trial(tmp_path: Path, capsys: Capture) -> None:
    path = write(tmp_path, "a/bad.py", code(body="raise KeyError('oops')"))
    out = rules(capsys, "try", path, patch(tmp_path))[1]
    assert "rule a/bad on drivers/demo.c: failed with KeyError: 'oops'" in out


def test_python_of_a_repository_runs_after_trust_and_not_after_a_change(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "tree"
    write(tree, ".reviewer/rules/demo/code.py", code("give"))
    write(tree, ".reviewer/rules/demo/data.toml", data())
    commit(tree)
    mail = patch(tmp_path)
    monkeypatch.chdir(tree)

    def found() -> list[str]:
        document = json.loads(run(capsys, "run", mail, "--format", "json")[1])
        (reviewed,) = document["revisions"][0]["patches"]
        told = [each["what"] for each in document["problems"]]
        assert any("not trusted" in each for each in told) is ("demo/code" not in str(reviewed))
        return [each["rule"] for each in reviewed["findings"]]

    assert found() == ["project:demo/data"]
    status, out, _ = rules(capsys, "trust")
    assert (status, out.splitlines()[0][64:]) == (0, "  .reviewer/rules/demo/code.py")
    digest = out.split()[-1]
    assert found() == ["project:demo/data", "project:demo/code"]
    path = tree / ".reviewer/rules/demo/code.py"
    path.write_text(path.read_text().replace('"""The', '"""the'))
    commit(tree)
    assert found() == ["project:demo/data"]
    status, _, err = rules(capsys, "trust", "--digest", digest)
    assert status == 2
    assert "nothing is trusted: the digest is" in err
    git(tree, "reset", "-q", "--hard", "HEAD^")
    assert rules(capsys, "trust", "--digest", digest)[0] == 0
    assert len(found()) == 2
    rules(capsys, "trust", "--revoke")
    assert found() == ["project:demo/data"]


def test_there_must_be_python_to_trust(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "tree", ".reviewer/rules/demo/data.toml", data())
    commit(tmp_path / "tree")
    monkeypatch.chdir(tmp_path / "tree")
    status, _, err = rules(capsys, "trust")
    assert status == 2
    assert "HEAD has no Python rules in .reviewer/rules; commit them first" in err


def test_the_page_of_own_rules_is_written_and_checked(home: Path, capsys: Capture) -> None:
    rules(capsys, "new", "rcu/my-check")
    assert rules(capsys, "docs", "--check", "--dir", home)[0] == 1
    assert rules(capsys, "docs", "--dir", home)[1] == f"wrote {home / 'README.md'}\n"
    assert rules(capsys, "docs", "--check", "--dir", home)[:2] == (0, "")


def test_accepted_findings_are_not_shown_again(tmp_path: Path, home: Path, capsys: Capture) -> None:
    write(home, "rcu/one.toml", data())
    mail, path = patch(tmp_path), tmp_path / "accepted"
    assert run(capsys, "run", mail, "--write-baseline", path)[0] == 1
    assert run(capsys, "run", mail, "--baseline", path)[0] == 0
    write(home, "rcu/two.toml", data("give"))
    status, out, _ = run(capsys, "run", mail, "--baseline", path)
    assert status == 1
    assert "mine:rcu/two" in out
    assert "mine:rcu/one" not in out
