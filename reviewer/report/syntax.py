"""Colours for a line of C, in the terminal's own palette."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from pygments.lexer import Lexer

# Few colours, none of which is unreadable on a light or on a dark ground (blue, yellow, white are).
_STYLES = {
    "Token.Keyword": "magenta",
    "Token.Comment": "italic",
    "Token.Comment.Preproc": "cyan",
    "Token.Literal.String": "cyan",
}


# A line inside of a block comment, which the lexer does not see the beginning of.
_COMMENT = re.compile(r"\s*\*(?:\s|/?\s*\Z)")


@cache
def _lexer() -> Lexer:
    from pygments.lexers.c_cpp import CLexer

    return CLexer(stripnl=False, ensurenl=False)


def highlighted(code: str) -> Text:
    """The line, already safe to print, with keywords, strings and comments coloured."""
    if _COMMENT.match(code):
        return Text(code, "italic")
    text = Text()
    for token, value in _lexer().get_tokens(code):
        text.append(value, _style(str(token)))
    return text


def _style(token: str) -> str:
    while token:
        if token in _STYLES:
            return _STYLES[token]
        token = token.rpartition(".")[0]
    return ""
