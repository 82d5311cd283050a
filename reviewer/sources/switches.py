"""Rules turned on and off, and made more or less severe, by the user's own settings.

A setting is the id of a rule, or a glob, and words: `off` or `on`, a severity, a confidence. The id
itself counts more than a glob that fits it; of globs, the last counts. A confidence holds for the
findings of which the rule is not less sure itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from reviewer.declared.keys import nearest
from reviewer.errors import RuleError
from reviewer.model import Confidence, Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reviewer.c.source import Source
    from reviewer.model import Finding
    from reviewer.rule import Check, Rule

_STATES = {"on": True, "off": False}
_SEVERITIES = {each.name.lower(): each for each in Severity}
_CONFIDENCES = {each.name.lower(): each for each in Confidence}
_WORDS = (*_STATES, *_SEVERITIES, *_CONFIDENCES)
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Switch:
    """What a setting says; None: nothing about it."""

    on: bool | None = None
    severity: Severity | None = None
    confidence: Confidence | None = None

    def over(self, other: Switch) -> Switch:
        """Both, where this one counts more."""
        return Switch(
            other.on if self.on is None else self.on,
            other.severity if self.severity is None else self.severity,
            other.confidence if self.confidence is None else self.confidence,
        )


def read_switch(name: str, text: str) -> Switch:
    """The words of one setting. RuleError names `name`, the word and what was wanted."""
    switch = Switch()
    for word in text.replace(",", " ").lower().split():
        said = Switch(_STATES.get(word), _SEVERITIES.get(word), _CONFIDENCES.get(word))
        if said == Switch():
            raise RuleError(f"reviewer.rule: {name}: unknown {word!r}; {nearest(word, _WORDS)}")
        if said.over(switch) != switch.over(said):
            raise RuleError(f"reviewer.rule: {name}: {text!r} says two different things")
        switch = said.over(switch)
    if switch == Switch():
        raise RuleError(f"reviewer.rule: {name}: empty; wanted {', '.join(_WORDS)}")
    return switch


def switch_of(rule_id: str, switches: Mapping[str, Switch]) -> Switch:
    """What all settings together say of a rule."""
    switch = Switch()
    for glob, each in switches.items():
        if fnmatchcase(rule_id, _full(glob)):
            switch = each.over(switch)
    return switches.get(rule_id, Switch()).over(switch)


def unused(ids: Sequence[str], switches: Mapping[str, str]) -> Iterator[Problem]:
    """A line for each setting that fits no rule."""
    for glob in switches:
        if not any(fnmatchcase(rule_id, _full(glob)) for rule_id in ids):
            what = f"no rule fits {glob!r}; {nearest_rule(glob, ids)}"
            yield Problem("setting reviewer.rule", what)


def nearest_rule(name: str, ids: Iterable[str]) -> str:
    """What was probably meant, or how to see all that there is."""
    import difflib  # only wanted when something is wrong

    names = sorted({part for each in ids for part in (each, each.partition("/")[0])})
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"the nearest is {close[0]!r}" if close else "`reviewer rules list` shows all"


def _full(glob: str) -> str:
    """A family stands for its rules, as it does for `--rule`."""
    return glob if "/" in glob or _GLOB.search(glob) else f"{glob}/*"


def adjusted(rule: Rule, switch: Switch) -> Rule:
    """The rule with the severity and the confidence that the user gives it."""
    if switch.severity is None and switch.confidence is None:
        return rule
    return replace(
        rule,
        severity=rule.severity if switch.severity is None else switch.severity,
        confidence=rule.confidence if switch.confidence is None else switch.confidence,
        check=_adjusting(rule.check, switch),
    )


def _adjusting(check: Check, switch: Switch) -> Check:
    def run(source: Source) -> Iterable[Finding]:
        return (_finding(finding, switch) for finding in check(source))

    return run


def _finding(finding: Finding, switch: Switch) -> Finding:
    severity, confidence = finding.severity, finding.confidence
    if switch.severity is not None:
        severity = None
    if switch.confidence is not None and confidence is not None:
        confidence = min(confidence, switch.confidence)
    return replace(finding, severity=severity, confidence=confidence)
