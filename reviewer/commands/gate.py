"""Whether patches may be sent: the review of the mails that are about to go, and the decision.

`reviewer gate` is the command for what has no hook: `b4 send -o DIR`, then `reviewer gate DIR`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reviewer.errors import TargetError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from reviewer.mail.message import Message
    from reviewer.review import Annotation, Threshold
    from reviewer.run import Result
    from reviewer.sending.settings import Settings

_EXAMPLES = """\
examples:
  b4 send -o out && reviewer gate out && b4 send
  reviewer gate outgoing/*.patch && git send-email --no-validate outgoing/*.patch

exit status: 0 nothing that refuses, 1 a finding refuses (--block), 2 could not do the work.
"""


@dataclass(frozen=True, slots=True)
class Checked:
    """The review of some mails; `result` is None when there is no patch among them."""

    result: Result | None
    owners: Mapping[str, str]  # by message-id: the target that the mail came from
    wanted: Settings

    def refused(self) -> dict[str, list[Annotation]]:
        """The findings that refuse a mail, by its target."""
        found: dict[str, list[Annotation]] = {}
        for revision in self.result.review.revisions if self.result else ():
            for patch in revision.patches:
                if bad := [each for each in patch.annotations if self.wanted.refuses(each)]:
                    owner = self.owners.get(patch.patch.message_id, "")
                    found.setdefault(owner, []).extend(bad)
        return found

    @property
    def silent(self) -> bool:
        """Whether nothing is to be said."""
        if self.result is None:
            return True
        review = self.result.review
        spoken = any(map(self.wanted.threshold.shows, review.annotations))
        return not (spoken or review.problems or self.result.failures)


def check(targets: Sequence[str], cwd: Path, wanted: Settings) -> Checked:
    """Review mails together; `cwd` is in the repository that may have their files.

    Targets are paths. Raises ReviewerError as `run.review` does, TargetError for what is no path.
    """
    from reviewer.mail.grouping.posting import Kind, classify
    from reviewer.run import Request, review

    owners: dict[str, str] = {}
    posts = False
    for target in targets:
        for message in _messages(target, cwd):
            owners[message.message_id] = target
            posts = posts or classify(message, answers=False).kind is Kind.PATCH
    if not posts:
        return Checked(None, owners, wanted)
    request = Request(
        tuple(targets),
        revisions=False,
        only=wanted.only,
        skip=wanted.skip,
        settings=wanted.user,
        comments=False,
        cwd=cwd,
    )
    return Checked(review(request), owners, wanted)


def _messages(target: str, cwd: Path) -> list[Message]:
    from reviewer.mail.message import read
    from reviewer.targets import classify, load

    # Anything else than a path could be fetched from the network.
    if not (cwd / target).exists():
        raise TargetError(f"{target}: no such file or directory")
    return [read(mail.raw) for mail in load(classify(target, cwd)).mails]


def report(result: Result, threshold: Threshold) -> None:
    """Print the findings, once, in the width at hand."""
    from rich.console import Console

    from reviewer.report.remarks import Remarks, Which
    from reviewer.report.terminal import render

    render(result.review, Remarks(result.discussion, Which.NONE), Console(), threshold)
    sys.stdout.flush()


def said_of(refused: Mapping[str, Sequence[Annotation]]) -> str:
    """`2 errors in 0002-x.patch`, of what refuses."""
    found = [annotation for annotations in refused.values() for annotation in annotations]
    worst = max(annotation.severity for annotation in found)
    number = sum(annotation.severity is worst for annotation in found)
    where = ", ".join(Path(target).name for target in refused if target)
    name = worst.name.lower() + ("s" if number > 1 else "")
    return f"{number} {name}" + (f" in {where}" if where else "")


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `reviewer gate`."""
    import argparse

    from reviewer.sending.settings import BLOCK

    gate = commands.add_parser(
        "gate",
        help="say whether patch mails may be sent",
        description="Review mails that are about to be sent, and refuse what is an error.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    gate.add_argument("files", metavar="FILE", nargs="+", help="a mail, or a directory of mails")
    gate.add_argument(
        "--block",
        metavar="LEVEL",
        choices=sorted(BLOCK),
        help="refuse from this severity on: error (default), warning or never",
    )
    gate.set_defaults(command=_gate)


def _gate(arguments: argparse.Namespace) -> int:
    from reviewer.sending.settings import BLOCK, settings

    cwd = Path()
    wanted = settings(cwd)
    if arguments.block:
        wanted = replace(wanted, block=BLOCK[arguments.block])
    complain(wanted)
    checked = check(arguments.files, cwd, wanted)
    if checked.result is None:
        print("reviewer: no patch among these mails")
        return 0
    report(checked.result, wanted.threshold)
    if checked.result.failures:
        for failure in checked.result.failures:
            print(f"reviewer: {failure}", file=sys.stderr)
        return 2
    refused = checked.refused()
    if refused:
        print(f"reviewer: refused: {said_of(refused)}")
    return 1 if refused else 0


def complain(wanted: Settings) -> None:
    """Say which values of the configuration are none."""
    for complaint in wanted.complaints:
        print(f"reviewer: {complaint}", file=sys.stderr)
