"""The pages about rules, written from the rules and their fixtures."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.library import load_directory, rule_files, rule_id_of, shipped
from reviewer.model import Status
from reviewer.public import described
from reviewer.report.plain import plain
from reviewer.rule import Need
from reviewer.scaffold import fixture_of
from reviewer.testing import annotations_of, read_cases

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from reviewer.fixture import Block, Case, Line
    from reviewer.review import Annotation
    from reviewer.rule import Rule

_NEAR = 6  # unchanged lines of an example that are shown around what matters
_WIDTH = 96
_WRITTEN = "<!-- Written by `reviewer rules docs` from the rules and their fixtures. -->\n"
_HEAD = """\
# Rules

Each rule runs on the text before and after a patch, and what is shown is what the patch introduces.
Rules that are hunches are shown with `--all` only. To leave out a rule or a family:

```sh
reviewer run TARGET --skip-rule rcu/plain-read                       # this time
git config --global reviewer.rule.rcu/plain-read.enabled false       # always
git config --global reviewer.rule.rcu/plain-read.severity note       # less loud, for you
git config --global reviewer.rule.rcu off                            # all of a family
```

A comment in the code or a line in the mail turns nothing off: this is for the one who reviews.
[WRITING.md](WRITING.md) says how to write a rule, [API.md](API.md) what a rule in Python may use.
"""
_API_HEAD = """\
# What a rule in Python may use

These names are kept from release to release; what is not listed here may change. All are typed: a
rule of yours passes `mypy --strict` as it is. [WRITING.md](WRITING.md) shows them at work.
"""


@dataclass(frozen=True, slots=True)
class Page:
    """A file that is written from the rules."""

    path: Path
    text: str

    @property
    def fresh(self) -> bool:
        """Whether the file says this already."""
        try:
            return self.path.read_text(encoding="utf-8") == self.text
        except (OSError, UnicodeDecodeError):
            return False


def pages(root: Path | None = None) -> tuple[Page, ...]:
    """The pages of a directory of rules; of the shipped ones also that of the public API.

    RuleError when a rule or a fixture is broken.
    """
    own = root is None
    root = shipped("rules") if root is None else root
    paths = {rule_id_of(path): path for path in rule_files(root)}
    rules = load_directory(root)
    text = rules_page(rules, paths, _HEAD if own else "# Rules\n")
    page = Page(root / "README.md", text)
    return (page, Page(root / "API.md", api_page())) if own else (page,)


def rules_page(rules: Sequence[Rule], paths: Mapping[str, Path], head: str) -> str:
    """A table of all rules, then a section for each."""
    families: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules:
        families[rule.family].append(rule)
    parts = [head, _WRITTEN]
    for family, members in families.items():
        rows = "".join(_row(rule) for rule in members)
        parts.append(
            f"\n## {family}\n\n| rule | finds | severity | sure |\n|---|---|---|---|\n{rows}"
        )
    for rule in rules:
        path = paths[rule.id]
        fixture = fixture_of(path)
        cases = read_cases(fixture) if fixture else []
        parts.append(f"\n{section(rule, cases, f'{path.parent.name}/{path.name}')}")
    return "".join(parts)


def _row(rule: Rule) -> str:
    link = f"[{rule.id}](#{_anchor(rule.id)})"
    title = plain(rule.title).replace("|", "\\|")
    return f"| {link} | {title} | {_name(rule.severity)} | {_name(rule.confidence)} |\n"


def _anchor(rule_id: str) -> str:
    """As the web pages of git hosts make one of a heading."""
    return "".join(c for c in rule_id.lower() if c.isalnum() or c in "-_")


def _name(value: object) -> str:
    return getattr(value, "name", "").lower()


def section(rule: Rule, cases: Iterable[Case], source: str) -> str:
    """The page of one rule: why, an example that speaks, the fix, one that is quiet, links.

    `source` is its file, relative to the page.
    """
    cases = tuple(cases)
    needs = ", only with the whole file" if rule.needs is Need.FILE else ""
    facts = plain(f"{_name(rule.severity)}, {_name(rule.confidence)}, since {rule.since}{needs}")
    link = source if source.startswith("/") else f"[{source}]({source})"
    parts = [
        f"## {plain(rule.id)}\n\n**{plain(rule.title)}** ({facts}; {link})\n",
        _safe(rule.explanation),
    ]
    speaking = next((case for case in cases if case.speaks), None)
    quiet = next((case for case in cases if case.quiet), None)
    if speaking:
        annotations = annotations_of(rule, speaking)[0]
        parts.append(f"It speaks: {_lowered(speaking.title)}.\n\n{_example(speaking, annotations)}")
        parts += _fixes(annotations)
    if quiet:
        parts.append(f"It is quiet: {_lowered(quiet.title)}.\n\n{_example(quiet, ())}")
    if rule.links:
        parts.append("".join(f"- <{plain(link)}>\n" for link in rule.links))
    return "\n".join(part if part.endswith("\n") else f"{part}\n" for part in parts)


def _safe(text: str) -> str:
    """The explanation without control characters, and without what Markdown would run or head."""
    lines = (plain(line).replace("<", "&lt;") for line in text.strip().split("\n"))
    return "\n".join(f"\\{line}" if line.startswith("#") else line for line in lines)


def _lowered(title: str) -> str:
    words = plain(title).rstrip(".").split(" ", 1)
    first = words[0].lower() if words[0][1:].islower() or len(words[0]) == 1 else words[0]
    return " ".join([first, *words[1:]])


def _fixes(annotations: Iterable[Annotation]) -> list[str]:
    fixes = (each.finding.fix for each in annotations if each.finding.fix)
    return [f"To fix it: {plain(fix.title)}.\n" for fix in list(fixes)[:1]]


def _example(case: Case, annotations: Sequence[Annotation]) -> str:
    """The patch of a case with the findings under their lines."""
    parts: list[str] = []
    for block in case.blocks:
        here = [each for each in annotations if each.finding.span.path == block.path]
        kind = "c" if block.kind == "c" else "diff"
        parts.append(f"```{kind}\n{''.join(_rows(block, here))}```\n")
    return "\n".join(parts)


def _rows(block: Block, annotations: Sequence[Annotation]) -> Iterator[str]:
    said: dict[int, list[str]] = defaultdict(list)
    for each in annotations:
        if (line := _line_of(block, each)) is not None and each.status is Status.INTRODUCED:
            said[line.number] += _wrapped(f"{_name(each.severity)}: {each.finding.message}")
    kept = _kept(block, said)
    for at, line in enumerate(block.lines):
        if at not in kept:
            if at - 1 in kept or at == 0:
                yield " ...\n"
            continue
        sign = "" if block.kind == "c" else line.sign
        text = f"@@ {line.text}" if line.sign == "@" else f"{sign}{line.text}"
        yield plain(text).rstrip() + "\n"
        yield from (f"{row}\n" for row in said[line.number])


def _line_of(block: Block, annotation: Annotation) -> Line | None:
    span = annotation.finding.span
    for line in block.lines:
        if line.sign != "@" and span.line == (line.new if span.side == "new" else line.old):
            return line
    return None


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(plain(text), _WIDTH, initial_indent="!   ^ ", subsequent_indent="!     ")


def _kept(block: Block, said: Mapping[int, object]) -> frozenset[int]:
    """The rows near to a change or a finding, and the first, which names the function."""
    kept: set[int] = set()
    for at, line in enumerate(block.lines):
        if line.sign in "+-@" or line.number in said or block.kind == "c":
            kept.update(range(max(0, at - _NEAR), min(len(block.lines), at + _NEAR + 1)))
    return frozenset(kept)


def api_page() -> str:
    """The public names of the Python form."""
    parts = [_API_HEAD, "<!-- Written by `reviewer rules docs` from the docstrings. -->\n"]
    for module, names in described():
        parts.append(f"\n## `{module}`\n\n| name | |\n|---|---|\n")
        for each in names:
            parts.append(f"| **`{_cell(each.name)}`** | {_cell(each.what)} |\n")
            parts += (f"| `.{_cell(one.name)}` | {_cell(one.what)} |\n" for one in each.members)
    return "".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
