"""The C grammar: one parser for the process."""

from __future__ import annotations

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


@cache
def _parser() -> Parser:
    return Parser(language())


def parse(masked: str) -> Tree:
    """The syntax tree of masked C text. Pure ASCII, so byte offsets are character offsets."""
    return _parser().parse(masked.encode("ascii"))
