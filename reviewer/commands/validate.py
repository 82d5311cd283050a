"""`reviewer hook run`: what the hook `sendemail-validate` asks for one mail.

git asks for each mail before it sends any, and stops at the first that is refused. What is found in
a series is said once: with its last mail, or with the one that is refused.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from reviewer.errors import ReviewerError

if TYPE_CHECKING:
    import argparse

    from reviewer.commands.gate import Checked
    from reviewer.sending.outgoing import Outgoing
    from reviewer.sending.settings import Settings


def add_command(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `run` to the actions of `reviewer hook`."""
    import argparse

    what = "what the hook runs for each mail; exit status 1 refuses it"
    run = actions.add_parser("run", help=what, description=what)
    run.add_argument("file", metavar="FILE", type=Path, help="the mail that is about to be sent")
    run.add_argument("rest", metavar="HEADERS", nargs="*", help="what later versions of git add")
    run.add_argument("--refuse-status", type=int, default=1, help=argparse.SUPPRESS)
    run.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # git may run in the C locale
    try:
        refused = _refuses(arguments.file.absolute())
        status: int = arguments.refuse_status if refused else 0
        return status
    except Exception as error:  # a fault of ours is no reason to hold a mail back
        kind = "" if isinstance(error, ReviewerError) else f"{type(error).__name__}: "
        _not_checked(f"{kind}{error}")
        return 0


def _refuses(file: Path) -> bool:
    """Whether the mail, or the series that it ends, may not go."""
    from reviewer.sending.outgoing import forget, outgoing
    from reviewer.sending.repository import git_directory, leave
    from reviewer.sending.settings import settings

    git_dir = leave() or git_directory(Path())
    mail = outgoing(file, os.environ, git_dir)
    if mail.counted and not mail.last:
        return False
    wanted = settings(git_dir)
    if not mail.counted:
        return _refuses_one(mail, wanted, git_dir)
    forget(git_dir)
    checked = _checked(mail, wanted, git_dir)
    return _tell(checked, mail, wanted, bool(checked.refused()))


def _refuses_one(mail: Outgoing, wanted: Settings, git_dir: Path) -> bool:
    """Whether a mail is refused by what is in itself: nobody knows which others are sent."""
    from reviewer.sending.verdict import Verdict, key, recall, remember

    name = key(mail.files, wanted)
    known = None if mail.file == mail.files[0] else recall(git_dir, name)
    if known is None:
        # Only if the time runs out is this what the next mail finds.
        remember(git_dir, name, Verdict(frozenset(), silent=True, checked=False))
        checked = _checked(mail, wanted, git_dir)
        refused = checked.refused()
        names = frozenset(Path(target).name for target in refused)
        remember(git_dir, name, Verdict(names, checked.silent))
    elif mail.file.name in known.refused or (mail.last and not known.silent):
        checked = _checked(mail, wanted, git_dir)
    else:
        if mail.last and known.checked:
            _pass(mail)
        return False
    own = str(mail.file) in checked.refused()
    return _tell(checked, mail, wanted, own) if own or mail.last else False


def _checked(mail: Outgoing, wanted: Settings, git_dir: Path) -> Checked:
    """The review of all the mails. Whole files come from the objects of the repository."""
    from reviewer.commands.gate import check
    from reviewer.sending.deadline import deadline

    def expired() -> None:
        limit = f"{wanted.seconds:g} s (git config reviewer.hookTimeout)"
        _not_checked(f"it took longer than {limit}")

    with deadline(wanted.seconds, expired):
        return check([str(file) for file in mail.files], git_dir, wanted)


def _tell(checked: Checked, mail: Outgoing, wanted: Settings, refuses: bool) -> bool:
    """Print what was found; gives whether the mail is refused."""
    from reviewer.commands.gate import complain, report, said_of

    complain(wanted)
    if checked.result is None:
        return False
    for failure in checked.result.failures:
        _not_checked(failure)
    if checked.silent:
        _pass(mail)
        return False
    try:
        report(checked.result, wanted.threshold)
        if refuses:
            print(f"\nreviewer: refused: {said_of(checked.refused())}.")
            print("To send anyway: git send-email --no-validate ...", flush=True)
    except BrokenPipeError:  # nobody reads it, and the mail is as bad as before
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return refuses


def _pass(mail: Outgoing) -> None:
    mails = "1 mail" if len(mail.files) == 1 else f"{len(mail.files)} mails"
    print(f"reviewer: {mails} checked, nothing to say", flush=True)


def _not_checked(why: str) -> None:
    from reviewer.report.plain import plain

    print(f"reviewer: not checked: {plain(why)}", file=sys.stderr, flush=True)
