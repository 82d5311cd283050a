"""The threads under fixtures/threads come out exactly as their want.toml says."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from reviewer.model import Confidence
from reviewer.run import Request, review

THREADS = Path(__file__).parent.parent / "fixtures" / "threads"
NAMES = sorted(path.parent.name for path in THREADS.glob("*/want.toml"))

Remark = tuple[str, str, int, str, str]


@cache
def found(name: str) -> tuple[list[str], dict[Remark, str]]:
    """Labels of the revisions; patch, path, line, rule and state of each finding, and its code."""
    target = str(THREADS / name / "thread.mbox")
    result = review(Request((target,), use_tree=False)).review
    remarks: dict[Remark, str] = {}
    for revision in result.revisions:
        for patch in revision.patches:
            for each in patch.annotations:
                span = each.finding.span
                state = "hunch" if each.confidence is Confidence.HUNCH else "found"
                where = (patch.patch.message_id, span.path, span.line)
                remarks[*where, each.rule, state] = span.code
    return [each.revision.label for each in result.revisions], remarks


@cache
def wanted(name: str) -> dict[str, Any]:
    return tomllib.loads((THREADS / name / "want.toml").read_text())


@pytest.mark.parametrize("name", NAMES)
def test_the_revisions_of_a_thread_are_found(name: str) -> None:
    assert found(name)[0] == wanted(name)["revisions"]


@pytest.mark.parametrize("name", NAMES)
def test_the_rules_say_what_the_people_of_the_thread_said_and_nothing_else(name: str) -> None:
    remarks = found(name)[1]
    expected = {
        (each["patch"], each["path"], each["line"], each["rule"], each["state"]): each["quote"]
        for each in wanted(name).get("remark", ())
    }
    assert remarks.keys() == expected.keys()
    for place, quote in expected.items():
        assert quote in remarks[place]


@pytest.mark.parametrize("name", NAMES)
def test_every_remark_of_a_fixture_names_a_mail_of_its_thread(name: str) -> None:
    mbox = (THREADS / name / "thread.mbox").read_text()
    for remark in wanted(name).get("remark", ()):
        assert f"Message-ID: <{remark['patch']}>" in mbox
        assert f"Message-ID: <{remark['human']}>" in mbox
