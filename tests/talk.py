"""A patch, and threads of replies to it, as tests of review comments need them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reviewer.diff.patch import parse
from reviewer.mail.message import Attachment, Message, read
from reviewer.mail.quote import review_comments
from reviewer.mail.thread import Thread, group

if TYPE_CHECKING:
    from reviewer.diff.patch import FileDiff
    from reviewer.mail.comment import ReviewComment

AUTHOR = "Mira Sand <mira@kiln.example>"
REVIEWER = "Otto Brandt <otto@glaze.example>"

BODY = (Path(__file__).parent / "kiln.patch").read_text()
DIFF = BODY[BODY.index("diff --git") : BODY.index("-- \n")]
CORE, HEADER = "drivers/kiln/core.c", "drivers/kiln/kiln.h"


def mail(
    name: str,
    body: str,
    *,
    to: str | None = "patch",
    author: str = REVIEWER,
    subject: str = "Re: [PATCH] kiln: empty the trays",
    minute: int = 0,
    headers: str = "",
    files: tuple[Attachment, ...] = (),
) -> Message:
    """A mail that answers the mail `to`; `minute` orders it."""
    lines = [
        f"From: {author}",
        f"Subject: {subject}",
        f"Message-ID: <{name}>",
        f"Date: Mon, 02 Mar 2026 09:{minute:02}:00 +0100",
    ]
    if to:
        lines += [f"In-Reply-To: <{to}>", f"References: <{to}>"]
    raw = "\n".join([*lines, *filter(None, [headers])]) + "\n\n" + body
    return replace(read(raw.encode()), attachments=files)


def patch(
    name: str = "patch",
    subject: str = "[PATCH] kiln: empty the trays",
    body: str = BODY,
    *,
    to: str | None = None,
) -> Message:
    """The patch that is talked about."""
    return mail(name, body, to=to, author=AUTHOR, subject=subject)


def files_of(thread: Thread) -> dict[str, tuple[FileDiff, ...]]:
    """The files of all patches by message-id, as a review has them."""
    files: dict[str, tuple[FileDiff, ...]] = {}
    for revision in thread.revisions:
        for each in revision.patches:
            parsed = parse(each.diff, each.message_id, each.diff_line, each.flowed).files
            files[each.message_id] = files.get(each.message_id, ()) + parsed
    return files


def comments(*mails: Message) -> tuple[ReviewComment, ...]:
    """The comments of a thread."""
    thread = group(mails)
    return review_comments(thread, files_of(thread))


def said(*bodies: str) -> tuple[ReviewComment, ...]:
    """The comments of replies to the patch."""
    replies = [mail(f"r{number}", body, minute=number) for number, body in enumerate(bodies, 1)]
    return comments(patch(), *replies)


def quote(text: str, mark: str = "> ") -> str:
    """The text with a mark in front of each line."""
    return "".join(f"{mark}{line}\n" for line in text.splitlines())


def rows(first: str, last: str | None = None) -> str:
    """The lines of the patch from the first that holds `first` to the next that holds `last`."""
    lines = BODY.splitlines()
    start = next(at for at, line in enumerate(lines) if first in line)
    stop = start if last is None else next(
        at for at, line in enumerate(lines) if at >= start and last in line
    )  # fmt: skip
    return "\n".join(lines[start : stop + 1]) + "\n"
