"""`reviewer rules`: write, test, list, show and try rules."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from reviewer.commands import rules_actions as actions

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_ABOUT = """\
Rules of your own are files FAMILY/NAME.toml or FAMILY/NAME.py in ~/.config/reviewer/rules, or in a
directory that you name: git config --global --add reviewer.rules DIR

  reviewer rules new rcu/my-check             a rule and its fixture, which already pass
  reviewer rules test rcu/my-check            expected and found, on the source line
  reviewer rules try rcu/my-check HEAD~9..    what it says about real patches
"""


def add_command(commands: Commands) -> None:
    """Add `rules` with its own commands."""
    raw = argparse.RawDescriptionHelpFormatter
    rules = commands.add_parser(
        "rules", help="write, test and list rules", description=_ABOUT, formatter_class=raw
    )
    below = rules.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_new(below)
    _add_test(below)
    _add_list(below)
    _add_show(below)
    _add_try(below)
    _add_docs(below)
    _add_trust(below)


def _add_new(below: Commands) -> None:
    new = below.add_parser("new", help="write a rule and a fixture that already pass")
    new.add_argument("name", metavar="FAMILY/NAME", help="such as rcu/my-check")
    new.add_argument("--python", action="store_true", help="a rule in Python instead of TOML")
    new.add_argument("--dir", metavar="DIR", type=Path, help="default: ~/.config/reviewer/rules")
    new.set_defaults(command=actions.write_new)


def _add_test(below: Commands) -> None:
    test = below.add_parser("test", help="run the fixtures of your rules")
    what = "a rule, a fixture, a directory of rules, or an id (default: all rules of yours)"
    test.add_argument("paths", metavar="PATH", nargs="*", help=what)
    test.set_defaults(command=actions.test)


def _add_list(below: Commands) -> None:
    listed = below.add_parser("list", help="all rules: id, severity, confidence, origin, on or off")
    listed.set_defaults(command=actions.list_all)


def _add_show(below: Commands) -> None:
    show = below.add_parser("show", help="the page of a rule")
    show.add_argument("rule", metavar="ID")
    show.set_defaults(command=actions.show)


def _add_try(below: Commands) -> None:
    attempt = below.add_parser("try", help="what one rule says about a thread, archive or range")
    attempt.add_argument("rule", metavar="ID-or-FILE", help="a file is run as it is")
    attempt.add_argument("targets", metavar="TARGET", nargs="+", help="as for `reviewer run`")
    attempt.add_argument("--tree", metavar="DIR", type=Path, help="as for `reviewer run`")
    attempt.add_argument("--all", action="store_true", help="also what was there before the patch")
    attempt.set_defaults(command=actions.attempt)


def _add_docs(below: Commands) -> None:
    docs = below.add_parser("docs", help="write the page of all rules, README.md beside them")
    docs.add_argument("--check", action="store_true", help="write nothing; fail if it is not fresh")
    docs.add_argument("--dir", metavar="DIR", type=Path, help="default: the rules of the tool")
    docs.set_defaults(command=actions.write_docs)


def _add_trust(below: Commands) -> None:
    about = """\
Pin the Python rules that HEAD of the repository has in .reviewer/rules, so that they may run. They
run as you, with all that you may do: read them first. One changed byte, and they run no more.
"""
    trust = below.add_parser(
        "trust", help="let Python rules of a repository run", description=about
    )
    trust.add_argument("--revoke", action="store_true", help="trust none of the repository again")
    trust.add_argument("--digest", metavar="SHA256", help="only if all of them have this digest")
    trust.set_defaults(command=actions.trust)
