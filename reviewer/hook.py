"""`reviewer hook`: patches are reviewed when git send-email or b4 is about to use them.

When the work cannot be done, the hook says "not checked" and lets the mail go.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from reviewer.errors import ReviewerError

if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Review your patches when git send-email is about to send them: install puts a sendemail-validate
hook into this repository. A hook that is there already stays, and runs first. With --b4, b4 is told
to ask instead: in b4 prep --check, b4 am -k and b4 review.
"""

_EPILOG = """\
git config:
  reviewer.hookBlock     what refuses a mail, when it is likely or certain:
                         error (default), warning, or never
  reviewer.hookTimeout   seconds for a series (20); after that the mails go unchecked

git send-email --no-validate sends without asking any hook.
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `reviewer hook`."""
    import argparse

    from reviewer.commands import validate

    hook = commands.add_parser(
        "hook",
        help="review patches before git send-email or b4 sends them",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = hook.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name, command, what in (
        ("install", _install, "ask us before patches are sent from this repository"),
        ("remove", _remove, "do not ask us any more"),
        ("status", _status, "say what is installed; exit status 1 when nothing is"),
    ):
        action = actions.add_parser(name, help=what, description=what)
        action.add_argument("--b4", action="store_true", help="b4's checks, not git's hook")
        action.add_argument(
            "--global",
            dest="scope",
            action="store_const",
            const="--global",
            default="--local",
            help="with --b4: in the user's git config, for all repositories",
        )
        action.set_defaults(command=command)
    validate.add_command(actions)


def _install(arguments: argparse.Namespace) -> int:
    _refuse_global(arguments)
    from reviewer.sending import b4_config, hook_file
    from reviewer.sending.repository import hooks_directory

    if arguments.b4:
        for line in b4_config.install(arguments.scope, Path()):
            print(line)
        return 0
    place = hook_file.look(hooks_directory(Path()))
    hook_file.install(place)
    print(f"{place.hook}: installed")
    if place.state is hook_file.State.OTHER or place.earlier:
        print(f"{place.kept}: the hook that was there; it runs first")
    return 0


def _remove(arguments: argparse.Namespace) -> int:
    _refuse_global(arguments)
    from reviewer.sending import b4_config, hook_file
    from reviewer.sending.repository import hooks_directory

    if arguments.b4:
        for line in b4_config.remove(arguments.scope, Path()):
            print(line)
        return 0
    place = hook_file.look(hooks_directory(Path()))
    hook_file.remove(place)
    print(f"{place.hook}: removed" + ("; the earlier hook is back" if place.earlier else ""))
    return 0


def _refuse_global(arguments: argparse.Namespace) -> None:
    if arguments.scope == "--global" and not arguments.b4:
        raise ReviewerError("--global goes with --b4: a hook belongs to one repository")


def _status(arguments: argparse.Namespace) -> int:
    from reviewer.sending import b4_config, hook_file
    from reviewer.sending.repository import git, hooks_directory

    if arguments.b4:
        lines = b4_config.status(arguments.scope, Path())
        print("\n".join(lines) or "b4 does not ask us")
        return 0 if lines else 1
    place = hook_file.look(hooks_directory(Path()))
    if place.state is not hook_file.State.OURS:
        other = "not ours" if place.state is hook_file.State.OTHER else "not installed"
        print(f"{place.hook}: {other}")
        return 1
    python = hook_file.interpreter(place)
    print(f"{place.hook}: installed, runs {python}")
    if not python or not os.access(python, os.X_OK):
        print("that interpreter is gone: nothing is checked; run `reviewer hook install` again")
    if place.earlier:
        print(f"{place.kept}: runs first")
    if git(Path(), "config", "--type=bool", "--get", "sendemail.validate") == "false":
        print("sendemail.validate is false: git send-email asks no hook")
    return 0
