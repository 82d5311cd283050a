"""A reply to a mail as bytes: to whom it goes, how it is threaded, and the text below.

All that comes from the mail is hostile: it is cleaned before it goes into a header.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from email.header import Header
from email.utils import formataddr
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reviewer.mail.message import Message

LONGEST_LINE = 998
"""Octets in a line of a mail, without its end (RFC 5322, 2.1.1)."""

_LONGEST_SUBJECT = 500
_LONGEST_NAME = 100
_LONGEST_WORD = 60  # a longer one cannot be folded, unless it is encoded

_RE = re.compile(r"(?:re(?:\[\d{1,3}\])?\s?:\s*)+", re.IGNORECASE)
_ID = re.compile(r"[!-;=?-~]{1,250}")
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w.-]{1,190}", re.ASCII)


def reply(original: Message, body: str, sender: str | None = None) -> bytes | None:
    """The answer to a mail, addressed as a reader's "reply to all" does; None when to nobody.

    `sender` ("Name <address>") is who writes it; he gets no copy. Without one there is no From
    field; there is never a Date: the program that sends the mail sets both. Lines end with LF.
    `body` is plain text; a line of it that no mail may hold makes the whole quoted-printable.
    """
    to, cc = recipients(original, sender)
    if not to:
        return None
    coding, content = _encoded(body)
    fields = [
        *_people("From", _unseen([sender], set()) if sender else []),
        *_people("To", to),
        *_people("Cc", cc),
        _folded("Subject", reply_subject(original.subject)),
        *_thread(original),
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=UTF-8",
        f"Content-Transfer-Encoding: {coding}",
    ]
    return "\n".join(fields).encode("ascii") + b"\n\n" + content


def recipients(original: Message, sender: str | None = None) -> tuple[list[str], list[str]]:
    """To and Cc of a reply to all, each person once: "Name <address>".

    To is Reply-To, else the author; a reply to oneself goes on to those the mail was sent to.
    """
    seen = {_address(sender).casefold()} if sender else set()
    author = f"{original.author} <{original.address}>"
    to = _unseen(original.reply_to, seen) or _unseen([author], seen)
    to = to or _unseen(original.to, seen)
    return to, _unseen((*original.to, *original.cc), seen)


def _unseen(people: Iterable[str], seen: set[str]) -> list[str]:
    """Those with an address that is usable and new; it is `seen` from now on."""
    found: list[str] = []
    for person in people:
        address = _address(person)
        if _ADDRESS.fullmatch(address) and address.casefold() not in seen:
            seen.add(address.casefold())
            found.append(person)
    return found


def _address(person: str) -> str:
    """What stands in the last pair of angle brackets, or all of it."""
    return person.rpartition("<")[2].removesuffix(">").strip()


def _name(person: str) -> str:
    return _one_line(person.rpartition("<")[0])[:_LONGEST_NAME].strip()


def reply_subject(subject: str) -> str:
    """The subject with one `Re:` in front."""
    title = _one_line(subject)
    start = _RE.match(title)
    return f"Re: {title[start.end() if start else 0 :][:_LONGEST_SUBJECT]}".strip()


def attribution(original: Message) -> str:
    """The line above a quote, in the time zone of the one who is quoted."""
    name = _one_line(original.author)[:_LONGEST_NAME] or original.address
    date = original.date
    if date is None:
        return f"{name} wrote:"
    hour = date.hour % 12 or 12
    return f"On {date:%a, %b} {date.day}, {date.year} at {hour}:{date:%M %p %z}, {name} wrote:"


def _thread(original: Message) -> Iterator[str]:
    """In-Reply-To and References; nothing for a mail that no one else knows by its id."""
    if not (original.has_own_id and _ID.fullmatch(original.message_id)):
        return
    before = original.references or ((original.in_reply_to,) if original.in_reply_to else ())
    chain = [each for each in before if _ID.fullmatch(each) and each != original.message_id]
    ids = [f"<{each}>" for each in (*chain, original.message_id)]
    yield f"In-Reply-To: {ids[-1]}"
    yield "References: " + "\n ".join(ids)


def _people(field: str, people: Sequence[str]) -> Iterator[str]:
    """The field with each person on a line, as git writes it; none when there is nobody."""
    if people:
        yield f"{field}: " + ",\n ".join(map(_written, people))


def _written(person: str) -> str:
    name, address = _name(person), _address(person)
    if not name or name == address:
        return address
    if _is_plain(name):
        return formataddr((name, address))
    return f"{Header(name, 'utf-8', maxlinelen=70).encode()} <{address}>"


def _folded(field: str, value: str) -> str:
    charset = "us-ascii" if _is_plain(value) else "utf-8"
    return f"{field}: {Header(value, charset, maxlinelen=76, header_name=field).encode()}"


def _is_plain(value: str) -> bool:
    """Whether a header can hold it as it is, and a reader takes none of it for encoded."""
    return (
        value.isascii()
        and "=?" not in value
        and all(len(word) <= _LONGEST_WORD for word in value.split())
    )


def _one_line(text: str) -> str:
    """Without anything that ends a line, moves the cursor or is no character."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _encoded(body: str) -> tuple[str, bytes]:
    """The Content-Transfer-Encoding, and the body in it."""
    content = body.encode("utf-8", "replace")
    if any(len(line) > LONGEST_LINE for line in content.split(b"\n")):
        return "quoted-printable", b2a_qp(content, istext=True)
    return ("7bit" if content.isascii() else "8bit"), content
