"""The list of Python files of repositories that may run."""

from __future__ import annotations

from pathlib import Path

import pytest

from reviewer.errors import ReviewerError
from reviewer.trust import Pin, digest, digest_of_all, keep, pins, state_file

ONE = Pin("/home/ada/linux", ".reviewer/rules/rcu/one.py", digest(b"one"))
TWO = Pin("/home/ada/linux", ".reviewer/rules/rcu/two.py", digest(b"two"))
ELSE = Pin("/home/ada/other", ".reviewer/rules/rcu/one.py", digest(b"else"))


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_nothing_is_trusted_before_it_was() -> None:
    assert pins() == frozenset()
    assert not state_file().parent.exists()


def test_to_trust_a_repository_again_replaces_what_was_trusted_of_it() -> None:
    keep(ELSE.repository, [ELSE])
    keep(ONE.repository, [ONE, TWO])
    keep(ONE.repository, [TWO])
    assert pins() == {TWO, ELSE}
    keep(ONE.repository, [])
    assert pins() == {ELSE}


def test_any_path_comes_back_as_it_was() -> None:
    odd = Pin('/a "b"\\\n\x1b[31m/\N{SNOWMAN}\x7f', "rules/\u202e.py", digest(b""))
    keep(odd.repository, [odd])
    assert pins() == {odd}
    assert "\x1b" not in state_file().read_text()


def test_only_the_user_can_read_the_list() -> None:
    keep(ONE.repository, [ONE])
    assert state_file().stat().st_mode & 0o077 == 0
    assert [each.name for each in state_file().parent.iterdir()] == ["trust.toml"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[[file]\n", "damaged"),
        ("file = 3\n", "wanted a list of tables"),
        ("[[file]]\npath = 'x'\n", "an entry without repository, path, sha256"),
        ("file = ['x']\n", "an entry without"),
    ],
)
def test_a_damaged_list_is_an_error_that_names_it(text: str, wanted: str) -> None:
    state_file().parent.mkdir(parents=True)
    state_file().write_text(text)
    with pytest.raises(ReviewerError, match=f"trust.toml: .*{wanted}"):
        pins()


def test_the_digest_of_all_depends_on_every_path_and_content_but_not_on_order() -> None:
    whole = digest_of_all([ONE, TWO])
    assert whole == digest_of_all([TWO, ONE])
    assert len({whole, digest_of_all([ONE]), digest_of_all([ONE, ELSE]), digest_of_all([])}) == 4


def test_the_state_directory_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for value in ("", "relative/path"):
        monkeypatch.setenv("XDG_STATE_HOME", value)
        monkeypatch.setenv("HOME", str(tmp_path))
        assert state_file() == Path(tmp_path, ".local/state/reviewer/trust.toml")
