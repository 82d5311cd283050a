"""A patch to a lamp in a mail, and what rules could say about it."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import TYPE_CHECKING

from reviewer.diff.patch import parse
from reviewer.mail.message import read
from reviewer.mail.thread import group
from reviewer.model import (
    Confidence,
    Context,
    Evidence,
    Finding,
    Fix,
    Severity,
    Side,
    Span,
    Status,
)
from reviewer.report.mail import draft
from reviewer.review import Annotation, FileReview, PatchReview

if TYPE_CHECKING:
    from reviewer.mail.message import Message

OLGA = "Olga Reader <olga@read.example>"
HEAD = """\
From: Ada Example <ada@lamp.example>
To: "List, The" <lamp@lists.example>, Ben <ben@lamp.example>
Cc: BEN@lamp.example, olga@read.example, ada@lamp.example, eve@lamp.example
Subject: [PATCH v2 3/4] lamp: light the wick
Message-ID: <lamp-3@lamp.example>
In-Reply-To: <lamp-0@lamp.example>
References: <lamp-0@lamp.example>
Date: Fri, 16 Jan 2026 22:08:43 +0800

Words.
---
"""
ROWS = [
    " \tmutex_unlock(&lamp->lock);",
    " \treturn 0;",
    " }",
    "+",
    "+int lamp_light(struct lamp *lamp)",
    "+{",
    "+\tspin_lock(&lamp->lock);",
    "+\tlamp->wick = kzalloc(sizeof(*lamp->wick), GFP_KERNEL);",
    "+\tif (!lamp->wick)",
    "+\t\treturn -ENOMEM;",
    "+\tspin_unlock(&lamp->lock);",
    "+\treturn 0;",
    "+}",
]


def diff(rows: list[str] = ROWS, path: str = "drivers/lamp.c", start: int = 40) -> str:
    old = sum(row[0] in " -" for row in rows)
    new = sum(row[0] in " +" for row in rows)
    return (
        f"diff --git a/{path} b/{path}\nindex 1111111..2222222 100644\n--- a/{path}\n"
        f"+++ b/{path}\n@@ -{start},{old} +{start},{new} @@ int lamp_dim(struct lamp *lamp)\n"
        + "".join(f"{row}\n" for row in rows)
    )


def found(
    line: int,
    code: str = "",
    message: str = "kzalloc() with GFP_KERNEL can sleep, and lamp->lock is held here",
    *,
    rule: str = "atomic/sleep-under-spinlock",
    path: str = "drivers/lamp.c",
    side: Side = Side.NEW,
    severity: Severity = Severity.ERROR,
    status: Status = Status.INTRODUCED,
    function: str | None = "lamp_light",
    evidence: tuple[Evidence, ...] = (),
    fix: str | None = "move it out of the section",
) -> Annotation:
    finding = Finding(
        Span(path, line, line, side, code), message, function, evidence, Fix(fix) if fix else None
    )
    fingerprint = f"{rule} {path} {function} {code or line}"
    return Annotation(rule, finding, status, severity, Confidence.LIKELY, fingerprint)


def patched(*annotations: Annotation, head: str = HEAD, text: str | None = None) -> PatchReview:
    """A patch in a mail, and what was found in its files."""
    ((patch,),) = (
        revision.patches for revision in group([read((head + (text or diff())).encode())]).revisions
    )
    files = tuple(
        FileReview(
            file,
            Context.HUNKS,
            None,
            annotations=tuple(a for a in annotations if a.finding.span.path == file.path),
        )
        for file in parse(patch.diff, "a test").files
    )
    return PatchReview(patch, files)


def drafted(*annotations: Annotation, text: str | None = None) -> str:
    """The text of the draft below its headers."""
    content = draft(patched(*annotations, text=text), annotations)
    assert content is not None
    return content.decode().partition("\n\n")[2]


def original(**changes: str) -> Message:
    head = HEAD
    for name, value in changes.items():
        field = name.replace("_", "-")
        head = re.sub(rf"(?im)^{field}: .*\n", "", head)
        head = f"{field}: {value}\n{head}" if value else head
    return read(head.encode())


def parsed(content: bytes | None) -> EmailMessage:
    assert content is not None
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def evidence(
    line: int, note: str, code: str, path: str = "drivers/lamp.c", side: Side = Side.NEW
) -> Evidence:
    return Evidence(Span(path, line, line, side, code), note)
