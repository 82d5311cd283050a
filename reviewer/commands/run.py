"""`reviewer run`: its options, and where its report goes."""

from __future__ import annotations

import argparse
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reviewer.config_keys import COLORS, COMMENTS, FORMATS
from reviewer.errors import NoPatchError, ReviewerError
from reviewer.model import Confidence, Severity
from reviewer.report.plain import plain
from reviewer.review import EVERYTHING, Threshold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reviewer.config import Settings
    from reviewer.run import Request, Result

NOTHING, FINDINGS, FAILED = 0, 1, 2

_OF_B4 = ("b4", "b4-lines")

_DESCRIPTION = """\
Each TARGET is told by its form:

  20260116142845.422-2-x@y.org      a Message-ID: the thread is fetched with b4
  https://lore.kernel.org/all/...   the address of a mail in a public-inbox archive
  series.mbox, maildir/             a mailbox that you have
  0001-foo.patch, mail.eml          patches, as git format-patch or a mail reader saves them
  -                                 standard input: a mail, an mbox, or a bare diff
  HEAD~3..  origin/master..topic    commits of the repository you stand in
"""

_EPILOG = """\
examples:
  reviewer run 20260116142845.422-2-x@y.org       review a thread before you answer it
  reviewer run HEAD~3..                           review your patches before you send them
  b4 mbox -o - MSGID | reviewer run -             review what another tool fetched
  reviewer run *.patch --format json | jq .       have the findings as data
  reviewer run MSGID --format mail -o drafts/     draft the replies with what nobody said yet

Shown are findings that the patch introduces and that are likely or certain; --all shows the
others. With a git repository that knows the files (the one you stand in, or --tree), whole
files are read; else what the mail shows.

exit status: 0 nothing to say, 1 findings, 2 could not do the work (standard error says why).
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `reviewer run`."""
    run = commands.add_parser(
        "run",
        help="review patches: a thread, mails, files or commits",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run.set_defaults(command=_run)
    _add_inputs(run)
    _add_selection(run)
    _add_output(run)


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
        "--revisions",
        action=argparse.BooleanOptionalAction,
        help="also fetch older and newer versions of the series (default), or stay with the thread",
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
        action=argparse.BooleanOptionalAction,
        help="also hunches, and what was wrong before the patch",
    )
    group.add_argument(
        "--rule", metavar="GLOB", action="append", help="only these rules, such as 'rcu/*'"
    )
    group.add_argument("--skip-rule", metavar="GLOB", action="append", help="all but these rules")
    group.add_argument(
        "--baseline", metavar="FILE", type=Path, help="findings in FILE count as preexisting"
    )
    group.add_argument(
        "--write-baseline", metavar="FILE", type=Path, help="add what is shown to FILE: accept it"
    )


def _add_output(run: argparse.ArgumentParser) -> None:
    group = run.add_argument_group("output")
    group.add_argument(
        "--format",
        metavar="FORMAT",
        choices=FORMATS,
        help="terminal (default), json, mail (drafts of replies, never sent), html, sarif, gcc, "
        "or what b4 reads: b4, b4-lines, b4-agent",
    )
    group.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="write to FILE; mail and b4-agent write into the directory FILE",
    )
    group.add_argument(
        "--comments",
        metavar="WHICH",
        choices=COMMENTS,
        help="what people said in the thread: all (default), open, or none",
    )
    group.add_argument(
        "--color",
        metavar="WHEN",
        choices=COLORS,
        help="auto (default: on a terminal), always or never",
    )


def _run(arguments: argparse.Namespace) -> int:
    from reviewer.config import fill, settings

    found = settings(Path())
    for warning in found.warnings:
        _complain(warning)
    fill(arguments, found)
    if arguments.format in _OF_B4:
        return _answer_b4(arguments, found)
    result = _reviewed(arguments, found)
    threshold = _threshold(arguments)
    if result.review.revisions:
        _write(result, threshold, arguments)
    for failure in result.failures:
        _complain(failure)
    if result.failures:
        return FAILED
    return FINDINGS if any(map(threshold.shows, result.review.annotations)) else NOTHING


def _complain(what: str) -> None:
    print(f"reviewer: {plain(what)}", file=sys.stderr)


def _reviewed(arguments: argparse.Namespace, found: Settings) -> Result:
    from reviewer.run import review

    if found.facts:
        from reviewer.c import facts

        facts.use(found.facts)
    with _progress() as progress:
        result = review(_request(arguments, found), progress)
    return _baselined(result, _threshold(arguments), arguments)


def _request(arguments: argparse.Namespace, found: Settings) -> Request:
    from reviewer.run import Request

    return Request(
        targets=tuple(arguments.targets),
        tree=arguments.tree,
        use_tree=not arguments.no_tree,
        revisions=arguments.revisions,
        only=tuple(arguments.rule),
        skip=tuple(arguments.skip_rule),
        settings=found,
        comments=arguments.comments != "none",
    )


def _baselined(result: Result, threshold: Threshold, arguments: argparse.Namespace) -> Result:
    """Count accepted findings as preexisting; accept those that are shown, if asked to."""
    if not arguments.baseline and not arguments.write_baseline:
        return result
    from reviewer.baseline import accepted, added, read_baseline, write_baseline

    if arguments.baseline:
        review = accepted(result.review, read_baseline(arguments.baseline))
        result = replace(result, review=review)
    if path := arguments.write_baseline:
        before = read_baseline(path) if path.exists() else {}
        write_baseline(path, added(result.review, threshold, before))
    return result


def _threshold(arguments: argparse.Namespace) -> Threshold:
    threshold = EVERYTHING if arguments.all else Threshold()
    if arguments.min_severity:
        threshold = replace(threshold, severity=Severity[arguments.min_severity.upper()])
    if arguments.min_confidence:
        threshold = replace(threshold, confidence=Confidence[arguments.min_confidence.upper()])
    return threshold


def _answer_b4(arguments: argparse.Namespace, found: Settings) -> int:
    """b4 takes any complaint on standard error for a finding, and an empty answer for a pass."""
    from reviewer.report import b4

    alone = arguments.format == "b4-lines"
    try:
        result = _reviewed(arguments, found)
        text = (b4.lines if alone else b4.render)(result, _threshold(arguments))
    except NoPatchError as error:
        text = "" if alone else b4.nothing_to_check(str(error))
    except ReviewerError as error:
        text = (b4.not_checked_line if alone else b4.not_checked)(str(error))
    sys.stdout.write(text)
    return NOTHING


def _write(result: Result, threshold: Threshold, arguments: argparse.Namespace) -> None:
    output: Path | None = arguments.output
    try:
        if arguments.format in ("mail", "b4-agent"):
            _write_files(result, threshold, arguments.format, output)
        elif arguments.format == "terminal":
            _print(result, threshold, arguments)
        elif output is None:
            sys.stdout.write(_rendered(result, threshold, arguments))
        else:
            text = _rendered(result, threshold, arguments)
            output.write_text(text, encoding="utf-8", errors="replace")
    except BrokenPipeError:
        raise
    except OSError as error:
        where = error.filename or output or "standard output"
        raise ReviewerError(f"{where}: cannot be written: {error.strerror}") from error


def _rendered(result: Result, threshold: Threshold, arguments: argparse.Namespace) -> str:
    match arguments.format:
        case "html":
            from reviewer.report import html
            from reviewer.report.remarks import Which

            return html.render(result, threshold, Which(arguments.comments))
        case "sarif":
            from reviewer.report import sarif

            return sarif.render(result, threshold)
        case "gcc":
            from reviewer.report import gcc

            return gcc.render(result, threshold)
        case _:
            from reviewer.report import json

            return json.render(result.review, result.discussion)


def _print(result: Result, threshold: Threshold, arguments: argparse.Namespace) -> None:
    from rich.console import Console

    from reviewer.report import terminal
    from reviewer.report.remarks import Remarks, Which

    remarks = Remarks(result.discussion, Which(arguments.comments))
    forced = {"auto": None, "always": True, "never": None}[arguments.color]
    plainly = arguments.color == "never" or None
    if arguments.output is None:
        console = Console(force_terminal=forced, no_color=plainly)
        terminal.render(result.review, remarks, console, threshold)
        return
    with arguments.output.open("w", encoding="utf-8") as file:
        console = Console(file=file, force_terminal=forced, no_color=plainly)
        terminal.render(result.review, remarks, console, threshold)


def _write_files(
    result: Result, threshold: Threshold, format_: str, directory: Path | None
) -> None:
    """One file for each patch, their paths printed; drafts without a directory are an mbox."""
    if format_ == "b4-agent":
        from reviewer.commands import agent

        print("\n".join(map(str, agent.write(result, threshold, directory))))
        return
    from reviewer.config import identity
    from reviewer.report import mail

    drafts = mail.render(result.review, threshold, result.discussion.is_settled, identity())
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
