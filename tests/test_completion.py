"""Completions and manual page: as the parser is now, and as real shells and man read them."""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reviewer.cli import parser
from reviewer.commands.share import BASH, FISH, MAN, SHARE, ZSH, generate, stale
from reviewer.config_keys import KEYS

if TYPE_CHECKING:
    from pathlib import Path

BASH_SCRIPT = """
source "$1"
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
COMP_LINE="${{COMP_WORDS[*]}}"; COMP_POINT=${{#COMP_LINE}}; COMP_TYPE=9
$(complete -p reviewer | sed 's/.*-F \\([^ ]*\\).*/\\1/') reviewer "${{COMP_WORDS[-1]}}" ""
printf '%s\\n' "${{COMPREPLY[@]}}"
"""

# A shell in a pseudo terminal, since zsh completes only in its line editor.
ZSH_SCRIPT = """
zmodload zsh/zpty
zpty shell 'zsh -f -i'
zpty -w shell "PS1=; fpath=($1 \\$fpath); autoload -Uz compinit; compinit -u -d $2/dump"
zpty -w shell "bindkey '^I' list-choices; zstyle ':completion:*' list-prompt ''; print READY"
repeat 200 { zpty -r -t shell line && [[ $line == *READY* ]] && break; sleep 0.05 }
zpty -w -n shell $'reviewer \\t'
sleep 1
repeat 200 { zpty -r -t shell line || break; print -r -- $line }
zpty -d shell
"""


OPTIONS = [
    ("reviewer run --format", {"json", "mail", "terminal"}),
    ("reviewer run --min-s", {"--min-severity"}),
]


def commands(parser: argparse.ArgumentParser, typed: str = "reviewer") -> dict[str, set[str]]:
    """What may follow, by what was typed."""
    found: dict[str, set[str]] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found[typed] = {each.dest for each in action._choices_actions}
            for name in found[typed]:
                found |= commands(action.choices[name], f"{typed} {name}")
    return found


COMMANDS = commands(parser())


def run(*command: str | Path) -> str:
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=False, timeout=30
    )
    return done.stdout + done.stderr


def need(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def by_bash(words: str) -> set[str]:
    script = BASH_SCRIPT.format(words=words)
    return set(run(need("bash"), "--norc", "-c", script, "bash", SHARE / BASH).split())


def by_fish(line: str) -> set[str]:
    script = f"source {SHARE / FISH}; complete -C '{line}'"
    offered = run(need("fish"), "--no-config", "-c", script).splitlines()
    return {each.partition("\t")[0] for each in offered}


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="argparse words its help differently")
def test_the_files_are_those_of_theparser() -> None:
    for library in ("shtab", "argparse_manpage"):
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"{library} is not installed: it is in the extra `dev`")
    assert stale(generate(parser())) == [], "run python -m reviewer.commands.share"


@pytest.mark.parametrize("typed", sorted(COMMANDS))
def test_bash_completes_the_commands(typed: str) -> None:
    assert by_bash(f"{typed} ''") >= COMMANDS[typed]


@pytest.mark.parametrize(("typed", "wanted"), OPTIONS)
def test_bash_completes_options_and_their_values(typed: str, wanted: set[str]) -> None:
    assert by_bash(f"{typed} ''" if typed.endswith("format") else typed) >= wanted


@pytest.mark.parametrize("typed", sorted(COMMANDS))
def test_fish_completes_the_commands(typed: str) -> None:
    assert by_fish(f"{typed} ") >= COMMANDS[typed]


@pytest.mark.parametrize(("typed", "wanted"), OPTIONS)
def test_fish_completes_options_and_their_values(typed: str, wanted: set[str]) -> None:
    assert by_fish(f"{typed} " if typed.endswith("format") else typed) >= wanted


def test_zsh_completes_the_commands_and_says_what_they_do(tmp_path: Path) -> None:
    offered = run(need("zsh"), "-f", "-c", ZSH_SCRIPT, "zsh", (SHARE / ZSH).parent, tmp_path)
    assert "review patches" in offered


def test_man_formats_the_page_without_a_warning() -> None:
    need("man")
    page = run("man", "--warnings", "-l", SHARE / MAN)
    assert "warning" not in page.partition("NAME")[0]
    for section in ("NAME", "SYNOPSIS", "COMMANDS", "CONFIGURATION", "EXIT STATUS"):
        assert f"\n{section}\n" in page


def test_the_page_has_every_setting() -> None:
    page = (SHARE / MAN).read_text(encoding="utf-8")
    assert [key.name for key in KEYS if f"reviewer.{key.name}\\fR" not in page] == []
