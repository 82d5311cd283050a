"""The header block of a mail: where it ends, and its fields decoded.

The standard library's `email` costs 22 ms to import and raises on hostile headers; a mail is
read here with one regular expression per question, each linear in the size of the block.
"""

from __future__ import annotations

import binascii
import re
from datetime import UTC, datetime, timedelta, timezone

from reviewer.mail.transfer import decode, from_base64

_NAME = rb"[!-9;-~]{1,76}"
_FIELD = re.compile(_NAME + rb"[ \t]*:")
# What is neither a field, nor the continuation of one, nor a separator of an mbox ends the block.
_BLOCK_END = re.compile(rb"\n(?!" + _NAME + rb"[ \t]*:|[ \t]+\S|>?From )")
_BLANK = re.compile(rb"[ \t]*\n")
_WANTED = re.compile(
    rb"^(subject|from|date|message-id|in-reply-to|references|content-type"
    rb"|content-transfer-encoding|content-disposition|auto-submitted|x-patchwork-bot"
    rb"|to|cc|reply-to)[ \t]*:(.*(?:\n[ \t].*)*)",
    re.IGNORECASE | re.MULTILINE,
)
_FOLD = re.compile(r"\n\s*")  # a `\s*` in front would be quadratic
_WORD = re.compile(r"=\?([\w.:-]{1,40})(?:\*[\w-]{1,20})?\?([bBqQ])\?([^?\n]*)\?=")
_BETWEEN_WORDS = re.compile(r"\?=[ \t]+=\?")
_ID = re.compile(r"<([^<>]{1,998})>")
_ADDRESS = re.compile(r"<([^<>]{0,998})>")
_QUOTED_NAME = re.compile(r'\s*"(?:[^"\\]|\\.)*+"')
_COMMENT = re.compile(r"\(([^()]{0,998})\)")
# What is between two commas, which do not count in quotes, comments and angle brackets.
_RECIPIENT = re.compile(r'(?:[^,"(<]|"(?:[^"\\]|\\.)*+"?|\([^()]*+\)?|<[^<>]*+>?)++')
_PARAMETER = re.compile(r';\s*([\w-]{1,40})(?:\*\d{0,3}\*?)?\s*=\s*(?:"([^"]*)"|([^;\s"]*))')
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})")
_DATE = re.compile(
    r"(?:[A-Za-z]{3,9},?\s+)?(\d{1,2})\s+([A-Za-z]{3})[a-z]{0,6}\s+(\d{4})"
    r"\s+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*(?:([+-])(\d{2})(\d{2})|GMT|UTC?|Z)"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONGEST_VALUE = 100_000
_REFERENCES_KEPT = 100
_RECIPIENTS_KEPT = 500


def split_block(data: bytes) -> tuple[bytes, bytes]:
    """The header block and the body of a mail with LF line ends.

    Without a header block (a bare diff, `git show`) the block is empty and the body is all.
    """
    start = 0
    while data.startswith((b"From ", b">From ", b"\n"), start):
        start = data.find(b"\n", start) + 1 or len(data)
    if not _FIELD.match(data, start):
        return b"", data
    end = _BLOCK_END.search(data, start)
    block = data[start : end.start() if end else len(data)]
    if not _WANTED.search(block):
        return b"", data
    if end is None:
        return block, b""
    blank = _BLANK.match(data, end.end())
    return block, data[blank.end() if blank else end.end() :]


def split_part(data: bytes) -> tuple[bytes, bytes]:
    """The header block and the body of a MIME part, whose block may be empty or say nothing."""
    if data.startswith(b"\n") or not _FIELD.match(data):
        return b"", data.removeprefix(b"\n")
    end = _BLOCK_END.search(data)
    if end is None:
        return data, b""
    blank = _BLANK.match(data, end.end())
    return data[: end.start()], data[blank.end() if blank else end.end() :]


def fields(block: bytes) -> dict[str, str]:
    """The fields that matter to a review, by lower-case name, unfolded; the first of each."""
    found: dict[str, str] = {}
    for name, value in _WANTED.findall(block):
        key = name.decode("ascii").lower()
        if key not in found:
            found[key] = _FOLD.sub(" ", decode(value[:_LONGEST_VALUE])).strip()
    return found


def decode_words(text: str) -> str:
    """Decode the `=?charset?q?...?=` words of RFC 2047; neighbours may share a character."""
    if "=?" not in text:
        return text
    text = _BETWEEN_WORDS.sub("?==?", text)
    pieces: list[str] = []
    pending, charset, end = b"", "", 0
    for word in _WORD.finditer(text):
        between = text[end : word.start()]
        if between or word[1].lower() != charset:
            pieces += (decode(pending, charset or None), between)
            pending, charset = b"", word[1].lower()
        pending += _word_bytes(word[2], word[3])
        end = word.end()
    pieces += (decode(pending, charset or None), text[end:])
    return _FOLD.sub(" ", "".join(pieces))


def _word_bytes(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    return from_base64(data) if encoding in "bB" else binascii.a2b_qp(data, header=True)


def message_ids(value: str) -> tuple[str, ...]:
    """The ids of a Message-ID, In-Reply-To or References field, without angle brackets."""
    return tuple(found.strip() for found in _ID.findall(value)[-_REFERENCES_KEPT:])


def author(value: str) -> tuple[str, str]:
    """Display name (the address when there is none) and address of a From field."""
    quoted = _QUOTED_NAME.match(value)
    address = _ADDRESS.search(value, quoted.end() if quoted else 0)
    if address:
        name = value[: address.start()]
        return _display_name(name) or address[1].strip(), address[1].strip()
    comment = _COMMENT.search(value)
    bare = _COMMENT.sub("", value).strip()
    return (_display_name(comment[1]) if comment else "") or bare, bare


def recipients(value: str) -> tuple[str, ...]:
    """The people of a To, Cc or Reply-To field as decoded "Name <address>", or bare addresses.

    The address is what stands in the last pair of angle brackets. What has no "@" is left out:
    "undisclosed-recipients:;".
    """
    found: list[str] = []
    for each in _RECIPIENT.finditer(value):
        name, address = author(each[0].strip())
        if "@" in address:
            found.append(address if name == address else f"{name} <{address}>")
            if len(found) == _RECIPIENTS_KEPT:
                break
    return tuple(found)


def _display_name(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return decode_words(text).strip()


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """The lower-case main value of a Content-Type or -Disposition field, and its parameters.

    A parameter in several pieces or in percent encoding (RFC 2231) is put together.
    """
    found: dict[str, str] = {}
    for match in _PARAMETER.finditer(value):
        text = match[2] if match[2] is not None else match[3]
        if "''" in text:
            charset, _, coded = text.partition("''")
            raw = _PERCENT.sub(lambda code: chr(int(code[1], 16)), coded)
            text = decode(raw.encode("latin-1", "replace"), charset)
        key = match[1].lower()
        found[key] = found.get(key, "") + text
    words = value.partition(";")[0].split()
    return (words[0].lower() if words else ""), found


def date(value: str) -> datetime | None:
    """The moment that a Date field names; None for what cannot be one."""
    match = _DATE.search(value[:200])
    if match is None:
        return _odd_date(value[:200])
    day, month, year, hour, minute, second, sign, hours, minutes = match.groups()
    if month.lower() not in _MONTHS:
        return None
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        zone = timezone(-offset if sign == "-" else offset)
        found = datetime(
            int(year), _MONTHS.index(month.lower()) + 1, int(day), int(hour), int(minute),
            min(int(second or 0), 59), tzinfo=zone,
        )  # fmt: skip
    except ValueError:
        return None
    return _plausible(found)


def _odd_date(value: str) -> datetime | None:
    """Zone names, two-digit years, asctime(): the standard library knows them."""
    from email.utils import parsedate_to_datetime  # 22 ms, rarely needed

    try:
        found = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return _plausible(found if found.tzinfo else found.replace(tzinfo=UTC))


def _plausible(found: datetime) -> datetime | None:
    """Dates at the ends of the calendar overflow when they are compared across zones."""
    return found if 1970 <= found.year <= 2200 else None
