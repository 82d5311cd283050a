"""Robots told from people among the senders of a thread."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reviewer.mail.message import Message

# In 10,433 mails of six lists this found 323 robots, and a header 62 more.
_ADDRESS = re.compile(
    r"^(?:lkp|oliver\.sang|(?:no|donot|do-not)[-_.]?reply|bugzilla-daemon|mailer-daemon"
    r"|bot\+.*|syzbot.*|[\w.+-]*(?:\b|[-_])(?:ro)?bot\d?(?:\+.*)?|[\w.]*buildbot)@"
    r"|@syzkaller\.|^patchwork@",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"\b(?:ro)?bot\d?\b|\bsyzbot|\bbuildbot\b|^(?:patchwork|bugzilla|jenkins)$", re.IGNORECASE
)

# What a robot says of itself. Names of robots are not here: people quote and answer them.
_SELF = re.compile(
    r"\bthis is an? (?:(?:fully )?automat(?:ed|ic)|AI[- ]generated|machine[- ]generated)\b"
    r"|\b(?:AI|automatically|machine)[- ]generated (?:code )?(?:review|e?-?mail|message|report)\b"
    r"|\b(?:I am|I'm|this is) (?:an? |the |your )?(?:\w+'s )?(?:friendly |automated |AI )"
    r"(?:\w+[- ])?(?:bot\b|robot\b|patch-bot|semi-automat\w+|review(?:er)?\b|assistant\b)"
    r"|\bI(?: am|'m) a (?:ro)?bot\b|\bthis (?:e?-?mail|message) (?:was|is|has been) "
    r"(?:sent|generated) (?:automatically|by a (?:ro)?bot)\b"
    r"|\bfriendly patch-bot\b|^this is syzbot\b",
    re.IGNORECASE | re.MULTILINE,
)
_OPENING = 350  # characters; further down even a robot is only quoted
_LONGEST_NAME = 200
_LINES_READ = 2000


def is_bot(message: Message, text: str) -> bool:
    """Whether a program wrote the mail, by its address, name, headers or opening words.

    `text` is what the mail says; quoted lines in it are skipped. A person who quotes a robot, or
    relays the review of one, is a person.
    """
    return (
        message.automatic
        or _ADDRESS.search(message.address[:_LONGEST_NAME]) is not None
        or _NAME.search(message.author[:_LONGEST_NAME]) is not None
        or _SELF.search(_opening(text)) is not None
    )


def _opening(text: str) -> str:
    """The first characters of the unquoted text."""
    lines: list[str] = []
    room = _OPENING
    for line in text[:100_000].split("\n", _LINES_READ)[:_LINES_READ]:
        if line.lstrip().startswith((">", "|")):
            continue
        lines.append(line[:room])
        room -= len(line) + 1
        if room <= 0:
            break
    return "\n".join(lines)
