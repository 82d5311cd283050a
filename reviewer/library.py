"""Finding and loading rules. A rule's id is its path: rules/rcu/plain_read.py is rcu/plain-read."""

from __future__ import annotations

import sys
from dataclasses import replace
from fnmatch import fnmatchcase
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from reviewer.budget import uncollected
from reviewer.declarative import LONGEST_TITLE, read_rule
from reviewer.declared.keys import nearest
from reviewer.errors import RuleError
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_HERE = Path(__file__).parent
_SUFFIXES = (".toml", ".py")


def shipped(name: str) -> Path:
    """`rules` or `fixtures`: inside the package when installed, beside it in a checkout."""
    packaged = _HERE / "_data" / name
    return packaged if packaged.is_dir() else _HERE.parent / name


def load_shipped() -> tuple[Rule, ...]:
    """The rules that come with the tool, by id.

    They are code of ours like any other, so their bytecode is kept as that of a module is: to
    compile them anew would be a quarter of the time that one patch takes.
    """
    with uncollected():
        return tuple(
            _checked(_imported(path), path, rule_id)
            if path.suffix == ".py"
            else load_rule(path, rule_id)
            for rule_id, path in sorted(_by_id(shipped("rules")).items())
        )


def load_directory(root: Path) -> tuple[Rule, ...]:
    """The rules FAMILY/NAME.toml and FAMILY/NAME.py under `root`, by id."""
    return tuple(load_rule(path, rule_id) for rule_id, path in sorted(_by_id(root).items()))


def _by_id(root: Path) -> dict[str, Path]:
    paths: dict[str, Path] = {}
    for path in rule_files(root):
        rule_id = rule_id_of(path)
        if rule_id in paths:
            raise RuleError(f"{path}: {rule_id} is also the id of {paths[rule_id]}")
        paths[rule_id] = path
    return paths


def rule_files(root: Path) -> list[Path]:
    """The files under `root` that are rules, sorted; names that begin with `_` or `.` are none."""
    if not root.is_dir():
        raise RuleError(f"{root}: wanted a directory of rules")
    return sorted(
        path
        for path in root.glob("*/*")
        if path.suffix in _SUFFIXES and path.name[0] not in "_." and path.is_file()
    )


def rule_id_of(path: Path) -> str:
    """`rcu/plain-read` for `.../rcu/plain_read.py`."""
    return f"{path.parent.name}/{path.stem}".replace("_", "-")


def load_rule(path: Path, rule_id: str) -> Rule:
    """Load one file. A Python rule runs its code: load only what may run as the user.

    RuleError names the file and what is wrong with it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError(f"{path}: cannot be read: {error}") from None
    return load_text(text, path, rule_id)


def load_text(text: str, path: Path, rule_id: str) -> Rule:
    """Load a file with this content; `path` is its name, which need not exist."""
    if path.suffix == ".toml":
        return read_rule(text, str(path), rule_id)
    return _python_rule(text, path, rule_id)


def _python_rule(text: str, path: Path, rule_id: str) -> Rule:
    return _checked(_run(text, path), path, rule_id)


def _checked(module: ModuleType, path: Path, rule_id: str) -> Rule:
    rule = getattr(module, "rule", None)
    if not isinstance(rule, Rule):
        found = "nothing" if rule is None else f"a {type(rule).__name__}"
        raise RuleError(f"{path}: rule: wanted `rule = Rule(...)`, found {found}")
    explanation = (module.__doc__ or "").strip()
    if not explanation:
        raise RuleError(f"{path}: no docstring; wanted one that says why this is wrong")
    if not 0 < len(rule.title) <= LONGEST_TITLE:
        what = f"{len(rule.title)} characters; wanted 1 to {LONGEST_TITLE}"
        raise RuleError(f"{path}: title: {what}")
    return replace(rule, id=rule_id, explanation=explanation)


def _imported(path: Path) -> ModuleType:
    """The module of a file, from its bytecode when that is fresh."""
    spec = spec_from_file_location(f"rule:{path}", path)
    if spec is None or spec.loader is None:
        raise RuleError(f"{path}: cannot be loaded as Python")
    module = module_from_spec(spec)
    sys.modules[module.__name__] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module.__name__]
        raise RuleError(f"{path}: cannot be loaded: {type(error).__name__}: {error}") from error
    return module


def _run(text: str, path: Path) -> ModuleType:
    """The module, run from exactly this text: never from bytecode that lies beside it."""
    module = ModuleType(f"rule:{path}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look their own module up there
    try:
        exec(compile(text, str(path), "exec", dont_inherit=True), module.__dict__)
    except (Exception, SystemExit) as error:  # whatever it raises, it does not load
        del sys.modules[module.__name__]
        raise RuleError(f"{path}: cannot be loaded: {type(error).__name__}: {error}") from error
    return module


def select(rules: Sequence[Rule], only: Sequence[str], skip: Sequence[str]) -> tuple[Rule, ...]:
    """The rules whose id fits a glob of `only` (or there is none), without those of `skip`.

    `rcu` means `rcu/*`. RuleError for a glob that fits no rule.
    """
    wanted = _chosen(rules, only) if only else {rule.id for rule in rules}
    unwanted = _chosen(rules, skip)
    return tuple(rule for rule in rules if rule.id in wanted and rule.id not in unwanted)


def _chosen(rules: Iterable[Rule], globs: Sequence[str]) -> set[str]:
    ids = [rule.id for rule in rules]
    chosen: set[str] = set()
    for glob in globs:
        full = glob if "/" in glob or "*" in glob else f"{glob}/*"
        fitting = [rule_id for rule_id in ids if fnmatchcase(rule_id, full)]
        if not fitting:
            families = {rule_id.partition("/")[0] for rule_id in ids}
            known = ids if "/" in glob else families
            raise RuleError(f"no rule fits {glob!r}; {nearest(glob, known)}")
        chosen.update(fitting)
    return chosen
