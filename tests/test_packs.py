"""The example packs: rules as a user would write them, each with a fixture beside it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from reviewer.library import load_directory, load_rule, rule_files, rule_id_of, shipped
from reviewer.testing import check_case, read_cases

if TYPE_CHECKING:
    from pathlib import Path

    from reviewer.fixture import Case
    from reviewer.rule import Rule

PACK = shipped("fixtures") / "packs" / "kernel-api"
RULES = {rule_id_of(path): path for path in rule_files(PACK)}


@cache
def rule_of(rule_id: str) -> Rule:
    return load_rule(RULES[rule_id], rule_id)


@cache
def cases_of(rule_id: str) -> tuple[Case, ...]:
    return tuple(read_cases(RULES[rule_id].with_suffix(".md")))


def cases() -> list[object]:
    """Every case of every rule; a fixture that is not there fails a test of its own."""
    return [
        pytest.param(rule_id, at, id=f"{rule_id}: {case.title}")
        for rule_id in RULES
        if RULES[rule_id].with_suffix(".md").is_file()
        for at, case in enumerate(cases_of(rule_id))
    ]


def test_a_pack_is_a_directory_of_rules_like_any_other() -> None:
    assert [rule.id for rule in load_directory(PACK)] == sorted(RULES)
    assert len(RULES) >= 10


def test_a_pack_is_data_and_needs_no_trust() -> None:
    assert {path.suffix for path in RULES.values()} == {".toml"}


def test_each_rule_has_its_fixture_beside_it_and_each_fixture_its_rule() -> None:
    fixtures: list[Path] = sorted(PACK.glob("*/*.md"))
    assert fixtures == sorted(path.with_suffix(".md") for path in RULES.values())


@pytest.mark.parametrize("rule_id", RULES)
def test_a_fixture_shows_when_the_rule_speaks_and_when_it_is_quiet(rule_id: str) -> None:
    assert any(case.speaks for case in cases_of(rule_id))
    assert any(case.quiet for case in cases_of(rule_id))


@pytest.mark.parametrize(("rule_id", "at"), cases())
def test_a_rule_of_the_pack_does_what_its_fixture_says(rule_id: str, at: int) -> None:
    failures = check_case(rule_of(rule_id), cases_of(rule_id)[at])
    assert not failures, "\n" + "\n".join(failures)


@pytest.mark.parametrize("rule_id", RULES)
def test_a_rule_of_the_pack_says_why_and_what_to_do(rule_id: str) -> None:
    rule = rule_of(rule_id)
    assert len(rule.explanation.split()) >= 10
    assert all(link.startswith("https://") for link in rule.links)
    assert rule.links
