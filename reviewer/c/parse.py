"""The C grammar: one parser for the process."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import tree_sitter_c
from tree_sitter import Language, Parser

if TYPE_CHECKING:
    from tree_sitter import Tree


@cache
def language() -> Language:
    """The grammar of tree-sitter-c."""
    return Language(tree_sitter_c.language())


# The grammar reports every hundred steps; code takes at most 0.02 reports a byte, text that it
# recovers from in quadratic time takes more. A count of steps, not of seconds: the same everywhere.
_SHORT = 4000  # bytes that are parsed without a bound
_CALLS = 1000
_BYTES_A_CALL = 25
_SLICE = 32768


@cache
def _parser() -> Parser:
    return Parser(language())


def parse(masked: str) -> Tree:
    """The syntax tree of masked C text. Pure ASCII, so byte offsets are character offsets.

    Text on which the grammar does not end soon gives one ERROR node from its first to its last row.
    """
    text = masked.encode("ascii")
    if len(text) <= _SHORT:
        return _parser().parse(text)
    calls, limit = 0, _CALLS + len(text) // _BYTES_A_CALL

    def stop(_offset: int, _error: bool) -> bool:
        nonlocal calls
        calls += 1
        return calls > limit

    try:
        return _parser().parse(lambda at, _: text[at : at + _SLICE], progress_callback=stop)
    except ValueError:
        _parser().reset()
    return _parser().parse(b")" + re.sub(rb"[^\n]", b" ", text)[1:].rstrip(b"\n") + b")")
