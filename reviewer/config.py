"""The user's settings, from git config: `reviewer.*`, and who the user is.

A repository's own config can come with the repository, so it gives data alone: what names code
counts only in the user's config, the system's, or on git's command line.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from reviewer.config_keys import FAMILY_WANTED, KEYS, RULE_WANTED, family_words, rule_words
from reviewer.errors import ReviewerError
from reviewer.model import Confidence, Severity

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

    from reviewer.config_keys import Key, Value

    V = TypeVar("V", str, bool, float, Path, Severity, Confidence)

_BY_NAME = {key.name.lower(): key for key in KEYS}


class Scope(StrEnum):
    """Where git found a value, in git's words."""

    SYSTEM = "system"
    GLOBAL = "global"
    LOCAL = "local"
    WORKTREE = "worktree"
    COMMAND = "command"
    UNKNOWN = "unknown"


_SCOPES = {each.value: each for each in Scope}

TRUSTED = frozenset({Scope.SYSTEM, Scope.GLOBAL, Scope.COMMAND})
"""Scopes that no repository can set."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One value as git config has it."""

    name: str  # without `reviewer.`
    value: str
    scope: Scope
    origin: str  # of the file: its path

    @property
    def where(self) -> str:
        """`git config reviewer.all (global, /home/me/.gitconfig)`, to begin a complaint with."""
        return f"git config reviewer.{self.name} ({self.place})"

    @property
    def place(self) -> str:
        """Scope and file."""
        return f"{self.scope}, {self.origin}" if self.origin else self.scope.value


@dataclass(frozen=True, slots=True)
class Settings:
    """The effective values; what is not set is as it is without any setting."""

    min_severity: Severity | None = None
    min_confidence: Confidence | None = None
    all: bool = False
    rule: tuple[str, ...] = ()
    skip_rule: tuple[str, ...] = ()
    tree: Path | None = None
    revisions: bool = True
    comments: str = "all"
    format: str = "terminal"
    color: str = "auto"
    hook_block: str = "error"
    hook_timeout: float = 20.0
    rules: tuple[Path, ...] = ()  # directories of rules, from trusted scopes only
    switches: tuple[tuple[str, str], ...] = ()  # id, family or glob of rules, and words
    facts: Path | None = None  # the directory that `reviewer facts build` has written
    used: tuple[Setting, ...] = ()  # those that count, in the order that git gives
    warnings: tuple[str, ...] = ()  # a line for each setting that does not count


def settings(cwd: Path) -> Settings:
    """All settings that hold in `cwd`; asks git once.

    ReviewerError names key, scope, value and what was wanted when a value is none.
    """
    found, warnings = _ask(cwd)
    refused = {each: why for each in found if (why := _refused(each))}
    used = _effective(each for each in found if each not in refused)
    values: dict[str, list[Value]] = {}
    for each in used:
        if key := _BY_NAME.get(each.name.lower()):
            values.setdefault(key.name, []).append(_read(key, each))
    return Settings(
        min_severity=_last(values, "minSeverity", Severity),
        min_confidence=_last(values, "minConfidence", Confidence),
        all=_last(values, "all", bool) or False,
        rule=_every(values, "rule", str),
        skip_rule=_every(values, "skipRule", str),
        tree=_last(values, "tree", Path),
        revisions=_last(values, "revisions", bool) is not False,
        comments=_last(values, "comments", str) or "all",
        format=_last(values, "format", str) or "terminal",
        color=_last(values, "color", str) or "auto",
        hook_block=_last(values, "hookBlock", str) or "error",
        hook_timeout=_last(values, "hookTimeout", float) or 20.0,
        rules=_every(values, "rules", Path),
        facts=_last(values, "facts", Path),
        switches=_switches(used),
        used=tuple(used),
        warnings=(*warnings, *refused.values()),
    )


def fill(arguments: argparse.Namespace, found: Settings) -> None:
    """Give the options that were not on the command line (None) the values of the settings.

    `--all` asks for everything, so the least severity and confidence of the settings do not count.
    """
    everything = getattr(arguments, "all", None)
    for name in ("all", "rule", "skip_rule", "revisions", "comments", "format", "color"):
        if getattr(arguments, name, "") is None:
            value = getattr(found, name)
            setattr(arguments, name, list(value) if isinstance(value, tuple) else value)
    if not getattr(arguments, "no_tree", False) and getattr(arguments, "tree", "") is None:
        arguments.tree = found.tree
    if not everything:
        for name in ("min_severity", "min_confidence"):
            level: Severity | Confidence | None = getattr(found, name)
            if level is not None and getattr(arguments, name, "") is None:
                setattr(arguments, name, level.name.lower())


def _ask(cwd: Path) -> tuple[list[Setting], list[str]]:
    """What git has, and why it has nothing when it cannot say."""
    command = ["git", "config", "--show-scope", "--show-origin", "-z", "--get-regexp"]
    try:
        done = subprocess.run(
            [*command, r"^reviewer\."], capture_output=True, check=False, timeout=10, cwd=cwd
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [], [f"git config cannot be asked, so no setting counts: {error}"]
    if done.returncode not in (0, 1):  # 1: there is none
        said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        return [], [f"git config cannot be read, so no setting counts: {said}"]
    fields = done.stdout.decode("utf-8", "replace").split("\0")
    triples = zip(fields[0::3], fields[1::3], fields[2::3], strict=False)
    return [_setting(*triple) for triple in triples], []


def _setting(scope: str, origin: str, entry: str) -> Setting:
    key, given, value = entry.partition("\n")
    name = key.partition(".")[2]
    known = _BY_NAME.get(name.lower())
    return Setting(
        known.name if known else name,
        value if given else "true",  # a key without `=` is true to git
        _SCOPES.get(scope, Scope.UNKNOWN),
        origin.partition(":")[2],
    )


def _refused(setting: Setting) -> str | None:
    """Why a setting does not count; None when it does."""
    key = _BY_NAME.get(setting.name.lower())
    if key is None and _rule_of(setting) is None:
        from reviewer.declared.keys import nearest

        names = [key.name for key in KEYS]
        if setting.name.lower().startswith("rule."):
            wanted = "wanted rule.ID.severity, rule.ID.confidence or rule.ID.enabled"
        else:
            wanted = nearest(setting.name, names)
        return f"{setting.where}: unknown; {wanted}"
    if key and key.code and setting.scope not in TRUSTED:
        how = f"git config --global --add reviewer.{key.name} {setting.value}"
        return f"{setting.where}: not used, since it names code and is not yours alone; {how}"
    return None


def _effective(found: Iterable[Setting]) -> list[Setting]:
    """The last value of each key; of those with many values all since the last empty one."""
    chosen: dict[str, list[Setting]] = {}
    for each in found:
        key = _BY_NAME.get(each.name.lower())
        if key is None or not key.many:
            chosen[each.name] = [each]
        elif each.value:
            chosen.setdefault(each.name, []).append(each)
        else:
            chosen[each.name] = []
    return [each for settings in chosen.values() for each in settings]


def _read(key: Key, setting: Setting) -> Value:
    try:
        return key.read(setting.value)
    except ValueError:
        raise _bad(setting, key.wanted) from None


def _bad(setting: Setting, wanted: str) -> ReviewerError:
    return ReviewerError(f"{setting.where}: found {setting.value[:60]!r}, wanted {wanted}")


def _last(values: Mapping[str, list[Value]], name: str, kind: type[V]) -> V | None:
    return next(reversed(_every(values, name, kind)), None)


def _every(values: Mapping[str, list[Value]], name: str, kind: type[V]) -> tuple[V, ...]:
    return tuple(value for value in values.get(name, ()) if isinstance(value, kind))


def _rule_of(setting: Setting) -> tuple[str, str] | None:
    """Rule and name of `rule.ID.NAME`, family and "" of `rule.FAMILY`.

    A key of git ends with a name of letters, digits and `-`, so an id cannot be the end of one.
    """
    section, _, rest = setting.name.partition(".")
    if section.lower() != "rule" or not rest:
        return None
    rule, _, name = rest.rpartition(".")
    if not rule:
        return rest, ""
    return (rule, name.lower()) if name.lower() in RULE_WANTED else None


def _switches(used: Iterable[Setting]) -> tuple[tuple[str, str], ...]:
    """Of each rule, what its settings say together."""
    said: dict[str, list[str]] = {}
    for each in used:
        if (parts := _rule_of(each)) is None:
            continue
        rule, name = parts
        try:
            words = rule_words(name, each.value) if name else family_words(each.value)
        except ValueError:
            raise _bad(each, RULE_WANTED.get(name, FAMILY_WANTED)) from None
        said.setdefault(rule, []).append(words)
    return tuple((rule, " ".join(words)) for rule, words in said.items())


def identity() -> str | None:
    """Who the user is to git, "Name <address>"; None when git does not know."""
    name, address = _value("user.name"), _value("user.email")
    return f"{name} <{address}>" if name and address else None


def _value(key: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "config", "--get", key], capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
