"""`reviewer facts`: the tables of what sleeps, frees and locks, made of the user's own tree."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

_EPILOG = """\
The shipped tables are of Linux 6.12. To have those of your own tree used:

  reviewer facts build --tree ~/linux
  git config --global reviewer.facts ~/.cache/reviewer/facts
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `reviewer facts`."""
    import argparse

    facts = commands.add_parser("facts", help="make the tables of facts of your own kernel tree")
    below = facts.add_subparsers(title="commands", metavar="COMMAND", required=True)
    build = below.add_parser(
        "build",
        help="read a kernel tree; takes a few minutes",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    build.add_argument("--tree", metavar="LINUX", type=Path, required=True, help="a kernel tree")
    build.add_argument(
        "-o", "--output", metavar="DIR", type=Path, help="default: ~/.cache/reviewer/facts"
    )
    build.set_defaults(command=_build)


def _build(arguments: argparse.Namespace) -> int:
    from reviewer.kernel.build import build

    out: Path = arguments.output or _cache() / "reviewer" / "facts"
    counts = build(arguments.tree, out, _progress if sys.stderr.isatty() else _silent)
    print(f"{out}: Linux {counts.version}, {counts.files} files, {counts.functions} functions")
    return 0


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _progress(done: int, total: int) -> None:
    end = "\n" if done == total else ""
    print(f"\r{done} of {total} files", end=end, file=sys.stderr, flush=True)


def _silent(_done: int, _total: int) -> None:
    pass
