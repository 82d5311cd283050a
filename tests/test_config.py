"""Settings in git config: where they count, what wins, and what is said about bad ones."""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

import pytest

from reviewer.commands.config import add_command, rows
from reviewer.config import Scope, Settings, fill, settings
from reviewer.config_keys import KEYS
from reviewer.errors import ReviewerError
from reviewer.model import Confidence, Severity


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository, of a user with a home of their own."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("XDG_CONFIG_HOME", "GIT_DIR", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_PARAMETERS"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "tree"
    subprocess.run(["git", "init", "-q", str(path)], check=True)
    return path


def configure(repository: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(repository), "config", *arguments], check=True)


def test_without_settings_all_is_as_documented(repository: Path) -> None:
    assert settings(repository) == Settings()


def test_keys_have_the_names_of_the_options_and_git_ignores_their_case(repository: Path) -> None:
    configure(repository, "reviewer.minSeverity", "warning")
    configure(repository, "reviewer.MINCONFIDENCE", "Certain")
    configure(repository, "reviewer.all", "yes")
    configure(repository, "reviewer.revisions", "off")
    configure(repository, "--add", "reviewer.skipRule", "rcu")
    configure(repository, "--add", "reviewer.skipRule", "life/*")
    found = settings(repository)
    assert (found.min_severity, found.min_confidence) == (Severity.WARNING, Confidence.CERTAIN)
    assert (found.all, found.revisions, found.skip_rule) == (True, False, ("rcu", "life/*"))


def test_the_last_value_counts_and_says_where_it_comes_from(repository: Path) -> None:
    configure(repository, "--global", "reviewer.format", "json")
    configure(repository, "--local", "reviewer.format", "gcc")
    found = settings(repository)
    (used,) = found.used
    assert found.format == "gcc"
    assert (used.scope, used.origin) == (Scope.LOCAL, ".git/config")


def test_an_empty_value_begins_a_list_anew(repository: Path) -> None:
    configure(repository, "--global", "reviewer.rule", "rcu")
    configure(repository, "--local", "--add", "reviewer.rule", "")
    configure(repository, "--local", "--add", "reviewer.rule", "life")
    assert settings(repository).rule == ("life",)


def test_a_key_without_a_value_is_true(repository: Path) -> None:
    with (repository / ".git" / "config").open("a") as file:
        file.write("[reviewer]\n\tall\n")
    assert settings(repository).all


def test_settings_of_one_command_count(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "reviewer.rules")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "~/rules")
    found = settings(repository)
    assert found.rules == (Path("~/rules").expanduser(),)
    assert found.used[0].scope is Scope.COMMAND


def test_a_repository_cannot_name_code(repository: Path) -> None:
    configure(repository, "--global", "reviewer.rules", "/home/me/rules")
    configure(repository, "--local", "--add", "reviewer.rules", "/tmp/evil")
    found = settings(repository)
    assert found.rules == (Path("/home/me/rules"),)
    (warning,) = found.warnings
    assert "reviewer.rules (local, .git/config): not used" in warning
    assert "--global" in warning


def test_a_repository_cannot_empty_the_list_of_the_users_rules(repository: Path) -> None:
    configure(repository, "--global", "reviewer.rules", "/home/me/rules")
    configure(repository, "--local", "reviewer.rules", "")
    assert settings(repository).rules == (Path("/home/me/rules"),)


def test_an_unknown_key_is_reported_with_the_nearest(repository: Path) -> None:
    configure(repository, "reviewer.minSeverty", "error")
    configure(repository, "reviewer.rule.rcu/plain-read.severty", "error")
    warnings = settings(repository).warnings
    assert warnings[0].startswith("git config reviewer.minseverty (local, .git/config): unknown")
    assert "'minSeverity'" in warnings[0]
    assert "rule.ID.severity" in warnings[1]


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("minSeverity", "huge", "note, warning or error"),
        ("all", "perhaps", "true or false"),
        ("tree", "../tree", "an absolute path"),
        ("tree", "~nobody-at-all/x", "an absolute path"),
        ("format", "xml", "terminal, json"),
        ("hookTimeout", "-1", "seconds"),
        ("hookTimeout", "nan", "seconds"),
        ("rule", " ", "a glob"),
        ("rule.rcu/plain-read.severity", "off", "note, warning or error"),
        ("rule.rcu", "loud", "on, off, note"),
    ],
)
def test_a_bad_value_names_key_scope_value_and_what_was_wanted(
    repository: Path, key: str, value: str, wanted: str
) -> None:
    configure(repository, f"reviewer.{key}", value)
    with pytest.raises(ReviewerError) as caught:
        settings(repository)
    said = str(caught.value)
    assert f"reviewer.{key} (local, .git/config): found {value!r}, wanted " in said
    assert wanted in said


def test_rules_are_switched_by_id_glob_and_family(repository: Path) -> None:
    configure(repository, "reviewer.rule.rcu/plain-read.enabled", "false")
    configure(repository, "reviewer.rule.rcu/plain-read.severity", "note")
    configure(repository, "reviewer.rule.mine:x/*.confidence", "hunch")
    configure(repository, "reviewer.rule.life", "on, Warning")
    assert settings(repository).switches == (
        ("rcu/plain-read", "off note"),
        ("mine:x/*", "hunch"),
        ("life", "on warning"),
    )


def test_a_damaged_file_of_git_is_one_warning_and_no_setting_counts(repository: Path) -> None:
    (repository / ".git" / "config").write_text("[reviewer\nall = true\n")
    found = settings(repository)
    assert not found.used
    assert "git config cannot be read" in found.warnings[0]


def test_without_git_no_setting_counts(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository))
    assert "cannot be asked" in settings(repository).warnings[0]


def options(**given: object) -> argparse.Namespace:
    names = ("all", "rule", "skip_rule", "revisions", "comments", "format", "color", "tree")
    unset = dict.fromkeys((*names, "min_severity", "min_confidence"))
    return argparse.Namespace(**{**unset, "no_tree": False, **given})


def test_an_option_counts_more_than_a_setting() -> None:
    arguments = options(format="json", rule=["rcu"], revisions=True, min_severity="note")
    found = Settings(
        format="gcc", rule=("life",), revisions=False, color="never", min_severity=Severity.ERROR
    )
    fill(arguments, found)
    assert (arguments.format, arguments.rule, arguments.revisions) == ("json", ["rcu"], True)
    assert (arguments.color, arguments.min_severity) == ("never", "note")


def test_what_no_option_and_no_setting_says_is_the_default() -> None:
    arguments = options()
    fill(arguments, Settings())
    assert (arguments.format, arguments.comments, arguments.color) == ("terminal", "all", "auto")
    assert (arguments.all, arguments.revisions, arguments.rule) == (False, True, [])


def test_all_asks_for_more_than_the_settings_show() -> None:
    arguments = options(all=True)
    fill(arguments, Settings(min_severity=Severity.ERROR, min_confidence=Confidence.CERTAIN))
    assert arguments.min_severity is arguments.min_confidence is None


def test_no_tree_counts_more_than_a_tree_in_the_settings() -> None:
    arguments = options(no_tree=True)
    fill(arguments, Settings(tree=Path("/src/linux")))
    assert arguments.tree is None


def test_the_command_prints_every_key_and_its_place(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(repository, "--global", "reviewer.minSeverity", "error")
    configure(repository, "--local", "reviewer.rule.rcu/plain-read.enabled", "no")
    configure(repository, "--local", "reviewer.colour", "always")
    monkeypatch.chdir(repository)
    parser = argparse.ArgumentParser()
    add_command(parser.add_subparsers())
    arguments = parser.parse_args(["config"])
    assert arguments.command(arguments) == 0
    said = capsys.readouterr()
    lines = [line.split() for line in said.out.splitlines()]
    assert lines[0][:3] == ["reviewer.minSeverity", "error", "global,"]
    assert ["reviewer.format", "terminal", "default"] in lines
    assert lines[-1][:3] == ["reviewer.rule.rcu/plain-read.enabled", "no", "local,"]
    assert "the nearest is 'color'" in said.err


def test_the_documented_defaults_are_those_that_hold(repository: Path) -> None:
    shown = {name: value for name, value, _ in rows(Settings())}
    assert set(shown) == {f"reviewer.{key.name}" for key in KEYS}
    for key in KEYS:
        if key.default and key.name not in ("minSeverity", "minConfidence"):
            configure(repository, f"reviewer.{key.name}", key.default)
    found = settings(repository)
    assert {each.name for each in found.used} < {key.name for key in KEYS}
    assert Settings(used=found.used) == found
