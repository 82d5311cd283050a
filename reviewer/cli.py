"""The command line: commands by name, and what becomes of errors."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import TYPE_CHECKING

from reviewer import __version__
from reviewer.errors import ReviewerError
from reviewer.report.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FAILED, INTERRUPTED, CLOSED_PIPE = 2, 130, 141

# Each module has `add_command`. Only the one that is asked for is imported: the hook runs for every
# mail that is sent.
_COMMANDS = {
    "run": "reviewer.commands.run",
    "rules": "reviewer.commands.rules",
    "hook": "reviewer.hook",
    "gate": "reviewer.commands.gate",
    "b4-agent": "reviewer.commands.agent",
    "config": "reviewer.commands.config",
    "facts": "reviewer.commands.facts",
}

_DESCRIPTION = """\
Reads kernel patches, from a mailing list or from you, and says on the hunk lines what a
maintainer would say. No compiler, no model, no network but the list archive.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    given = list(sys.argv[1:] if argv is None else argv)
    asked = [given[0]] if given and given[0] in _COMMANDS else _COMMANDS
    try:
        arguments = parser(asked).parse_args(given)
        status: int = arguments.command(arguments)
        sys.stdout.flush()
    except ReviewerError as error:
        print(f"reviewer: {plain(str(error))}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
    return status


def parser(commands: Iterable[str] = _COMMANDS) -> argparse.ArgumentParser:
    """The parser of the command line, with these of its commands."""
    raw = argparse.RawDescriptionHelpFormatter
    made = argparse.ArgumentParser("reviewer", description=_DESCRIPTION, formatter_class=raw)
    made.add_argument("--version", action="version", version=f"reviewer {__version__}")
    below = made.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in commands:
        importlib.import_module(_COMMANDS[name]).add_command(below)
    return made
