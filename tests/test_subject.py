"""Versions, places and kinds in the subjects that people write."""

from __future__ import annotations

import time

import pytest

from reviewer.mail.subject import parse


@pytest.mark.parametrize(
    ("subject", "version", "position", "of"),
    [
        ("[PATCH] lamp: fix", None, None, None),
        ("[PATCH v2] lamp: fix", 2, None, None),
        ("[PATCH V2 1/3] lamp: fix", 2, 1, 3),
        ("[PATCHv3 06/10] lamp: fix", 3, 6, 10),
        ("[PATCH-v2] lamp: fix", 2, None, None),
        ("[PATCH nf-next,v2 1/3] lamp: fix", 2, 1, 3),
        ("[PATCH lamp 3/5,v2] lamp: fix", 2, 3, 5),
        ("[PATCH net-next v3 2/5] lamp: fix", 3, 2, 5),
        ("[PATCH 3/3 v2] lamp: fix", 2, 3, 3),
        ("[PATCH v2-RESEND] lamp: fix", 2, None, None),
        ("[PATCH version 3 1/7] lamp: fix", 3, 1, 7),
        ("[PATCHv2 RFC net-next 08/14] lamp: fix", 2, 8, 14),
        ("[RFC][PATCH][v4] lamp: fix", 4, None, None),
        ("[RFCv2 1/2] lamp: fix", 2, 1, 2),
        ("[list] [PATCH] [1/3] lamp: fix", None, 1, 3),
        ("[v2,1/3] lamp: fix", 2, 1, 3),
        ("[PATCH 2 of 5] lamp: fix", None, 2, 5),
        ("[PATCH 3/2] lamp: fix", None, 3, 2),
        ("[PATCH v2.1 3/5] lamp: fix", 2, 3, 5),
        ("[PATCH] lamp: fix (v2)", 2, None, None),
        ("PATCH v3 2/5: lamp: fix", 3, 2, 5),
        ("[PATCH v6.1.y 1/2] lamp: fix", None, 1, 2),
        ("[PATCH v5.15] lamp: fix", None, None, None),
        ("[PATCH 6.6-stable] lamp: fix", None, None, None),
        ("[PATCH 6.1.y v2 2/2] lamp: fix", 2, 2, 2),
        ("[PATCH for-6.10/lamp 1/2] lamp: fix", None, 1, 2),
        ("[PATCH ipv6 1/2] lamp: fix", None, 1, 2),
        ("[PATCH v4l2] lamp: fix", None, None, None),
    ],
)
def test_version_and_place_are_found_wherever_they_stand(
    subject: str, version: int | None, position: int | None, of: int | None
) -> None:
    found = parse(subject)
    assert (found.version, found.position, found.of) == (version, position, of)
    assert found.title == "lamp: fix"
    assert (found.patch, found.reply, found.pull) == (True, False, False)


@pytest.mark.parametrize(
    "front",
    [
        "Re:",
        "RE :",
        "re:",
        "Fwd:",
        "FW:",
        "AW:",
        "Antw:",
        "SV:",
        "Odp:",
        "Re[2]:",
        "Re: Re:",
        "[External] Re:",
        "[lamp-list] RE:",
        "\u56de\u590d\uff1a",
        "\u7b54\u590d:",
    ],
)
def test_replies_are_known_in_many_languages(front: str) -> None:
    found = parse(f"{front} [PATCH v2 1/2] lamp: fix")
    assert (found.reply, found.version, found.title) == (True, 2, "lamp: fix")


@pytest.mark.parametrize("title", ["rv: add a monitor", "fs: fix", "tr: fix", "vs: fix", "i: x"])
def test_subsystem_names_are_no_reply_words(title: str) -> None:
    assert not parse(title).reply
    assert parse(f"[PATCH] {title}").title == title


@pytest.mark.parametrize(
    ("subject", "pull"),
    [
        ("[GIT PULL] lamps for v6.10", True),
        ("[PULL 0/3] lamps", True),
        ("GIT PULL: lamps", True),
        ("[PATCH] lamp: pull the cord", False),
    ],
)
def test_pull_requests_are_told_from_patches(subject: str, pull: bool) -> None:
    assert parse(subject).pull is pull


def test_trees_resends_and_rfcs_are_named() -> None:
    found = parse("[RFC PATCH RESEND net-next,v2 1/2] lamp: fix")
    assert (found.trees, found.rfc, found.resend) == (("net-next",), True, True)
    assert found.prefixes == ("RFC", "PATCH", "RESEND", "net-next")


@pytest.mark.parametrize(
    "subject", ["", "[", "[]", "[PATCH 1/2", "[[PATCH]]", "Re:", "[PATCH]" * 9]
)
def test_broken_subjects_are_parsed_without_an_error(subject: str) -> None:
    assert parse(subject).version is None


def test_a_subject_of_a_megabyte_costs_no_time() -> None:
    begin = time.process_time()
    for piece in ("[PATCH ", "Re: ", "[v2] ", "v", "1/", " "):
        parse(piece * (1_000_000 // len(piece)))
    assert time.process_time() - begin < 1
