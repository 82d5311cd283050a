"""The command line: the only module that prints, or decides the exit status."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reviewer import __version__
from reviewer.config import identity
from reviewer.errors import ReviewerError
from reviewer.model import Confidence, Severity
from reviewer.report.plain import plain
from reviewer.review import EVERYTHING, Threshold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TextIO

    from rich.console import Console

    from reviewer.run import Result

NOTHING, FINDINGS, FAILED, INTERRUPTED, CLOSED_PIPE = 0, 1, 2, 130, 141

_DESCRIPTION = """\
Reads kernel patches, from a mailing list or from you, and says on the hunk lines what a
maintainer would say. No compiler, no model, no network but the list archive.
"""

_RUN = """\
Each TARGET is told by its form:

  20260116142845.422-2-x@y.org      a Message-ID: the thread is fetched with b4
  https://lore.kernel.org/all/...   the address of a mail in a public-inbox archive
  series.mbox, maildir/             a mailbox that you have
  0001-foo.patch, mail.eml          patches, as git format-patch or a mail reader saves them
  -                                 standard input: a mail, an mbox, or a bare diff
  HEAD~3..  origin/master..topic    commits of the repository you stand in
"""

_EXAMPLES = """\
examples:
  reviewer run 20260116142845.422-2-x@y.org       review a thread before you answer it
  reviewer run HEAD~3..                           review your patches before you send them
  b4 mbox -o - MSGID | reviewer run -             review what another tool fetched
  reviewer run *.patch --format json | jq .       have the findings as data

Shown are findings that the patch introduces and that are likely or certain; --all shows the
others. With a git repository that knows the files (the one you stand in, or --tree), whole
files are read; else what the mail shows.

exit status: 0 nothing to say, 1 findings, 2 could not do the work (standard error says why).
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    try:
        arguments = _parser().parse_args(argv)
        status: int = arguments.command(arguments)
        sys.stdout.flush()
    except ReviewerError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
    return status


def _fail(what: str) -> int:
    print(f"reviewer: {plain(what)}", file=sys.stderr)
    return FAILED


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("reviewer", description=_DESCRIPTION, formatter_class=raw)
    parser.add_argument("--version", action="version", version=f"reviewer {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    run = commands.add_parser(
        "run",
        help="review patches: a thread, mails, files or commits",
        description=_RUN,
        epilog=_EXAMPLES,
        formatter_class=raw,
    )
    run.set_defaults(command=_run)
    _add_inputs(run)
    _add_selection(run)
    _add_output(run)
    return parser


def _add_inputs(run: argparse.ArgumentParser) -> None:
    run.add_argument("targets", metavar="TARGET", nargs="+", help="what to review; see above")
    tree = run.add_mutually_exclusive_group()
    tree.add_argument(
        "--tree",
        metavar="DIR",
        type=Path,
        help="git repository that has the files (default: the one you stand in, if it does)",
    )
    tree.add_argument("--no-tree", action="store_true", help="read only what the mails show")
    run.add_argument(
        "--no-revisions",
        dest="revisions",
        action="store_false",
        help="stay with the one thread; do not look for older and newer versions",
    )


def _add_selection(run: argparse.ArgumentParser) -> None:
    group = run.add_argument_group("what is shown, and counts for the exit status")
    group.add_argument(
        "--min-severity",
        metavar="LEVEL",
        choices=[each.name.lower() for each in Severity],
        help="note (default), warning or error",
    )
    group.add_argument(
        "--min-confidence",
        metavar="LEVEL",
        choices=[each.name.lower() for each in Confidence],
        help="hunch, likely (default) or certain",
    )
    group.add_argument(
        "--all",
        action="store_true",
        help="also hunches, and what was wrong before the patch",
    )
    rules = {"metavar": "GLOB", "action": "append", "default": []}
    group.add_argument("--rule", **rules, help="only these rules, such as 'rcu/*'")  # type: ignore[arg-type]
    group.add_argument("--skip-rule", **rules, help="all but these rules")  # type: ignore[arg-type]


def _add_output(run: argparse.ArgumentParser) -> None:
    group = run.add_argument_group("output")
    group.add_argument(
        "--format",
        metavar="FORMAT",
        choices=["terminal", "json", "mail"],
        default="terminal",
        help="terminal (default), json, or mail: drafts of replies, never sent",
    )
    group.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="write to FILE; the drafts of --format mail go to a directory",
    )
    group.add_argument(
        "--comments",
        metavar="WHICH",
        choices=["all", "open", "none"],
        default="all",
        help="what people said in the thread: all (default), open, or none",
    )
    group.add_argument(
        "--color",
        metavar="WHEN",
        choices=["auto", "always", "never"],
        default="auto",
        help="auto (default: on a terminal), always or never",
    )


def _run(arguments: argparse.Namespace) -> int:
    from reviewer.run import Request, review

    request = Request(
        targets=tuple(arguments.targets),
        tree=arguments.tree,
        use_tree=not arguments.no_tree,
        revisions=arguments.revisions,
        only=tuple(arguments.rule),
        skip=tuple(arguments.skip_rule),
        comments=arguments.comments != "none",
    )
    with _progress() as progress:
        result = review(request, progress)
    threshold = _threshold(arguments)
    if result.review.revisions:
        _write(result, threshold, arguments)
    for failure in result.failures:
        _fail(failure)
    if result.failures:
        return FAILED
    return FINDINGS if any(map(threshold.shows, result.review.annotations)) else NOTHING


def _threshold(arguments: argparse.Namespace) -> Threshold:
    threshold = EVERYTHING if arguments.all else Threshold()
    if arguments.min_severity:
        threshold = replace(threshold, severity=Severity[arguments.min_severity.upper()])
    if arguments.min_confidence:
        threshold = replace(threshold, confidence=Confidence[arguments.min_confidence.upper()])
    return threshold


def _write(result: Result, threshold: Threshold, arguments: argparse.Namespace) -> None:
    output: Path | None = arguments.output
    try:
        if arguments.format == "mail":
            _write_drafts(result, threshold, output)
        elif output is None:
            _render(result, threshold, arguments, sys.stdout)
        else:
            with output.open("w", encoding="utf-8") as file:
                _render(result, threshold, arguments, file)
    except BrokenPipeError:
        raise
    except OSError as error:
        where = error.filename or output or "standard output"
        raise ReviewerError(f"{where}: cannot be written: {error.strerror}") from error


def _render(
    result: Result, threshold: Threshold, arguments: argparse.Namespace, out: TextIO
) -> None:
    if arguments.format == "json":
        from reviewer.report import json

        out.write(json.render(result.review, result.discussion))
    else:
        from reviewer.report import terminal
        from reviewer.report.remarks import Remarks, Which

        remarks = Remarks(result.discussion, Which(arguments.comments))
        terminal.render(result.review, remarks, _console(arguments.color, out), threshold)


def _write_drafts(result: Result, threshold: Threshold, directory: Path | None) -> None:
    """A draft of a reply for each patch: a file each in the directory, else an mbox."""
    from reviewer.report import mail

    settled = result.discussion.is_settled
    drafts = mail.render(result.review, threshold, settled, identity())
    if directory is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(mail.mailbox(drafts))
        sys.stdout.buffer.flush()
        return
    directory.mkdir(parents=True, exist_ok=True)
    for draft in drafts:
        path = directory / draft.name
        path.write_bytes(draft.content)
        print(path)


def _console(color: str, out: TextIO) -> Console:
    from rich.console import Console

    forced = {"auto": None, "always": True, "never": None}[color]
    return Console(file=out, force_terminal=forced, no_color=color == "never" or None)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Show on a terminal what is being fetched; say nothing in a pipe."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        status.stop()

        def show(what: str) -> None:
            status.update(plain(what))
            status.start()

        yield show
