"""The MIME structure of a mail as a flat list of its decoded text parts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reviewer.mail import header
from reviewer.mail.transfer import decode, decode_transfer

# A mail with more is built to hurt; what lies beyond is not read.
_DEEPEST = 20
_MOST_PARTS = 500

_PATCH_TYPES = frozenset(
    (
        "application/octet-stream",
        "application/x-patch",
        "application/x-diff",
        "application/patch",
        "application/mbox",
        "application/x-mbox",
        "application/text",
    )
)
_PATCH_NAME = re.compile(r"\.(?:patch|diff|txt|mbox|eml|cover)$", re.IGNORECASE)
_HUNK = re.compile(rb"^(?:diff --git |\+\+\+ \S)", re.MULTILINE)
_NAMED_HEADERS = ("from", "date", "subject", "message-id")


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf of the MIME tree with its text decoded; LF line ends, no NUL, no CR."""

    content_type: str
    name: str | None
    attached: bool  # Content-Disposition says attachment
    flowed: bool
    text: str
    html: str = ""  # of a text/html part, whose `text` is empty


@dataclass(frozen=True, slots=True)
class _Branch:
    """A part that is still encoded."""

    fields: dict[str, str]
    body: bytes
    depth: int
    default: str = "text/plain"


def parts(fields: dict[str, str], body: bytes) -> list[Part]:
    """The text parts of a mail in their order; HTML and binary parts have no text.

    `fields` are those of the mail's header block, `body` the bytes below it with LF line ends.
    """
    found: list[Part] = []
    waiting = [_Branch(fields, body, 0)]
    while waiting and len(found) < _MOST_PARTS:
        branch = waiting.pop()
        kind, parameters = header.parameters(branch.fields.get("content-type", ""))
        kind = kind if "/" in kind else branch.default
        inner = _inner(branch, kind, parameters) if branch.depth < _DEEPEST else []
        if inner:
            waiting.extend(reversed(inner))
        else:
            found.append(_leaf(branch, kind, parameters))
    return found


def _inner(branch: _Branch, kind: str, parameters: dict[str, str]) -> list[_Branch]:
    """The branches below a multipart or an attached mail; none below a leaf."""
    if kind == "message/rfc822":
        return [_attached_mail(branch)]
    if not kind.startswith("multipart/"):
        return []
    default = "message/rfc822" if kind == "multipart/digest" else "text/plain"
    return [
        _Branch(header.fields(block), body, branch.depth + 1, default)
        for block, body in map(header.split_part, _split(branch.body, parameters.get("boundary")))
    ]


def _attached_mail(branch: _Branch) -> _Branch:
    """The mail inside, as an attachment that begins with the headers that name it."""
    data = decode_transfer(branch.body, branch.fields.get("content-transfer-encoding", ""))
    block, body = header.split_block(data)
    fields = header.fields(block)
    fields["content-disposition"] = "attachment"
    return _Branch(fields | {"x-attached-mail": "yes"}, body, branch.depth + 1)


def _split(body: bytes, boundary: str | None) -> list[bytes]:
    """The bytes between the delimiter lines; nothing when there is no such line."""
    if not boundary:
        return []
    delimiter = re.compile(
        rb"(?:^|\n)--" + re.escape(boundary.rstrip().encode("utf-8", "replace"))
        + rb"(--)?[ \t]*(?:\n|\Z)"
    )  # fmt: skip
    pieces: list[bytes] = []
    start: int | None = None
    position = 0
    while len(pieces) < _MOST_PARTS and (match := delimiter.search(body, position)):
        if start is not None:
            pieces.append(body[start : match.start()])
        start = None if match[1] else match.end()
        # The line end of one delimiter may begin the next one, around an empty part.
        position = match.end() - 1 if match.end() > match.start() + 1 else match.end()
        if match[1]:
            break
    if start is not None:
        pieces.append(body[start:])
    return pieces


def _leaf(branch: _Branch, kind: str, parameters: dict[str, str]) -> Part:
    disposition, given = header.parameters(branch.fields.get("content-disposition", ""))
    name = given.get("filename") or parameters.get("name") or None
    data = b""
    if kind not in ("text/html", "text/calendar") and not kind.startswith(("image/", "video/")):
        data = decode_transfer(branch.body, branch.fields.get("content-transfer-encoding", ""))
    if kind.startswith("multipart/"):
        kind = "text/plain"  # broken: no delimiter line was found, all of it is shown
    elif not kind.startswith("text/") and not _is_patch(kind, name, data):
        data = b""
    text = clean(decode(data, parameters.get("charset")))
    if "x-attached-mail" in branch.fields:
        kind, text = "message/rfc822", _named(branch.fields) + text
    flowed = parameters.get("format", "").lower() == "flowed"
    html = _html(branch, parameters) if kind == "text/html" else ""
    return Part(kind, header.decode_words(name) if name else None, disposition == "attachment",
                flowed, text, html)  # fmt: skip


def _html(branch: _Branch, parameters: dict[str, str]) -> str:
    data = decode_transfer(branch.body, branch.fields.get("content-transfer-encoding", ""))
    return clean(decode(data, parameters.get("charset")))


def _is_patch(kind: str, name: str | None, data: bytes) -> bool:
    """Whether a part that is declared as binary is the text of a patch."""
    declared = kind in _PATCH_TYPES or bool(name and _PATCH_NAME.search(name))
    return declared and b"\0" not in data and bool(_HUNK.search(data))


def _named(fields: dict[str, str]) -> str:
    lines = [
        f"{name.title()}: {header.decode_words(fields[name])}\n"
        for name in _NAMED_HEADERS
        if name in fields
    ]
    return "".join(lines) + "\n"


def clean(text: str) -> str:
    """Text with LF line ends and without NUL and CR, which no line of a mail may hold."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "")
    return text.replace("\0", "").removeprefix("\ufeff")
