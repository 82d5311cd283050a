"""Shell completions and the manual page, made from the parser of the command line.

    python -m reviewer.commands.share [--check]

writes them to `reviewer/share/`, laid out as below /usr/share; a wheel puts them there. Both are
made by libraries of the extra `dev`: shtab, argparse-manpage.
"""

from __future__ import annotations

import argparse
import copy
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from reviewer import __version__
from reviewer.config_keys import FAMILY_WANTED, KEYS, RULE_WANTED
from reviewer.errors import ReviewerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    C = TypeVar("C")

SHARE = Path(__file__).parents[1] / "share"
BASH = "bash-completion/completions/reviewer"
ZSH = "zsh/site-functions/_reviewer"
FISH = "fish/vendor_completions.d/reviewer.fish"
MAN = "man/man1/reviewer.1"

_SHELLS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
_SUMMARY = "review kernel patches as a subsystem maintainer would"
_DIRECTORY = "DIR"  # metavar of options that take one
_TARGETS = ("TARGET", "FILE", "PATH")  # metavars of arguments that may be a path
_STATUSES = (
    ("0", "nothing to say"),
    ("1", "findings"),
    ("2", "could not do the work; standard error says why"),
)
_SEE_ALSO = "\\fBb4\\fR(5), \\fBgit\\-config\\fR(1), \\fBgit\\-send\\-email\\fR(1)"


def generate(parser: argparse.ArgumentParser) -> dict[str, str]:
    """The text of each file, by its path below `share`. ReviewerError without the libraries."""
    marked = copy.deepcopy(parser)  # the libraries leave marks on it
    try:
        files = {path: _completion(marked, shell) for shell, path in _SHELLS.items()}
        with _eighty_columns():
            files[MAN] = _manual(copy.deepcopy(parser))
    except ImportError as error:
        raise ReviewerError(f"{error.name} is missing: pip install 'reviewer[dev]'") from None
    return {path: _tidy(text) for path, text in files.items()}


def stale(files: Mapping[str, str], share: Path = SHARE) -> list[Path]:
    """Those that are not there, or not with this text."""
    return [
        share / path
        for path, text in files.items()
        if not (share / path).is_file() or (share / path).read_text(encoding="utf-8") != text
    ]


def _tidy(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.strip().split("\n"))


@contextmanager
def _eighty_columns() -> Iterator[None]:
    """Usage lines are as wide as the terminal, and the files must not depend on it."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "80"
    try:
        yield
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before


def _completion(parser: argparse.ArgumentParser, shell: str) -> str:
    import shtab

    for each in _parsers(parser):
        for action in each._actions:
            if isinstance(action, argparse._SubParsersAction):
                _describe(action)
            complete = _place(action, shtab.FILE, shtab.DIRECTORY)
            if complete is not None:
                action.complete = complete  # type: ignore[attr-defined]
    text: str = shtab.complete(parser, shell)
    return text


def _describe(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Let each command be described by its line in the list of commands, not by its whole page."""
    for listed in commands._choices_actions:
        commands.choices[listed.dest].description = listed.help


def _place(action: argparse.Action, file: C, directory: C) -> C | None:
    """What shtab completes for an argument that is a path; None for one that is not."""
    if action.type is Path:
        return directory if action.metavar == _DIRECTORY else file
    return file if action.metavar in _TARGETS else None


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parser and those of all its commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in {id(choice): choice for choice in action.choices.values()}.values():
                yield from _parsers(each)


def _manual(parser: argparse.ArgumentParser) -> str:
    from argparse_manpage.manpage import Manpage

    for each in _parsers(parser):
        if each is not parser and each.epilog:  # the library leaves these out
            each.description = f"{each.description or ''}\n\n{each.epilog}".strip()
    data = {
        "project_name": "reviewer",
        "version": __version__,
        "manual_title": "User Commands",
        "description": _SUMMARY,
        "date": " ",  # the day it was made would change the file each day
    }
    page = Manpage(parser, data, format="single-commands-section")
    page.add_section("configuration", "=", "\n".join(_configuration()))
    page.add_section("exit status", "=", "\n".join(_items(_STATUSES)))
    page.add_section("see also", "=", _SEE_ALSO)
    return "\n".join(_as_they_stand(str(page).split("\n")))


def _configuration() -> Iterator[str]:
    yield "Settings are read from git config; an option on the command line counts more."
    yield "reviewer config prints those that hold, and where each comes from."
    keys = [
        (f"reviewer.{key.name}", _sentence(key.what, key.wanted, key.default, key.many))
        for key in KEYS
    ]
    rules = [
        (f"reviewer.rule.ID.{name}", f"of the rules that fit ID: {wanted}.")
        for name, wanted in RULE_WANTED.items()
    ]
    family = ("reviewer.rule.FAMILY", f"of a family of rules, one or more of: {FAMILY_WANTED}.")
    yield from _items([*keys, *rules, family])


def _sentence(what: str, wanted: str, default: str, many: bool) -> str:
    again = "; may be given more than once" if many else ""
    unset = f" (default: {default})" if default else ""
    return f"{what}: {wanted}{unset}{again}."


def _items(items: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Tagged paragraphs of man(7)."""
    for name, text in items:
        yield ".TP"
        yield f"\\fB{_escaped(name)}\\fR"
        yield _escaped(text)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("-", "\\-")


def _as_they_stand(lines: Iterable[str]) -> Iterator[str]:
    """Lines that are indented keep their form: they are tables and examples."""
    literal = False
    for line in lines:
        indented = line.startswith(("  ", "usage:"))
        if indented != literal:
            yield ".nf" if indented else ".fi"
        literal = indented
        yield line


def main(arguments: Sequence[str]) -> int:
    """Write the files, or with `--check` name those that are not as they would be written."""
    from reviewer.cli import parser

    files = generate(parser())
    old = stale(files)
    if list(arguments) == ["--check"]:
        for path in old:
            print(f"{path}: stale; run python -m reviewer.commands.share", file=sys.stderr)
        return 1 if old else 0
    for name, text in files.items():
        path = SHARE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except ReviewerError as problem:
        raise SystemExit(f"reviewer: {problem}") from None
