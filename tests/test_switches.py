"""Rules on and off, and how bad and how sure their findings count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reviewer.errors import RuleError
from reviewer.model import Confidence, Finding, Severity, Side, Span
from reviewer.rule import Rule
from reviewer.sources.switches import Switch, adjusted, nearest_rule, read_switch, switch_of
from tests.written import source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.source import Source

SPAN = Span("a.c", 1, 1, Side.NEW, "x;")


def check(_source: Source) -> Iterator[Finding]:
    yield Finding(SPAN, "plain")
    yield Finding(SPAN, "doubtful", severity=Severity.NOTE, confidence=Confidence.HUNCH)
    yield Finding(SPAN, "sure", severity=Severity.ERROR, confidence=Confidence.CERTAIN)


RULE = Rule("x", Severity.WARNING, Confidence.LIKELY, "0.1", check, id="rcu/x")


def levels(words: str) -> list[tuple[Severity, Confidence]]:
    """What the three findings count as."""
    rule = adjusted(RULE, read_switch("rcu/x", words))
    return [
        (
            rule.severity if each.severity is None else each.severity,
            rule.confidence if each.confidence is None else each.confidence,
        )
        for each in rule.check(source("int a;"))
    ]


def test_a_severity_holds_for_all_findings() -> None:
    assert [each[0].name for each in levels("error")] == ["ERROR", "ERROR", "ERROR"]
    assert [each[0].name for each in levels("note")] == ["NOTE", "NOTE", "NOTE"]


def test_a_finding_is_never_surer_than_the_rule_itself_was() -> None:
    assert [each[1].name for each in levels("certain")] == ["CERTAIN", "HUNCH", "CERTAIN"]
    assert [each[1].name for each in levels("hunch")] == ["HUNCH", "HUNCH", "HUNCH"]


def test_without_levels_the_rule_is_the_same() -> None:
    assert adjusted(RULE, read_switch("rcu/x", "on")) is RULE


def test_words_can_stand_together() -> None:
    assert read_switch("x", "on, Error certain") == Switch(True, Severity.ERROR, Confidence.CERTAIN)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("of", "unknown 'of'; the nearest is 'off'"),
        ("on off", "says two different things"),
        ("note error", "says two different things"),
        ("", "empty; wanted on, off"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(words: str, wanted: str) -> None:
    with pytest.raises(RuleError, match=f"reviewer.rule: rcu/x: .*{wanted}"):
        read_switch("rcu/x", words)


def test_an_id_counts_more_than_a_glob_and_the_last_glob_more_than_the_first() -> None:
    off, on, note = (read_switch("x", word) for word in ("off", "on", "note"))
    switches = {"rcu/x": on, "*": note, "rcu": off}
    assert switch_of("rcu/x", switches) == Switch(on=True, severity=Severity.NOTE)
    assert switch_of("rcu/y", switches) == Switch(on=False, severity=Severity.NOTE)
    assert switch_of("idr/y", switches) == Switch(severity=Severity.NOTE)
    assert switch_of("idr/y", {"idr": off, "*": on}).on is True


def test_the_nearest_rule_or_family_is_shown() -> None:
    ids = ["rcu/plain-read", "locking/walk"]
    assert nearest_rule("rcu/plainread", ids) == "the nearest is 'rcu/plain-read'"
    assert nearest_rule("lockin", ids) == "the nearest is 'locking'"
    assert nearest_rule("zzz", ids) == "`reviewer rules list` shows all"
