"""A new rule and its fixture, which already pass: what `reviewer rules new` writes.

The rule is an example of its form with the few comments that teach it; its words are then changed
one by one, and `reviewer rules test` says after each what no longer fits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from reviewer import __version__
from reviewer.errors import RuleError

if TYPE_CHECKING:
    from pathlib import Path

_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_LONGEST = 60
_WANTED = "wanted FAMILY/NAME in small letters, such as rcu/my-check"


@dataclass(frozen=True, slots=True)
class Scaffold:
    """The two files of a rule."""

    rule_id: str
    rule: Path
    fixture: Path


def place(name: str, directory: Path, *, python: bool = False) -> Scaffold:
    """Where the rule and the fixture of that name are written. RuleError for a bad name.

    A fixture stands beside its rule, or in `fixtures/rules/` where that is beside the directory.
    """
    family, slash, own = name.partition("/")
    good = slash and all(_NAME.fullmatch(part) and len(part) <= _LONGEST for part in (family, own))
    if not good:
        raise RuleError(f"{name!r} cannot be the name of a rule; {_WANTED}")
    family, own = family.replace("_", "-"), own.replace("_", "-")
    folder = directory / family.replace("-", "_")
    stem = own.replace("-", "_")
    fixtures = directory.parent / "fixtures" / "rules"
    fixture = fixtures / folder.name / f"{own}.md" if fixtures.is_dir() else folder / f"{stem}.md"
    return Scaffold(f"{family}/{own}", folder / f"{stem}{'.py' if python else '.toml'}", fixture)


def write(scaffold: Scaffold) -> None:
    """Write both files. RuleError when one of them, or the rule in the other form, is there."""
    rule, fixture = scaffold.rule, scaffold.fixture
    for path in (rule.with_suffix(".toml"), rule.with_suffix(".py"), fixture):
        if path.exists():
            raise RuleError(f"{path}: is there already; wanted a new name")
    try:
        _write(rule, _template(f"rule{rule.suffix}.in", scaffold))
        _write(fixture, _template("fixture.md.in", scaffold))
    except OSError as error:
        raise RuleError(f"{error.filename}: cannot be written: {error.strerror}") from None


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)


def _template(name: str, scaffold: Scaffold) -> str:
    text = files("reviewer").joinpath("templates", name).read_text(encoding="utf-8")
    since = ".".join(__version__.split(".")[:2])
    return text.replace("@ID@", scaffold.rule_id).replace("@SINCE@", since)


def fixture_of(rule: Path) -> Path | None:
    """The fixture of a rule file: beside it, or where the project of the tool keeps them."""
    names = dict.fromkeys((rule.stem, rule.stem.replace("_", "-"), rule.stem.replace("-", "_")))
    family = rule.parent.name
    shipped = rule.parent.parent.parent / "fixtures" / "rules"
    folders = (rule.parent, shipped / family, shipped / family.replace("_", "-"))
    found = (folder / f"{name}.md" for folder in folders for name in names)
    return next((path for path in found if path.is_file()), None)
