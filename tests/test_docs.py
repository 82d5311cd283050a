"""The pages about rules say what the rules and their fixtures say, and are fresh."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from reviewer import declarative
from reviewer.c.contexts import Context
from reviewer.declarative import read_rule
from reviewer.declared.conditions import LOCKS
from reviewer.docs import pages, rules_page, section
from reviewer.library import load_rule, load_shipped, rule_files, rule_id_of, shipped
from reviewer.scaffold import fixture_of, place, write
from reviewer.testing import check_case, read_cases

if TYPE_CHECKING:
    from pathlib import Path

    from reviewer.docs import Page


FORM = declarative.__doc__ or ""
BLOCK = re.compile(r"^```(\S+)([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def written() -> tuple[Page, ...]:
    return pages()


def page(tmp_path: Path, python: bool = False) -> str:
    made = place("rcu/my-check", tmp_path, python=python)
    write(made)
    return section(
        load_rule(made.rule, made.rule_id), read_cases(made.fixture), "rcu/my_check.toml"
    )


def test_the_pages_in_the_repository_are_fresh(written: tuple[Page, ...]) -> None:
    stale = [str(each.path) for each in written if not each.fresh]
    assert not stale, f"{', '.join(stale)}: run `reviewer rules docs`"


def test_every_shipped_rule_is_in_the_table_and_has_a_section(written: tuple[Page, ...]) -> None:
    text = written[0].text
    for rule in load_shipped():
        assert f"| [{rule.id}](#{rule.id.replace('/', '')}) |" in text
        assert f"\n## {rule.id}\n" in text


def test_every_link_of_the_page_leads_somewhere(written: tuple[Page, ...]) -> None:
    root = shipped("rules")
    for each in written:
        headings = re.findall(r"^## (.*)$", each.text, re.MULTILINE)
        anchors = {"".join(c for c in h.lower() if c.isalnum() or c in "-_") for h in headings}
        prose = BLOCK.sub("", each.text)
        for target in re.findall(r"\]\(([^)]*)\)", prose):
            here = target.startswith("#")
            assert target[1:] in anchors if here else (root / target).is_file(), target


@pytest.mark.parametrize("python", [False, True])
def test_a_page_has_why_an_example_of_each_kind_and_the_fix(tmp_path: Path, python: bool) -> None:
    text = page(tmp_path, python)
    parts = [
        "## rcu/my-check\n",
        "**demo_reset() without the lock of the device** (warning, likely, since ",
        "demo_reset() clears the registers",
        "It speaks: the device is reset with no lock held.",
        "+\tdemo_reset(d->dev);\n!   ^ warning: demo_resume() resets d->dev while",
        "To fix it: hold the lock of the device around demo_reset().",
        "It is quiet: the lock is held.",
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert "want:" not in text


def test_what_a_page_says_cannot_become_a_heading_or_markup(tmp_path: Path) -> None:
    made = place("rcu/my-check", tmp_path)
    write(made)
    text = made.rule.read_text().replace(
        "demo_reset() clears", "# Heading\n<script>x</script>\\u001b[0m"
    )
    made.rule.write_text(text)
    shown = section(load_rule(made.rule, made.rule_id), (), "x.toml")
    assert "\n\\# Heading\n&lt;script>x&lt;/script>\\x1b[0m" in shown


def test_a_page_of_rules_needs_no_fixtures(tmp_path: Path) -> None:
    made = place("rcu/my-check", tmp_path)
    write(made)
    made.fixture.unlink()
    rule = load_rule(made.rule, made.rule_id)
    assert "## rcu/my-check" in rules_page([rule], {rule.id: made.rule}, "# Rules\n")
    assert fixture_of(made.rule) is None


def test_each_shipped_rule_finds_its_fixture() -> None:
    for path in rule_files(shipped("rules")):
        fixture = fixture_of(path)
        assert fixture is not None, path
        assert rule_id_of(fixture) == rule_id_of(path)


def examples() -> list[tuple[str, list[str]]]:
    """Each rule of the page on writing rules, with the patches that follow it."""
    text = (shipped("rules") / "WRITING.md").read_text(encoding="utf-8")
    found: list[tuple[str, list[str]]] = []
    for kind, information, body in BLOCK.findall(text):
        if kind == "toml":
            found.append((body, []))
        elif kind == "diff":
            found[-1][1].append(f"```diff{information}\n{body}```\n")
    return found


@pytest.mark.parametrize("at", range(len(examples())))
def test_an_example_on_the_page_does_what_it_says(tmp_path: Path, at: int) -> None:
    rule, patches = examples()[at]
    fixture = tmp_path / "example.md"
    fixture.write_text("".join(f"# Case {n}\n\n{patch}\n" for n, patch in enumerate(patches)))
    made = read_rule(rule, "WRITING.md", f"example/{at}")
    failures = [each for case in read_cases(fixture) for each in check_case(made, case)]
    assert not failures, "\n".join(failures)


def test_the_page_on_writing_rules_names_every_key_and_word() -> None:
    text = (shipped("rules") / "WRITING.md").read_text(encoding="utf-8")
    said = set(re.findall(r"[\w-]+", " ".join(re.findall(r"`([^`\n]+)`", text))))
    documented = re.findall(r"^ {4,8}([a-z_]+)(?:, ([a-z_]+))?(?:\.\w+)? +=? ", FORM, re.MULTILINE)
    keys = {key for pair in documented for key in pair if key}
    assert {"title", "where", "use", "missing", "holding", "not_name"} <= keys | {"where"}
    assert keys - {"with", "and", "what", "match", "of"} <= said
    assert {*LOCKS, *Context} <= said
