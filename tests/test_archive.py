"""Forms of message-ids and URLs, which mails are other revisions, what signatures tell."""

from __future__ import annotations

import pytest

from reviewer.errors import TargetError
from reviewer.mail.archives import attest, related
from reviewer.mail.archives.archive import Place, is_message_id, locate
from reviewer.mail.message import read
from tests.inbox import (
    diff_body,
    mail,
)
from tests.widget import COMPARE, IOCTL, SIGNED, V2

# Forms


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ("<a.b@c>", Place("a.b@c")),
        ("Message-ID: <a.b@c>", Place("a.b@c")),
        ("id:a.b@c", Place("a.b@c")),
        ("https://lore.kernel.org/linux-usb/a@c/T/#u", Place("a@c", "https://lore.kernel.org/all")),
        ("https://lore.kernel.org/r/a@c", Place("a@c", "https://lore.kernel.org/all")),
        ("http://h:81/deep/list/a%2Fb@c/t.mbox.gz", Place("a/b@c", "http://h:81/deep/list")),
        ("https://h/list/20240101.GA1/raw", Place("20240101.GA1", "https://h/list")),
        ("https://patch.msgid.link/a@c", Place("a@c")),
        ("https://lkml.kernel.org/r/a@c", Place("a@c")),
        ("https://patchwork.kernel.org/project/x/patch/a@c/", Place("a@c")),
    ],
)
def test_urls_and_ids_name_a_message_and_perhaps_an_archive(target: str, place: Place) -> None:
    assert locate(target) == place


@pytest.mark.parametrize(
    "target",
    [
        "https://lore.kernel.org/linux-usb/",
        "https://h",
        "ftp://h/l/a@c",
        "http://h:x/l/a@c",
        "http://[h/l/a@c",
        "https://h/l/%0a@c",
    ],
)
def test_a_url_that_names_no_message_is_refused(target: str) -> None:
    with pytest.raises(TargetError):
        locate(target)


@pytest.mark.parametrize(
    ("text", "is_id"),
    [
        ("a@b", True),
        ("<no-at>", True),
        ("CAF=+x/y_z@mail.example.org", True),
        ("a..b@c", True),
        ("no-at", False),
        ("HEAD@{1}", False),
        ("me@work..topic", False),
        ("a b@c", False),
        ("@c", False),
        ("a@", False),
    ],
)
def test_message_ids_are_told_from_revisions(text: str, is_id: bool) -> None:
    assert is_message_id(text) is is_id


# Revisions


def test_the_search_asks_for_patches_before_the_cover_within_a_year_back() -> None:
    ours = related.postings([read(raw) for raw in V2])
    assert [posting.version for posting in ours] == [2, 2, 2]
    assert related.query(ours) == (
        f's:"{IOCTL}" OR s:"{COMPARE}" OR s:"widget: forget stale handles"'
    ).join(("(", ") AND f:ada@example.org AND d:20230305.."))


def test_a_title_cannot_change_the_meaning_of_the_search() -> None:
    raw = mail("q@a", '[PATCH] x" OR f:"*', diff_body("x();"))
    assert related.query(related.postings([read(raw)])) == (
        '(s:"x OR f: *") AND f:ada@example.org AND d:20230302..'
    )
    odd = mail("q@a", "[PATCH] x", author='x <"a) OR f:(b"@c>')
    assert related.query(related.postings([read(odd)])) is None


def test_a_second_posting_of_the_same_version_is_not_another_revision() -> None:
    ours = related.postings([read(raw) for raw in V2])
    again = related.postings([read(mail("same@a", f"[PATCH RESEND v2 2/2] {COMPARE}", day=9))])
    assert related.other_revisions(ours, again) == []


def test_a_change_id_finds_a_revision_whose_titles_all_changed() -> None:
    ours = related.postings([read(mail("1@a", "[PATCH] old", "change-id: 2024-x\n"))])
    found = related.postings([read(mail("2@a", "[PATCH v2] new", "change-id: 2024-x\n"))])
    assert [posting.message_id for posting in related.other_revisions(ours, found)] == ["2@a"]


# Signatures


def test_a_signature_whose_key_dns_does_not_give_is_called_not_checked() -> None:
    found = attest.signatures(SIGNED + V2[1])
    assert found == {"DKIM/example.org": "key1._domainkey.example.org."}
    silent = attest.without_key(found, lambda _name: False)
    badsig = {"status": "badsig", "identity": "DKIM/example.org", "passing": False}
    assert attest.line([badsig], silent) == "DKIM/example.org: not checked (DNS gave no key)"
    assert attest.line([badsig], ()) == "BADSIG: DKIM/example.org"


def test_a_good_signature_of_another_domain_is_shown_with_the_sender() -> None:
    status = {"status": "signed", "identity": "DKIM/list.org", "mismatch": "a@b.c", "passing": True}
    assert attest.line([status], ()) == "Signed: DKIM/list.org (From: a@b.c)"
    assert attest.line([], ()) is None


def test_dns_is_asked_no_more_after_it_did_not_answer() -> None:
    asked: list[bytes] = []

    def lookup(name: bytes) -> None:
        asked.append(name)
        raise TimeoutError

    has_key = attest.key_finder(lookup)
    assert not any(has_key(name) for name in ("a.", "a.", "b.", "c."))
    assert asked == [b"a."]
