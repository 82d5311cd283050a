from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from reviewer.errors import RuleError
from reviewer.library import load_directory, load_rule, load_shipped, select, shipped
from reviewer.model import Confidence, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from pathlib import Path

TOML = """
title = "Result of take() is lost"
severity = "note"
confidence = "hunch"
since = "0.1"
explanation = "It is gone."
match = "take($A);"
message = "keep $A"
"""
PYTHON = '''"""Why this is wrong.

How to repair it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.model import Confidence, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.source import Source
    from reviewer.model import Finding


@dataclass(frozen=True)
class State:
    count: int = 0


def check(source: Source) -> Iterator[Finding]:
    yield from ()


rule = Rule(
    title="A bad pattern",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
)
'''


def write(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def error(path: Path) -> str:
    with pytest.raises(RuleError) as caught:
        load_rule(path, "demo/rule")
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


def named(*ids: str) -> tuple[Rule, ...]:
    return tuple(
        Rule("x", Severity.NOTE, Confidence.HUNCH, "0.1", lambda _source: (), id=rule_id)
        for rule_id in ids
    )


def test_the_id_of_a_rule_is_its_path(tmp_path: Path) -> None:
    write(tmp_path, "rcu/plain_read.py", PYTHON)
    write(tmp_path, "idr/lost_take.toml", TOML)
    write(tmp_path, "README.md", "not a rule")
    write(tmp_path, "idr/__pycache__/x.py", "not a rule")
    write(tmp_path, "idr/_shared.py", "not a rule")
    rules = load_directory(tmp_path)
    assert [rule.id for rule in rules] == ["idr/lost-take", "rcu/plain-read"]
    assert rules[0].family == "idr"


def test_a_python_rule_is_explained_by_its_docstring(tmp_path: Path) -> None:
    rule = load_rule(write(tmp_path, "rcu/plain.py", PYTHON), "rcu/plain")
    assert rule.explanation == "Why this is wrong.\n\nHow to repair it."
    assert (rule.title, rule.severity) == ("A bad pattern", Severity.WARNING)


def test_loading_leaves_no_bytecode_and_no_path_behind(tmp_path: Path) -> None:
    before = list(sys.path)
    load_rule(write(tmp_path, "rcu/plain.py", PYTHON), "rcu/plain")
    assert sys.path == before
    assert [path.name for path in (tmp_path / "rcu").iterdir()] == ["plain.py"]


def test_bytecode_beside_a_rule_is_never_run(tmp_path: Path) -> None:
    import py_compile

    path = write(tmp_path, "rcu/plain.py", PYTHON.replace("A bad pattern", "From the cache"))
    py_compile.compile(
        str(path), doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )
    write(tmp_path, "rcu/plain.py", PYTHON)
    assert load_rule(path, "rcu/plain").title == "A bad pattern"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            PYTHON.replace("rule = Rule(", "other = Rule("),
            "wanted `rule = Rule(...)`, found nothing",
        ),
        (PYTHON + "\nrule = 3\n", "found a int"),
        (PYTHON[PYTHON.index("from __future__") :], "no docstring"),
        (PYTHON + "\nraise ValueError('broken')\n", "cannot be loaded: ValueError: broken"),
        (PYTHON + "\nraise SystemExit(3)\n", "cannot be loaded: SystemExit"),
        (PYTHON + "\nimport no_such_module\n", "cannot be loaded: ModuleNotFoundError"),
        (PYTHON + "\n)\n", "cannot be loaded: SyntaxError"),
        (PYTHON.replace("A bad pattern", "x" * 61), "title: 61 characters"),
    ],
)
def test_a_broken_python_rule_is_named(tmp_path: Path, text: str, wanted: str) -> None:
    assert wanted in error(write(tmp_path, "demo/rule.py", text))


def test_a_broken_toml_rule_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "demo/rule.toml", TOML.replace("take($A)", "take($A"))
    assert "match: not a C statement" in error(path)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rule.toml"
    path.write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in error(path)
    assert "cannot be read" in error(tmp_path / "missing.py")


def test_two_files_of_one_id_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "rcu/plain_read.py", PYTHON)
    write(tmp_path, "rcu/plain-read.toml", TOML)
    with pytest.raises(RuleError, match="rcu/plain-read is also the id of"):
        load_directory(tmp_path)


def test_rules_are_chosen_by_globs_and_families() -> None:
    rules = named("idr/walk", "rcu/plain-read", "rcu/swap")

    def ids(only: list[str], skip: list[str]) -> list[str]:
        return [rule.id for rule in select(rules, only, skip)]

    assert ids([], []) == ["idr/walk", "rcu/plain-read", "rcu/swap"]
    assert ids(["rcu/*"], []) == ["rcu/plain-read", "rcu/swap"]
    assert ids(["rcu"], ["rcu/swap"]) == ["rcu/plain-read"]
    assert ids(["idr/walk", "*/swap"], []) == ["idr/walk", "rcu/swap"]
    assert ids([], ["rcu"]) == ["idr/walk"]


@pytest.mark.parametrize(
    ("glob", "wanted"), [("rcu/plainread", "'rcu/plain-read'"), ("rcv", "the nearest is 'rcu'")]
)
def test_a_glob_that_fits_no_rule_shows_the_nearest(glob: str, wanted: str) -> None:
    with pytest.raises(RuleError, match=f"no rule fits '{glob}'.*{wanted}"):
        select(named("idr/walk", "rcu/plain-read"), [glob], [])


def test_the_shipped_rules_are_found() -> None:
    assert (shipped("rules")).is_dir()
    ids = [rule.id for rule in load_shipped()]
    assert ids == sorted(set(ids))


def test_ten_rules_load_in_no_time(tmp_path: Path) -> None:
    for number in range(5):
        write(tmp_path, f"demo/data_{number}.toml", TOML)
        write(tmp_path, f"demo/code_{number}.py", PYTHON)
    load_directory(tmp_path)
    start = time.process_time()
    assert len(load_directory(tmp_path)) == 10
    assert time.process_time() - start < 0.1
