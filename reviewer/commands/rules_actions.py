"""What the commands below `reviewer rules` do. Each gives the exit status."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from reviewer.errors import ReviewerError, RuleError
from reviewer.report.plain import plain

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from reviewer.diff.blobs import Tree
    from reviewer.model import Problem
    from reviewer.rule import Rule
    from reviewer.sources.origins import Known, Loaded

_GOOD, _FOUND, _FAILED = 0, 1, 2


def write_new(arguments: argparse.Namespace) -> int:
    """Write a rule and its fixture, and say what to do next."""
    from reviewer.scaffold import place, write
    from reviewer.sources.origins import own_directory

    own = own_directory()
    directory: Path = (arguments.dir or own).expanduser().absolute()
    scaffold = place(arguments.name, directory, python=arguments.python)
    write(scaffold)
    _say(f"wrote {scaffold.rule}", f"wrote {scaffold.fixture}")
    _say("", "Change their words one by one, and after each:")
    path = scaffold.rule_id if directory == own else scaffold.rule
    _say(f"  reviewer rules test {path}", f"  reviewer rules try {path} TARGET")
    directories = {Path(each.place).parent.parent for each in _loaded(None).known}
    if directory != own and directory not in directories:
        _say("", "To have it run on every patch:")
        _say(f"  git config --global --add reviewer.rules {directory}")
    return _GOOD


def test(arguments: argparse.Namespace) -> int:
    """Run fixtures; show what does not fit on its source line."""
    from reviewer.commands.fixture_report import outcome_of
    from reviewer.scaffold import fixture_of
    from reviewer.testing import read_cases

    cases = wrong = 0
    files = _rules_to_test(arguments.paths)
    for path in files:
        rule = _load(path)
        fixture = fixture_of(path)
        if fixture is None:
            raise RuleError(f"{path}: no fixture; wanted {path.with_suffix('.md').name} beside it")
        for outcome in [outcome_of(rule, case) for case in read_cases(fixture)]:
            cases += 1
            if outcome.lines:
                wrong += 1
                _say(f"FAILED {rule.id}: {outcome.case.title}", *outcome.lines)
    _say(f"{_count(len(files), 'rule')}, {_count(cases, 'case')}, {wrong or 'none'} failed")
    return _FOUND if wrong else _GOOD


def _rules_to_test(names: list[str]) -> list[Path]:
    """The files that are meant; those of the user when none is named."""
    if names:
        return list(dict.fromkeys(path for name in names for path in _files_of(name)))
    from reviewer.sources.origins import Origin

    loaded = _loaded(None)
    broken = [each for each in loaded.problems if each.where.startswith("rule ")]
    if broken:
        raise RuleError(f"{broken[0].where.removeprefix('rule ')}: {broken[0].what}")
    mine = [each.path for each in loaded.known if each.origin is Origin.MINE and each.path]
    if not mine:
        raise RuleError("there are no rules of yours yet: reviewer rules new FAMILY/NAME")
    return mine


def _files_of(name: str) -> list[Path]:
    from reviewer.library import rule_files

    path = Path(name).expanduser()
    if path.is_dir():
        nested = [each for each in (path, path.parent) if rule_files(each)]
        files = [each for root in nested[:1] for each in rule_files(root)]
        if nested and nested[0] != path:
            files = [each for each in files if each.parent == path]
        if not files:
            raise RuleError(f"{name}: holds no rules; wanted FAMILY/NAME.toml or .py in it")
        return files
    if path.suffix == ".md" and path.is_file():
        return [_rule_of_fixture(path)]
    if path.is_file():
        return [path]
    known = _find(name, _loaded(None))
    if known.path is None:
        raise RuleError(f"{name}: is read from a commit; name its file in the work tree")
    return [known.path]


def _rule_of_fixture(fixture: Path) -> Path:
    stems = dict.fromkeys((fixture.stem, fixture.stem.replace("-", "_")))
    for folder in (fixture.parent, fixture.parents[3] / "rules" / fixture.parent.name):
        for stem in stems:
            for suffix in (".toml", ".py"):
                if (path := folder / f"{stem}{suffix}").is_file():
                    return path
    raise RuleError(f"{fixture}: no rule {fixture.stem}.toml or .py that it is the fixture of")


def list_all(_arguments: argparse.Namespace) -> int:
    """A table of all rules, also those that are off."""
    loaded = _loaded(_tree())
    rows = [
        (
            plain(each.rule.id),
            each.rule.severity.name.lower(),
            each.rule.confidence.name.lower(),
            each.origin.value,
            "on" if each.on else "off",
            plain(each.rule.title),
        )
        for each in loaded.known
    ]
    head = ("ID", "SEVERITY", "CONFIDENCE", "ORIGIN", "", "TITLE")
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        _say("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    _warn(loaded.problems)
    return _GOOD


def show(arguments: argparse.Namespace) -> int:
    """The page of one rule."""
    from reviewer.docs import section
    from reviewer.scaffold import fixture_of
    from reviewer.testing import read_cases

    known = _find(arguments.rule, _loaded(_tree()))
    fixture = fixture_of(known.path) if known.path else None
    _say(section(known.rule, read_cases(fixture) if fixture else (), plain(known.place)).rstrip())
    _say("", f"To turn it off: git config --global reviewer.rule.{known.rule.id}.enabled false")
    return _GOOD


def attempt(arguments: argparse.Namespace) -> int:
    """Run one rule on targets."""
    from reviewer.commands.trial import lines, run_one

    path = Path(arguments.rule).expanduser()
    is_file = path.is_file() or path.suffix in (".toml", ".py")
    rule = _load(path) if is_file else _find(arguments.rule, _loaded(_tree())).rule
    trial = run_one(
        rule,
        tuple(arguments.targets),
        Path(),
        everything=arguments.all,
        tree=arguments.tree,
    )
    _say(*lines(trial))
    for failure in trial.result.failures:
        print(f"reviewer: {plain(failure)}", file=sys.stderr)
    if trial.result.failures:
        return _FAILED
    return _FOUND if trial.shown else _GOOD


def write_docs(arguments: argparse.Namespace) -> int:
    """Write the pages of a directory of rules, or check them."""
    from reviewer.docs import pages

    stale = [page for page in pages(arguments.dir) if not page.fresh]
    if arguments.check:
        for page in stale:
            _say(f"{page.path}: is not what the rules say; run: reviewer rules docs")
        return _FOUND if stale else _GOOD
    for page in stale:
        try:
            page.path.write_text(page.text, encoding="utf-8")
        except OSError as error:
            raise ReviewerError(f"{page.path}: cannot be written: {error.strerror}") from None
        _say(f"wrote {page.path}")
    return _GOOD


def trust(arguments: argparse.Namespace) -> int:
    """Pin the Python rules of the repository at HEAD, or let go of them."""
    from reviewer.sources.project import RULES, project_files, repository_of
    from reviewer.trust import digest_of_all, keep, state_file

    tree = _tree()
    if tree is None:
        raise ReviewerError("not inside a git repository; stand in the one whose rules you trust")
    repository = repository_of(tree)
    if arguments.revoke:
        keep(repository, ())
        _say(f"no Python rule of {repository} is trusted any more")
        return _GOOD
    found = project_files(tree, "HEAD")
    _warn(found.problems)
    pins = [file.pin for file in found.files if file.is_code]
    if not pins:
        raise ReviewerError(f"{repository}: HEAD has no Python rules in {RULES}; commit them first")
    digest = digest_of_all(pins)
    if arguments.digest and arguments.digest.lower() != digest:
        raise ReviewerError(f"nothing is trusted: the digest is {digest}, not {arguments.digest}")
    keep(repository, pins)
    _say(*(plain(f"{pin.sha256}  {pin.path}") for pin in pins))
    _say(f"trusted in {repository}, as HEAD has them; they run as you. Kept in {state_file()}")
    _say(f"digest of all: {digest}")
    return _GOOD


def _load(path: Path) -> Rule:
    """The rule of a file that the user named, which is the decision to run it."""
    from reviewer.library import rule_id_of
    from reviewer.sources.origins import load_file

    if path.suffix not in (".toml", ".py"):
        raise RuleError(f"{path}: wanted a rule, a file .toml or .py")
    return load_file(path, rule_id_of(path.absolute()))


def _find(name: str, loaded: Loaded) -> Known:
    """The rule of that id; without origin, if only one origin has it."""
    from reviewer.sources.switches import nearest_rule

    by_id = {each.rule.id: each for each in loaded.known}
    if name in by_id:
        return by_id[name]
    fits = [each for each in loaded.known if each.rule.id.partition(":")[2] == name]
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise RuleError(f"{name!r} is ambiguous: {', '.join(each.rule.id for each in fits)}")
    file = name.partition(":")[2].replace("-", "_") or name
    broken = [
        each
        for each in loaded.problems
        if each.where.startswith("rule ") and f"/{file}." in each.where
    ]
    if broken:
        raise RuleError(f"{broken[0].where.removeprefix('rule ')}: {broken[0].what}")
    raise RuleError(f"no rule {name!r}; {nearest_rule(name, by_id)}")


def _loaded(tree: Tree | None) -> Loaded:
    from reviewer.config import settings
    from reviewer.sources.origins import load_configured

    found = settings(Path())
    for warning in found.warnings:
        print(f"reviewer: {plain(warning)}", file=sys.stderr)
    return load_configured(Path(), tree, found=found)


def _tree() -> Tree | None:
    from reviewer.diff.blobs import open_tree

    return open_tree(Path())


def _warn(problems: Iterable[Problem]) -> None:
    for each in problems:
        print(f"reviewer: {plain(each.where)}: {plain(each.what)}", file=sys.stderr)


def _say(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
