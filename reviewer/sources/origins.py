"""Where rules come from: one way for all of them, whoever wrote them.

    shipped     come with the tool; their ids are FAMILY/NAME, all others have their origin before
    installed   installed:FAMILY/NAME: packages with an entry point (`reviewer.sources.installed`)
    mine        mine:FAMILY/NAME: `~/.config/reviewer/rules`, and the directories that the user
                names with `git config --global --add reviewer.rules DIR`
    project     project:FAMILY/NAME: `.reviewer/rules/` of the repository, as the commit before the
                series has it; Python only when it is trusted (`reviewer.trust`)

A rule that is not shipped and cannot be loaded is a problem that names file and key, and costs
nothing but itself. Nothing in a repository can turn off or replace a rule of another origin.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from reviewer.budget import Overrun, time_limit
from reviewer.config import settings
from reviewer.declarative import read_rule
from reviewer.errors import ReviewerError, RuleError
from reviewer.library import load_rule, load_shipped, load_text, rule_files, rule_id_of, shipped
from reviewer.library import select as select_rules
from reviewer.model import Problem
from reviewer.sources.contained import bounds, contained
from reviewer.sources.switches import adjusted, read_switch, switch_of, unused
from reviewer.trust import pins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reviewer.config import Settings
    from reviewer.diff.blobs import Tree
    from reviewer.rule import Rule
    from reviewer.sources.project import ProjectFile
    from reviewer.sources.switches import Switch

LOAD_SECONDS = 2.0
"""The longest that loading one rule of a user may take."""


class Origin(StrEnum):
    """Who a rule is from."""

    SHIPPED = "shipped"
    INSTALLED = "installed"
    MINE = "mine"
    PROJECT = "project"


@dataclass(frozen=True, slots=True)
class Known:
    """A rule with its origin. Its id is what the user calls it."""

    rule: Rule
    origin: Origin
    place: str  # path of its file; of a project, within the repository
    on: bool = True

    @property
    def path(self) -> Path | None:
        """Its file; None for a rule that is read from a commit."""
        return None if self.origin is Origin.PROJECT else Path(self.place)


@dataclass(frozen=True, slots=True)
class Loaded:
    """All rules by origin and id, also those that are turned off, and what could not be loaded."""

    known: tuple[Known, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Those that are on."""
        return tuple(each.rule for each in self.known if each.on)

    def select(self, only: Sequence[str], skip: Sequence[str]) -> tuple[Rule, ...]:
        """Those that `--rule` and `--skip-rule` choose, as `library.select` has it.

        A rule that is off runs only when `only` has its very id. RuleError as there.
        """
        chosen = tuple(each.rule for each in self.known if each.on or each.rule.id in only)
        return select_rules(chosen, only, skip)


@dataclass(frozen=True, slots=True)
class Setup:
    """What the user's settings say about rules, and where project rules are read from."""

    directories: tuple[Path, ...] = ()  # `reviewer.rules` of scopes that no repository can set
    switches: tuple[tuple[str, str], ...] = ()  # id or glob, and words, in the order given
    cwd: Path = Path()
    tree: Tree | None = None
    base: str | None = "HEAD"  # the commit before the series; None: there is none


def load_all(setup: Setup) -> Loaded:
    """The rules of all origins.

    RuleError for a broken shipped rule, or a switch that says nothing known; all else is a problem.
    """
    switches = {name: read_switch(name, text) for name, text in setup.switches}
    parts = (
        Loaded(_shipped()),
        _installed(setup.cwd),
        _directories(Origin.MINE, _mine(setup.directories), []),
        _project(setup.tree, setup.base),
    )
    known = [each for part in parts for each in part.known]
    problems = [problem for part in parts for problem in part.problems]
    problems += unused([each.rule.id for each in known], dict(setup.switches))
    return Loaded(tuple(_switched(each, switches) for each in known), tuple(problems))


def load_configured(
    cwd: Path, tree: Tree | None, base: str | None = "HEAD", found: Settings | None = None
) -> Loaded:
    """The rules of all origins for a user who stands in `cwd`; `found` are the settings there.

    `tree` is the repository that project rules are read from, `base` the commit there. Raises
    ReviewerError as `load_all` and `config.settings` do.
    """
    found = settings(cwd) if found is None else found
    return load_all(Setup(found.rules, found.switches, cwd, tree, base))


def _switched(known: Known, switches: Mapping[str, Switch]) -> Known:
    switch = switch_of(known.rule.id, switches) if switches else None
    if switch is None:
        return known
    return replace(known, rule=adjusted(known.rule, switch), on=switch.on is not False)


def _shipped() -> tuple[Known, ...]:
    root = shipped("rules")
    places = {rule_id_of(path): str(path) for path in rule_files(root)}
    return tuple(Known(rule, Origin.SHIPPED, places[rule.id]) for rule in load_shipped())


def _installed(cwd: Path) -> Loaded:
    from reviewer.sources.installed import installed_directories

    return _directories(Origin.INSTALLED, *installed_directories(cwd))


def own_directory() -> Path:
    """The directory of the user's rules that needs no setting."""
    given = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".config") / "reviewer" / "rules"


def _mine(named: Iterable[Path]) -> list[Path]:
    own = own_directory()
    return list(dict.fromkeys((*([own] if own.is_dir() else ()), *named)))


def _directories(origin: Origin, roots: Iterable[Path], problems: list[Problem]) -> Loaded:
    known: dict[str, Known] = {}
    for root in roots:
        try:
            paths = rule_files(root)
        except (RuleError, OSError) as error:
            problems.append(Problem(f"{origin} rules", str(error)))
            continue
        for path in paths:
            _add(known, problems, path, origin)
    return Loaded(tuple(known[rule_id] for rule_id in sorted(known)), tuple(problems))


def _add(known: dict[str, Known], problems: list[Problem], path: Path, origin: Origin) -> None:
    rule_id = f"{origin}:{rule_id_of(path)}"
    if rule_id in known:
        what = f"not loaded: {rule_id} is also the id of {known[rule_id].place}"
        problems.append(Problem(str(path), what))
        return
    try:
        known[rule_id] = Known(load_file(path, rule_id), origin, str(path))
    except RuleError as error:
        problems.append(_problem(str(path), error))


def load_file(path: Path, rule_id: str) -> Rule:
    """A rule of a user, whose code may run. RuleError when it does not load within bounds."""
    return _bounded(lambda: load_rule(path, rule_id), str(path))


def _bounded(load: Callable[[], Rule], place: str) -> Rule:
    try:
        with bounds(), time_limit(LOAD_SECONDS):
            return contained(load())
    except RuleError as error:
        if isinstance(error.__cause__, Overrun):
            raise RuleError(f"{place}: did not load within {LOAD_SECONDS:g} s") from None
        raise
    except Overrun:
        raise RuleError(f"{place}: did not load within {LOAD_SECONDS:g} s") from None
    except (Exception, GeneratorExit) as error:
        raise RuleError(f"{place}: cannot be loaded: {type(error).__name__}: {error}") from None


def _problem(place: str, error: ReviewerError) -> Problem:
    return Problem(f"rule {place}", str(error).removeprefix(f"{place}: "))


def _project(tree: Tree | None, base: str | None) -> Loaded:
    if tree is None or base is None:
        return Loaded(())
    from reviewer.sources.project import project_files

    found = project_files(tree, base)
    problems = list(found.problems)
    known: dict[str, Known] = {}
    for file in _runnable(found.files, problems):
        rule_id = f"{Origin.PROJECT}:{rule_id_of(Path(file.path))}"
        if rule_id in known:
            what = f"not loaded: {rule_id} is also the id of {known[rule_id].place}"
            problems.append(Problem(f"rule {file.path}", what))
            continue
        try:
            known[rule_id] = Known(_project_rule(file, rule_id), Origin.PROJECT, file.path)
        except RuleError as error:
            problems.append(_problem(file.path, error))
    return Loaded(tuple(known[rule_id] for rule_id in sorted(known)), tuple(problems))


def _runnable(files: Iterable[ProjectFile], problems: list[Problem]) -> Iterator[ProjectFile]:
    """Data, and the code that is trusted; one line says what is not."""
    code = [file for file in files if file.is_code]
    trusted = frozenset[object]()
    if code:
        try:
            trusted = pins()
        except ReviewerError as error:
            problems.append(Problem("trusted rules", str(error)))
    skipped = [file.path for file in code if file.pin not in trusted]
    if skipped:
        problems.append(Problem("project rules", _skipped(skipped)))
    return (file for file in files if not file.is_code or file.pin in trusted)


def _skipped(paths: Sequence[str]) -> str:
    names = ", ".join(paths[:3]) + (", ..." if len(paths) > 3 else "")
    return f"Python that is not trusted was not run: {names}; `reviewer rules trust` pins it"


def _project_rule(file: ProjectFile, rule_id: str) -> Rule:
    try:
        text = file.content.decode()
    except UnicodeDecodeError as error:
        raise RuleError(f"{file.path}: cannot be read: {error}") from None
    if file.is_code:
        return _bounded(lambda: load_text(text, Path(file.path), rule_id), file.path)
    return _bounded(lambda: read_rule(text, file.path, rule_id), file.path)
