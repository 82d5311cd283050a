"""One gate for all rules: each has a fixture, and does what the fixture says."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from reviewer.declarative import LONGEST_TITLE
from reviewer.library import load_rule, rule_files, rule_id_of, shipped
from reviewer.testing import check_case, read_cases

if TYPE_CHECKING:
    from pathlib import Path

    from reviewer.fixture import Case
    from reviewer.rule import Rule

RULES = {rule_id_of(path): path for path in rule_files(shipped("rules"))}
FIXTURES = {
    rule_id_of(path): path for path in sorted((shipped("fixtures") / "rules").glob("*/*.md"))
}
TESTED = sorted(RULES.keys() & FIXTURES.keys())


@cache
def rule_of(rule_id: str) -> Rule:
    return load_rule(RULES[rule_id], rule_id)


@cache
def cases_of(path: Path) -> tuple[Case, ...]:
    return tuple(read_cases(path))


def cases() -> list[object]:
    """Every case of every rule; a fixture that cannot be read fails a test of its own."""
    listed: list[object] = []
    for rule_id in TESTED:
        try:
            titles = [case.title for case in cases_of(FIXTURES[rule_id])]
        except Exception:
            continue
        listed += [
            pytest.param(rule_id, at, id=f"{rule_id}: {title}") for at, title in enumerate(titles)
        ]
    return listed


def test_every_rule_has_a_fixture_and_every_fixture_a_rule() -> None:
    assert sorted(RULES) == sorted(FIXTURES)
    assert RULES


@pytest.mark.parametrize("rule_id", TESTED)
def test_a_fixture_shows_when_the_rule_speaks_and_when_it_is_quiet(rule_id: str) -> None:
    cases = cases_of(FIXTURES[rule_id])
    assert any(case.speaks for case in cases)
    assert any(case.quiet for case in cases)


@pytest.mark.parametrize(("rule_id", "at"), cases())
def test_a_rule_does_what_its_fixture_says(rule_id: str, at: int) -> None:
    failures = check_case(rule_of(rule_id), cases_of(FIXTURES[rule_id])[at])
    assert not failures, "\n" + "\n".join(failures)


@pytest.mark.parametrize("rule_id", sorted(RULES))
def test_a_rule_says_what_it_is_and_where_it_comes_from(rule_id: str) -> None:
    rule = rule_of(rule_id)
    assert 0 < len(rule.title) <= LONGEST_TITLE
    assert not rule.title.endswith(".")
    assert len(rule.explanation.split()) >= 10
    assert rule.links or "https://" in rule.explanation
    assert all(link.startswith("https://") for link in rule.links)
