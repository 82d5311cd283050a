"""Text from a mail made safe to print: no control character reaches a terminal."""

from __future__ import annotations

import re

# C0 without tab, DEL, C1, line and paragraph separators, and the marks that reorder what is shown.
_UNSAFE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def plain(text: str) -> str:
    """One line of text with every unsafe character spelled out, `\\x1b` for an escape."""
    text = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
    return _UNSAFE.sub(lambda match: _spelled(match[0]), text)


def _spelled(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
