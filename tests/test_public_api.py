"""What a rule of a user may rely on: said in one place, true, documented and typed."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from reviewer.docs import api_page
from reviewer.public import PUBLIC, described
from reviewer.scaffold import place, write

ROOT = Path(__file__).parent.parent
NAMES = [(module, name) for module, names in PUBLIC.items() for name in names]
MYPY = (sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--cache-dir=cache")

USERS_TEST = '''\
"""A test that a user has in a repository of rules."""

from pathlib import Path

import pytest

from reviewer.library import load_rule
from reviewer.testing import Case, check_case, read_cases

HERE = Path(__file__).parent
RULE = load_rule(HERE / "rcu" / "my_check.py", "rcu/my-check")


@pytest.mark.parametrize("case", read_cases(HERE / "rcu" / "my_check.md"), ids=lambda c: c.title)
def test_my_check(case: Case) -> None:
    assert not check_case(RULE, case)
'''


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_a_public_name_is_there_and_documented(module: str, name: str) -> None:
    value = getattr(importlib.import_module(module), name)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert value.__module__.startswith("reviewer.")
        assert inspect.getdoc(value)


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_what_a_public_class_has_is_typed(module: str, name: str) -> None:
    value = getattr(importlib.import_module(module), name)
    if not inspect.isclass(value) or issubclass(value, (int, str, Exception)):
        return
    for member, function in inspect.getmembers(value, inspect.isfunction):
        if not member.startswith("_"):
            assert "return" in function.__annotations__, f"{name}.{member}"


def test_a_module_that_says_what_it_exports_exports_its_public_names() -> None:
    for module, names in PUBLIC.items():
        exported = getattr(importlib.import_module(module), "__all__", None)
        if exported is not None:
            assert set(names) <= set(exported), module


def test_the_page_has_every_public_name() -> None:
    page = api_page()
    for module, names in described():
        assert f"## `{module}`" in page
        for each in names:
            assert f"| **`{each.name}`** | " in page.replace("\\|", "|")
            assert each.what
    assert "| `.calls` | Calls, iterator macros and guards in source order. |" in page
    assert "| `.message` | `str` |" in page
    assert "| `.at(node: Node) -> Locks` | " in page


def imported(path: Path) -> set[tuple[str, str]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("reviewer")
        for alias in node.names
        if node.module
    }


def test_what_a_new_rule_uses_is_public(tmp_path: Path) -> None:
    made = place("rcu/my-check", tmp_path, python=True)
    write(made)
    assert imported(made.rule) <= set(NAMES)


def test_a_test_of_a_user_runs_in_the_users_own_pytest(tmp_path: Path) -> None:
    write(place("rcu/my-check", tmp_path, python=True))
    (tmp_path / "test_rules.py").write_text(USERS_TEST)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "3 passed" in done.stdout, done.stdout + done.stderr


def test_a_rule_and_a_test_of_a_user_are_clean_for_a_strict_type_checker(tmp_path: Path) -> None:
    made = place("rcu/my-check", tmp_path, python=True)
    write(made)
    (tmp_path / "test_rules.py").write_text(USERS_TEST)
    done = subprocess.run(
        [*MYPY, str(made.rule), "test_rules.py"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
