"""Words of strangers as HTML: every character escaped, nothing of them ever markup or a link."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from reviewer.report.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

LORE = "https://lore.kernel.org/r/"
"""Where a mail is found by its Message-ID, whatever list it was sent to."""

_MESSAGE_ID = re.compile(r"[^\s<>@]{1,400}@[^\s<>@]{1,400}")
_MADE_HERE = "@local"  # ends the ids of mails that came without one
_BLANK = re.compile(r"\n[ \t]*\n")
_PROSE = re.compile(r"[\w(\"'`&]")


def text(words: str) -> str:
    """One line of text, for the content of an element or for a quoted attribute."""
    return escape(plain(words))


def lines(words: str, most: int) -> str:
    """Text of several lines, at most that many characters of it."""
    shown = "\n".join(map(text, words[:most].split("\n")))
    return shown + _left_out(len(words) - most)


def line(words: str, most: int) -> str:
    """One line of text, at most that many characters of it."""
    return text(words[:most]) + _left_out(len(words) - most)


def _left_out(characters: int) -> str:
    return f" [... {characters} more characters]" if characters > 0 else ""


def paragraphs(words: str, most: int) -> Iterator[str]:
    """Prose as paragraphs, to be filled anew; code, lists and quotes line by line."""
    for block in _BLANK.split(words[:most].strip()):
        if all(map(_PROSE.match, block.split("\n"))):
            yield f"<p>{text(' '.join(block.split()))}</p>"
        elif block.strip():
            yield f"<pre>{lines(block.strip(chr(10)), most)}</pre>"
    if len(words) > most:
        yield f"<p>{_left_out(len(words) - most)}</p>"


def lore(message_id: str, words: str = "lore") -> str:
    """A link to the mail; nothing for a commit and for a mail that has no id of its own."""
    if not _MESSAGE_ID.fullmatch(message_id) or message_id.endswith(_MADE_HERE):
        return ""
    address = LORE + quote(message_id.encode("utf-8", "replace"), safe="@")
    return f'<a href="{address}" rel="noreferrer">{text(words)}</a>'


def day(date: datetime | None) -> str:
    """`2026-03-02`, or nothing."""
    if date is None:
        return ""
    shown = date.date().isoformat()
    return f'<time datetime="{shown}">{shown}</time>'


def joined(*parts: str) -> str:
    """The parts that are not empty, with a dot between them."""
    return " · ".join(filter(None, parts))
