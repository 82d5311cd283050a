"""From the bytes of a mail part to its text: transfer encodings and charsets.

Everything decodes to something. Some programs pass on a decoded body under the header of the
encoded one (b4's review checks do), so an encoding is believed only when the bytes bear it out.
"""

from __future__ import annotations

import binascii
import codecs
import re

# Mailers name the older charset and write the larger one.
_SUPERSETS = {"gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949", "big5": "big5hkscs"}
# Not charsets of mail; decoding punycode and idna takes quadratic time.
_REFUSED = frozenset(
    ("punycode", "idna", "unicode-escape", "raw-unicode-escape", "undefined", "utf-7", "oem")
)
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=\s]|[A-Za-z0-9+/=][ \t]+[A-Za-z0-9+/=]")
_ESCAPE = re.compile(rb"=(?:[0-9A-Fa-f]{2}|[ \t]*(?:\n|\Z))")
_FULL_LINE = 56  # the shortest line that encoders break at is 57 bytes or longer
_SPACE = re.compile(rb"\s+")


def decode_transfer(data: bytes, encoding: str) -> bytes:
    """Undo a Content-Transfer-Encoding; unknown encodings and plain text stay as they are."""
    encoding = encoding.strip().lower()
    if encoding == "base64":
        return from_base64(data)
    if encoding == "quoted-printable":
        return from_quoted_printable(data)
    return data


def from_base64(data: bytes) -> bytes:
    """Decode up to the first line that is not base64 (a list's footer); all of it if none is."""
    stray = _NOT_BASE64.search(data)
    coded = data if stray is None else data[: data.rfind(b"\n", 0, stray.start()) + 1]
    # A word alone on its line is base64 as well; encoders fill their lines.
    if stray is not None and coded.find(b"\n") < _FULL_LINE:
        return data
    coded = _SPACE.sub(b"", coded)
    coded = coded.partition(b"=")[0]
    if len(coded) % 4 == 1:  # cut in the middle of a group: its six bits make no byte
        coded = coded[:-1]
    return binascii.a2b_base64(coded + b"=" * (-len(coded) % 4))


def from_quoted_printable(data: bytes) -> bytes:
    """Decode, unless most of the equal signs are no escapes: then it was decoded before."""
    escapes = len(_ESCAPE.findall(data))
    if data.count(b"=") > 2 * escapes:
        return data
    return binascii.a2b_qp(data)


def decode(data: bytes, charset: str | None = None) -> str:
    """The text of `data`: as declared, else as UTF-8, else with replacement characters."""
    declared = _codec(charset) if charset else None
    # What is valid UTF-8 is nothing else, though any bytes are valid in a one-byte charset.
    one_byte = declared is not None and declared.startswith(("iso8859", "cp125", "koi8"))
    for name in ("utf-8", declared) if one_byte else (declared, "utf-8"):
        if name is not None:
            try:
                return data.decode(name)
            except (UnicodeError, LookupError):
                continue
    if declared is not None and declared != "ascii":
        return data.decode(declared, "replace")
    # Undeclared eight-bit text that is not UTF-8 is Western European in nearly all old mail.
    return data.decode("latin-1")


def _codec(charset: str) -> str | None:
    """The name of the codec for a charset; None for what is unknown or no charset."""
    try:
        name = codecs.lookup(charset.strip().strip("'\"")).name
        name = _SUPERSETS.get(name, name)
        b"a".decode(name, "ignore")  # refuses codecs that do not give text, such as zlib
    except (LookupError, ValueError, TypeError):
        return None
    return None if name in _REFUSED else name
