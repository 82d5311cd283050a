"""Lines of a reply that are neither a quote nor a comment: who wrote, what was cut, who signs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reviewer.mail.quoting.marks import Marked

_WROTE = re.compile(
    r"(?:\b(?:wrote|writes|write|said|schrieb|skrev|a \u00e9crit|\u00e9crit|escribi\u00f3"
    r"|ha scritto|napisa\u0142\(?a?\)?|(?:\u043d\u0430)?\u043f\u0438\u0441\u0430\u043b\(?\u0430?\)?"
    r"|\u043f\u0438\u0448\u0435\u0442|pisze|p\u00ed\u0161e)|\u5199\u9053|\u5beb\u9053|\u5199\u5230|\u66f8\u304d"
    r"\u307e\u3057\u305f)[^\w\n]{0,4}$"
)
_BEGINS = re.compile(
    r"(?:(?:On|Dnia|Am|Le|El|Il|Den|Op|Dne|Em|At|Quoting|\*+|W dniu|\u0412|\u5728|\u65bc)\s"
    r"|\d{1,4}[-./\u5e74]\d|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*[, ]"
    r"|[\"'\w][^<>]{0,80}<[^<>@\s]{1,80}@)"
)
_ADDRESS = re.compile(r"[\w.+-]{1,80}@[\w-]{1,80}|<[^<>]{0,80}>")
_LONGEST = 300  # characters of a line that says who wrote
_SIGNATURE_LINES = 8  # when a quote stands below
_LINES = 4  # that such a line may be wrapped into

_VERBS = r"(?:snip|cut|trim|skip|delet|remov|elid|omit|shorten)\w{0,4}"
_ELISION = re.compile(
    r"[.\u2026\s]{2,40}|\u2026|:{1,3}|"
    r"[\[(<{]\s?[.\u2026\- ]{1,20}\s?[\])>}]|"
    rf"[\[(<{{][\s.\u2026]{{0,8}}{_VERBS}\b[^\[\]()<>{{}}]{{0,60}}[\])>}}]|"
    rf"[-.=~<>*\u2026]{{2,20}} ?{_VERBS}[-.=~<>*\u2026\s]{{0,20}}|"
    r"<?snip(?:ped)?>?|"
    r"[-=~ ]{0,40}(?:8<|>8|%<|>%|\u2702)[-=~8<>%: ]{0,60}",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"(?:hi|hello|hey|hallo|dear|greetings|good (?:morning|afternoon|evening|day))\b"
    r"[^.?!:;()=]{0,40}[,.!:\s-]{0,3}",
    re.IGNORECASE,
)
_BY_NAME = re.compile(r"[A-Z][\w.'-]{1,20}(?: [A-Z][\w.'-]{1,20})?,")
_CLOSING = re.compile(
    r"[-\s]{0,4}(?:(?:many |best |kind |warm |with |kindest )*"
    r"(?:thanks|thank you|thx|regards|cheers|br|best|sincerely|yours|rgds|gr\u00fc\u00dfe|mfg|hth)"
    r"(?: again| in advance| a lot| so much| very much| and regards| for (?:the|your) [\w ]{1,20}"
    r"| best regards| regards)?)[\s,!.;:)-]{0,6}(?P<name>[A-Z][\w.' -]{0,40})?",
    re.IGNORECASE,
)
_NAME = re.compile(r"[-~/\u2013\s]{0,4}(?P<name>[^\W\d_][\w.' -]{0,40}),?")
_SPACED_NAME = re.compile(r"[A-Z][\w.'-]*(?: [A-Z][\w.'-]*){0,2}")
_TRAILER = re.compile(r"[A-Z][a-z]+(?:-[a-z]+)*-by:\s?\S.*", re.IGNORECASE)
_COPIED = re.compile(r"[\[(+]?\s?(?:\+\s?|adding |added )?cc\b:?[^.?!]{1,120}", re.IGNORECASE)
_SEPARATOR = re.compile(r"[-_=]{3,80}")


def is_elision(text: str) -> bool:
    """Whether the line says that something was left out: `[...]`, `<snip>`, scissors."""
    stripped = text.strip()
    return 0 < len(stripped) <= 90 and _ELISION.fullmatch(stripped) is not None


def is_trailer(text: str) -> bool:
    """Whether the line is a tag with a name, as `Reviewed-by: ...`."""
    return _TRAILER.fullmatch(text[:_LONGEST].strip()) is not None


def is_copy_note(text: str) -> bool:
    """Whether the line only says to whom the mail goes as well: `[cc Ada]`, `+ Bo`."""
    return _COPIED.fullmatch(text[:_LONGEST].strip()) is not None


def attributions(lines: Sequence[Marked]) -> Iterator[int]:
    """The indexes of the lines that say who wrote what is quoted below them."""
    for at, line in enumerate(lines):
        text = line.text.rstrip()
        if not text or len(text) > _LONGEST or (text[-1].isalnum() and "wr" not in text):
            continue
        wrote = _WROTE.search(text) is not None
        if not wrote and not text.endswith(":"):
            continue
        first = _first(lines, at)
        opening = lines[first].text[:_LONGEST]
        dated = _BEGINS.match(opening.lstrip()) and any(map(str.isdigit, opening))
        named = wrote or dated or _ADDRESS.search(text)
        if (wrote and dated) or (named and _deeper_follows(lines, at)):
            yield from range(first, at + 1)


def _deeper_follows(lines: Sequence[Marked], at: int) -> bool:
    """Whether what is quoted begins a few lines below, blank or left out ones aside."""
    for below in lines[at + 1 : at + 6]:
        if below.depth > lines[at].depth:
            return True
        if below.text.strip() and not is_elision(below.text):
            return False
    return False


def _first(lines: Sequence[Marked], at: int) -> int:
    """The line where the sentence that ends here begins."""
    for first in range(at, max(at - _LINES, -1), -1):
        if lines[first].depth != lines[at].depth or not lines[first].text.strip():
            break
        if _BEGINS.match(lines[first].text.lstrip()[:_LONGEST]):
            return first
    return at


def signature(lines: Sequence[Marked]) -> range | None:
    """The lines of the signature, with its `-- `; None when there is none."""
    for at in range(len(lines) - 1, -1, -1):
        depth, text, _ = lines[at]
        if depth:
            continue
        bare = text.rstrip()
        if bare == "--" and (text.startswith("-- ") or at >= len(lines) - 8):
            return range(at, _quote_below(lines, at))
        short = len(lines) - at <= 5
        if short and _SEPARATOR.fullmatch(bare) and all(len(e.text) < 60 for e in lines[at:]):
            return range(at, len(lines))
        if bare.startswith("_" * 20) and len(lines) - at <= 8:
            return range(at, len(lines))
    return None


def _quote_below(lines: Sequence[Marked], at: int) -> int:
    """The index of the next quoted line: a signature may stand above what is answered."""
    quote = next((below for below in range(at, len(lines)) if lines[below].depth), None)
    if quote is None:
        return len(lines)
    said = sum(bool(line.text.strip()) for line in lines[at:quote])
    return quote if said <= _SIGNATURE_LINES else at


def is_greeting(text: str, blank_follows: bool) -> bool:
    """Whether the first line of a reply greets; a name alone does so above a blank line."""
    stripped = text.strip()
    if len(stripped) > 60:
        return False
    named = blank_follows and _BY_NAME.fullmatch(stripped) is not None
    return named or _GREETING.fullmatch(stripped) is not None


def without_closing(lines: Sequence[str], author: str) -> list[str]:
    """The last text of a mail without thanks, regards and name; `author` is who writes it."""
    stop = len(lines)
    words = [word.strip(".,").lower() for word in author.replace("@", " ").split()]
    names = {*words, "".join(word[:1] for word in words)}
    for at in range(len(lines) - 1, max(len(lines) - 8, -1), -1):
        text = lines[at].strip()
        if not text:
            continue
        if len(text) > 60 or not (_closes(text) or _is_name(lines, at, names)):
            break
        stop = at
    return list(lines[:stop])


def _closes(text: str) -> bool:
    closing = _CLOSING.fullmatch(text)
    if closing is None or " but " in text:
        return False
    name = closing["name"]
    return name is None or _SPACED_NAME.fullmatch(name) is not None


def _is_name(lines: Sequence[str], at: int, names: set[str]) -> bool:
    """Whether the writer's name stands here, or any name below a closing."""
    match = _NAME.fullmatch(lines[at].strip())
    if match is None:
        return False
    words = [word.strip(".,").lower() for word in match["name"].split()]
    if all(word in names for word in words):
        return True
    above = next((line.strip() for line in reversed(lines[:at]) if line.strip()), "")
    return len(words) <= 3 and _closes(above)
