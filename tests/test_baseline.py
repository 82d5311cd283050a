"""Findings that were accepted: written, read, and then not shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reviewer.baseline import accepted, added, read_baseline, write_baseline
from reviewer.errors import ReviewerError
from reviewer.model import Status
from reviewer.review import Threshold
from reviewer.run import Request, review
from tests.own_rules import data, of, patch, write
from tests.widget import isolate

if TYPE_CHECKING:
    from pathlib import Path

    from reviewer.review import Review

SHOWN = Threshold()


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Review:
    """Two findings of two rules."""
    isolate(monkeypatch, tmp_path)
    write(tmp_path, "rules/demo/take.toml", data("take"))
    write(tmp_path, "rules/demo/give.toml", data("give"))
    rules = tuple(each.rule for each in of(tmp_path / "rules").known if ":" in each.rule.id)
    return review(Request((str(patch(tmp_path)),), rules=rules, cwd=tmp_path)).review


def test_what_was_accepted_counts_as_preexisting(tmp_path: Path, found: Review) -> None:
    path = tmp_path / "baseline"
    write_baseline(path, added(found, SHOWN, {}))
    after = accepted(found, read_baseline(path))
    assert [each.status for each in found.annotations] == [Status.INTRODUCED] * 2
    assert [each.status for each in after.annotations] == [Status.PREEXISTING] * 2
    assert not any(map(SHOWN.shows, after.annotations))


def test_only_what_is_in_the_file_is_accepted(tmp_path: Path, found: Review) -> None:
    path = tmp_path / "baseline"
    write_baseline(path, added(found, SHOWN, {}))
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "mine:demo/give" not in line))
    after = accepted(found, read_baseline(path))
    assert [each.rule for each in after.annotations if SHOWN.shows(each)] == ["mine:demo/give"]


def test_the_file_says_rule_and_place_for_people(tmp_path: Path, found: Review) -> None:
    path = tmp_path / "baseline"
    write_baseline(path, added(found, SHOWN, {}))
    head, give, take = path.read_text().splitlines()
    assert head.startswith("# Findings that were accepted")
    assert give.endswith("  # mine:demo/give drivers/demo.c demo()")
    assert take.endswith("  # mine:demo/take drivers/demo.c demo()")


def test_accepting_more_keeps_what_was_accepted(tmp_path: Path, found: Review) -> None:
    path = tmp_path / "baseline"
    before = {"0123456789abcdef": "rcu/x fs/a.c f()", "fedcba9876543210": ""}
    write_baseline(path, added(found, SHOWN, before))
    assert len(read_baseline(path)) == 4
    assert read_baseline(path) == added(found, SHOWN, before)


def test_a_file_by_hand_may_have_blanks_and_remarks(tmp_path: Path) -> None:
    path = write(tmp_path, "b", "# mine\r\n\r\n0123456789abcdef\r\n\n0123456789abcde0 # why \n")
    assert read_baseline(path) == {"0123456789abcdef": "", "0123456789abcde0": "why"}


@pytest.mark.parametrize("line", ["nonsense", "0123456789ABCDEF", "0123456789abcdef rcu/x"])
def test_what_is_no_baseline_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    path = write(tmp_path, "b", f"# ok\n{line}\n")
    with pytest.raises(ReviewerError, match=r"b:2: found .* 16 hex digits"):
        read_baseline(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReviewerError, match="the baseline cannot be read"):
        read_baseline(tmp_path / "none")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(ReviewerError, match="the baseline cannot be read"):
        read_baseline(tmp_path / "binary")
    with pytest.raises(ReviewerError, match="cannot be written"):
        write_baseline(tmp_path / "no" / "dir", {})
