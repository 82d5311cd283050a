"""`reviewer config`: the settings that hold here, and where each comes from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from reviewer.config import Settings

_DESCRIPTION = """\
Print the settings that hold in this directory, and where each comes from. Set them with git config:

  git config --global reviewer.minSeverity warning
  git config --global reviewer.rule.rcu/plain-read.enabled false
  git config --global reviewer.rule.rcu "likely error"

An option on the command line counts more than a setting.
"""

Row = tuple[str, str, str]


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `reviewer config`."""
    import argparse

    config = commands.add_parser(
        "config",
        help="print the settings and where each comes from",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    config.set_defaults(command=_config)


def _config(_arguments: argparse.Namespace) -> int:
    from reviewer.config import settings
    from reviewer.report.plain import plain

    found = settings(Path())
    for warning in found.warnings:
        print(f"reviewer: {plain(warning)}", file=sys.stderr)
    shown = [tuple(map(plain, row)) for row in rows(found)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)][:2]
    for name, value, place in shown:
        print(f"{name:{widths[0]}}  {value:{widths[1]}}  {place}")
    return 0


def rows(found: Settings) -> Iterator[Row]:
    """Key, value and place of all that can be set; of the rules, of what is set."""
    from reviewer.config_keys import KEYS

    for key in KEYS:
        given = [each for each in found.used if each.name == key.name]
        for each in given:
            yield f"reviewer.{key.name}", each.value, each.place
        if not given:
            yield f"reviewer.{key.name}", key.default or "-", "default"
    for each in found.used:
        if each.name.lower().startswith("rule."):
            yield f"reviewer.{each.name}", each.value, each.place
