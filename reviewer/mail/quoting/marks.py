"""How deep each line of a reply is quoted, by whatever marks the mailer uses."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_MARKS = re.compile(r"(?: ?>)+")
_INITIALS = re.compile(r" ?([A-Z][A-Za-z]{0,3})>")
_MOVED = re.compile(r" {2,8}>")
_OUTPUT = re.compile(r">> \S{1,300}:\d")
_FEWEST = 3  # lines that prove a mark that is not usual
_HEADING = re.compile(
    r"-{3,} ?(?:Original|Forwarded|Urspr|Weitergeleitet|Message d|Mensaje|Messaggio|\u539f\u59cb)"
    r"|_{8,}\s*$|\*?(?:From|Von|De|\u53d1\u4ef6\u4eba):\*? .*",
    re.IGNORECASE,
)
_FIELD = re.compile(
    r"\*?(?:Sent|Date|To|Cc|Subject|Gesendet|Datum|An|Betreff|Envoy\u00e9|Objet|Enviado|Para|Asunto"
    r"|\u53d1\u9001\u65f6\u95f4|\u6536\u4ef6\u4eba|\u4e3b\u9898)\*? ?[:\uff1a]",
    re.IGNORECASE,
)
_HEADER_LINES = 8  # below a heading


class Marked(NamedTuple):
    """A line without its quote marks."""

    depth: int
    text: str
    unmarked: bool = False  # quoted only by standing below a heading


def unquote(line: str) -> Marked:
    """Take off the `>` marks, between which at most one blank may stand."""
    marks = _MARKS.match(line)
    if marks is None:
        return Marked(0, line)
    text = line[marks.end() :]
    return Marked(marks[0].count(">"), text[1:] if text[:1] in (" ", "\xa0") else text)


def marked(lines: Sequence[str]) -> list[Marked]:
    """All lines of a reply. Marks other than `>` must be proven by the mail itself."""
    reports = any("prefixed by >>" in line for line in lines)
    found = [_unquoted(line, reports) for line in lines]
    if not any(each.depth for each in found):
        found = _indented(lines) or found
    by_initials = _by_initials(found)
    if by_initials:
        found = by_initials
    elif not any(each.depth for each in found):
        found = _by_bars(found) or _below_heading(found)
    else:
        found = _below_heading(found)
    return found


def _unquoted(line: str, reports: bool) -> Marked:
    """`reports`: a test robot marks what is new in the output of a compiler with `>>`."""
    return Marked(0, line) if reports and _OUTPUT.match(line) else unquote(line)


def _indented(lines: Sequence[str]) -> list[Marked] | None:
    """Quotes in a mail of which every line was moved to the right."""
    if sum(_MOVED.match(line) is not None for line in lines) < _FEWEST:
        return None
    return [unquote(line.lstrip(" ")) for line in lines]


def _by_initials(lines: Sequence[Marked]) -> list[Marked] | None:
    """`AB> text`: the initials of the one who is quoted."""
    seen = Counter(
        match[1] for each in lines if not each.depth and (match := _INITIALS.match(each.text))
    )
    proven = {initials for initials, count in seen.items() if count >= _FEWEST}
    if not proven:
        return None
    found: list[Marked] = []
    for each in lines:
        match = _INITIALS.match(each.text) if not each.depth else None
        if match is None or match[1] not in proven:
            found.append(each)
            continue
        inner = unquote(each.text[match.end() - 1 :])
        found.append(inner)
    return found


def _by_bars(lines: Sequence[Marked]) -> list[Marked] | None:
    """`| text`, in a mail without any `>`."""
    barred = [each.text.startswith(("| ", "|\t")) or each.text == "|" for each in lines]
    if sum(barred) < _FEWEST:
        return None
    return [
        Marked(1, each.text[1:].removeprefix(" ")) if bar else each
        for each, bar in zip(lines, barred, strict=True)
    ]


def _below_heading(lines: Sequence[Marked]) -> list[Marked]:
    """What Outlook puts, without marks, below the headers of the mail that is answered."""
    start = heading([each.text if not each.depth else ">" for each in lines])
    if start is None or any(each.depth for each in lines[start : start + 30]):
        return list(lines)
    stop = start + 1
    while stop < len(lines) and stop - start <= 2 * _HEADER_LINES and lines[stop].text.strip():
        stop += 1
    below = [Marked(each.depth + 1, each.text, True) for each in lines[stop:]]
    dropped = [Marked(1, "", True)] * (stop - start)
    return [*lines[:start], *dropped, *below]


def heading(lines: Sequence[str]) -> int | None:
    """Where the headers of another mail begin: fields, or a line that announces them."""
    for at, line in enumerate(lines):
        if _HEADING.match(line[:200]):
            below = lines[at + 1 : at + 1 + _HEADER_LINES]
            if sum(_FIELD.match(each[:40]) is not None for each in below) >= 2:
                return at
    return None
