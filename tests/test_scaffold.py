"""A new rule: two files that pass as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reviewer.errors import RuleError
from reviewer.library import load_rule, rule_files, rule_id_of
from reviewer.model import Confidence
from reviewer.scaffold import fixture_of, place, write
from reviewer.testing import check_case, read_cases

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("python", [False, True])
def test_a_new_rule_passes_its_fixture_as_written(tmp_path: Path, python: bool) -> None:
    made = place("rcu/my-check", tmp_path, python=python)
    write(made)
    rule = load_rule(made.rule, made.rule_id)
    cases = read_cases(made.fixture)
    assert [failure for case in cases for failure in check_case(rule, case)] == []
    assert (sum(case.speaks for case in cases), sum(case.quiet for case in cases)) == (1, 2)
    assert rule.confidence is Confidence.LIKELY
    assert "rcu/my-check" in made.rule.read_text()
    assert "@ID@" not in made.rule.read_text()


@pytest.mark.parametrize("python", [False, True])
def test_the_fixture_tells_when_the_rule_no_longer_looks_at_the_lock(
    tmp_path: Path, python: bool
) -> None:
    made = place("rcu/my-check", tmp_path, python=python)
    write(made)
    text = made.rule.read_text()
    for before, after in (
        ('holding = ["lock"], ', ""),
        ("and function.flow.at(call.node).surely_none", ""),
    ):
        text = text.replace(before, after)
    made.rule.write_text(text)
    rule = load_rule(made.rule, made.rule_id)
    wrong = [case.title for case in read_cases(made.fixture) if check_case(rule, case)]
    assert wrong == ["The lock is held", "The mail does not show how the function begins"]


def test_the_files_are_where_the_id_says(tmp_path: Path) -> None:
    made = place("net-sched/qdisc_lost-lock", tmp_path)
    write(made)
    assert made.rule_id == "net-sched/qdisc-lost-lock"
    assert [rule_id_of(path) for path in rule_files(tmp_path)] == [made.rule_id]
    assert made.rule == tmp_path / "net_sched" / "qdisc_lost_lock.toml"
    assert fixture_of(made.rule) == made.fixture == made.rule.with_suffix(".md")


def test_beside_a_directory_of_fixtures_the_fixture_goes_there(tmp_path: Path) -> None:
    (tmp_path / "fixtures" / "rules").mkdir(parents=True)
    made = place("rcu/my-check", tmp_path / "rules")
    write(made)
    assert made.fixture == tmp_path / "fixtures" / "rules" / "rcu" / "my-check.md"
    assert fixture_of(made.rule) == made.fixture


@pytest.mark.parametrize(
    "name",
    [
        *("", "check", "rcu/", "/check", "rcu/a/b", "Rcu/check", "../x/y", "rcu/..", "rcu/-x"),
        *("r cu/x", "rcu/" + "x" * 61, "rcu/x\n", "rcu/é"),
    ],
)
def test_a_bad_name_is_refused_with_an_example(tmp_path: Path, name: str) -> None:
    with pytest.raises(RuleError, match="wanted FAMILY/NAME in small letters, such as rcu/my-ch"):
        place(name, tmp_path)


@pytest.mark.parametrize("python", [False, True])
def test_nothing_is_ever_overwritten(tmp_path: Path, python: bool) -> None:
    write(place("rcu/my-check", tmp_path))
    with pytest.raises(RuleError, match=r"my_check\.toml: is there already"):
        write(place("rcu/my-check", tmp_path, python=python))


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RuleError, match=r"file.*: cannot be written"):
        write(place("rcu/my-check", tmp_path / "file"))
