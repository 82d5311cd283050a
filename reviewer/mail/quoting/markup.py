"""The text of an HTML mail, its quotes marked as in a plain one."""

from __future__ import annotations

import re
from html import unescape

_TOKEN = re.compile(r"<!--.*?(?:-->|\Z)|<(/?)([a-zA-Z][a-zA-Z0-9]{0,15})[^<>]*>|[^<]+|<", re.DOTALL)
_BREAKS = frozenset(("br", "p", "div", "li", "tr", "pre", "blockquote", "h1", "h2", "h3", "table"))
_SILENT = frozenset(("style", "script", "title", "head"))
_DEEPEST = 30  # quotes in quotes
_LONGEST = 4_000_000  # characters of markup that are read


def text_of(html: str) -> str:
    """The text with one `>` for each level of quotation, line by line. Never raises."""
    lines: list[list[str]] = [[]]
    depths = [0]
    depth = preserved = 0
    silent = ""
    for token in _TOKEN.finditer(html[:_LONGEST]):
        closing, name = token[1], (token[2] or "").lower()
        if silent or name in _SILENT:
            silent = _silence(silent, name, closing)
        elif not name:
            _write(lines, depths, depth, token[0], preserved > 0)
        elif name in _BREAKS:
            by = -1 if closing else 1
            depth += by * (name == "blockquote")
            preserved += by * (name == "pre")
            depth, preserved = min(max(depth, 0), _DEEPEST), max(preserved, 0)
            _break(lines, depths, depth, always=name == "br")
    return "\n".join(map(_shown, lines, depths)).rstrip("\n")


def _silence(silent: str, name: str, closing: str) -> str:
    """The element whose text is not shown from here on, or nothing."""
    if closing:
        return "" if name == silent else silent
    return silent or name


def _write(
    lines: list[list[str]], depths: list[int], depth: int, text: str, preserved: bool
) -> None:
    if text.startswith("<!--"):
        return
    pieces = text.split("\n") if preserved else [text.replace("\n", " ")]
    for number, piece in enumerate(pieces):
        if number:
            _break(lines, depths, depth, always=True)
        if piece.strip() or preserved or lines[-1]:
            lines[-1].append(piece)


def _break(lines: list[list[str]], depths: list[int], depth: int, *, always: bool) -> None:
    """Begin a line, unless the one at hand is empty and need not be kept."""
    if lines[-1] or always:
        lines.append([])
        depths.append(depth)
    depths[-1] = depth


def _shown(pieces: list[str], depth: int) -> str:
    text = unescape("".join(pieces)).replace("\r", "").replace("\n", " ").rstrip()
    return f"{'>' * depth} {text}" if depth else text
