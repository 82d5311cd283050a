from __future__ import annotations

import time

import pytest

from reviewer.mail.message import Message, read
from reviewer.mail.people import is_bot


def sent(author: str, address: str, *, automatic: bool = False) -> Message:
    return Message("m@x", "Re: [PATCH] box", author, address, None, None, (), "", (),
                   automatic=automatic)  # fmt: skip


@pytest.mark.parametrize(
    ("author", "address"),
    [
        ("kernel test robot", "lkp@intel.com"),
        ("kernel test robot", "oliver.sang@intel.com"),
        ("syzbot", "syzbot+0123456789abcdef@syzkaller.appspotmail.com"),
        ("syzbot ci", "ci@syzkaller.example.org"),
        ("", "patchwork-bot+netdevbpf@kernel.org"),
        ("", "pr-tracker-bot@kernel.org"),
        ("tip-bot2 for Ada Example", "tip-bot2@linutronix.de"),
        ("", "bot+bpf-ci@kernel.org"),
        ("", "bugzilla-daemon@kernel.org"),
        ("Some Service", "noreply@example.org"),
        ("Patch Review Bot", "review@example.org"),
    ],
)
def test_a_robot_is_known_by_its_name_or_address(author: str, address: str) -> None:
    assert is_bot(sent(author, address), "Looks broken.")


@pytest.mark.parametrize(
    ("author", "address"),
    [
        ("Bob Abbot", "babbot@example.org"),
        ("Oliver Sangster", "oliver@example.org"),
        ("Robotham, Ann", "ann.robotham@example.org"),
        ("Jenkins, Ivy", "ivy@example.org"),
        ("Ada Example", "ada@robots.example.org"),
        ("", ""),
    ],
)
def test_a_person_is_not_taken_for_a_robot(author: str, address: str) -> None:
    assert not is_bot(sent(author, address), "This leaks the lid.")


@pytest.mark.parametrize(
    "text",
    [
        "Hi, this is an AI-generated review, it may be wrong.",
        "Hi,\n\nI'm Ada's friendly patch-bot and I found problems.",
        "This is an automated message. Please do not answer.",
    ],
)
def test_a_robot_behind_a_persons_address_is_known_by_what_it_says_of_itself(text: str) -> None:
    assert is_bot(sent("Ada Example", "ada@example.org"), text)


@pytest.mark.parametrize(
    "text",
    [
        "The kernel test robot found that this does not build.",
        "> This is an automated message.\n\nIt is wrong, ignore it.",
        "syzbot found the same thing last week.",
        "An AI review of this says that the lid leaks; I checked, it is right.",
        "x\n" * 400 + "This is an automated message.",
    ],
)
def test_who_quotes_or_relays_a_robot_is_a_person(text: str) -> None:
    assert not is_bot(sent("Ada Example", "ada@example.org"), text)


@pytest.mark.parametrize("header", ["Auto-Submitted: auto-generated", "X-Patchwork-Bot: notify"])
def test_a_header_gives_a_robot_away(header: str) -> None:
    raw = f"From: Ada <ada@example.org>\nSubject: Re: x\nMessage-ID: <1@x>\n{header}\n\nHello.\n"
    assert is_bot(read(raw.encode()), "Hello.")
    assert not is_bot(read(raw.encode().replace(b": auto-generated", b": no")
                           .replace(b"X-Patchwork-Bot", b"X-Other")), "Hello.")  # fmt: skip


def test_a_hostile_mail_is_judged_at_once() -> None:
    start = time.process_time()
    for text in ("> " * 500_000, "\n" * 1_000_000, "this is an " * 90_000, "I'm " * 250_000):
        assert not is_bot(sent("a-" * 5000, "b+-" * 500_000), text)
    assert time.process_time() - start < 1
