"""What is said about the signatures of a mail: only what b4 could know."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_HEADER = re.compile(rb"^dkim-signature:(.*(?:\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE)
_TAG = re.compile(r"(?:^|;)\s*([sdi])\s*=([^;]*)")
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,250}")
_LONGEST_IDENTITY: Final = 120
_MOST_SIGNATURES: Final = 8
_WORDS: Final = {"signed": "Signed", "badsig": "BADSIG", "nokey": "No key"}


def signatures(raw: bytes) -> dict[str, str]:
    """The DKIM signatures of a mail: what b4 calls their identity -> the DNS name of their key."""
    head = raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    found: dict[str, str] = {}
    for header in _HEADER.findall(head)[:_MOST_SIGNATURES]:
        tags = {
            name: _SPACE.sub("", value)
            for name, value in _TAG.findall(header.decode("ascii", "replace"))
        }
        selector, domain = tags.get("s", ""), tags.get("d", "")
        if _NAME.fullmatch(selector) and _NAME.fullmatch(domain):
            identity = (tags.get("i") or domain).rpartition("@")[2]
            found[f"DKIM/{identity}"] = f"{selector}._domainkey.{domain}."
    return found


def key_finder(lookup: Callable[[bytes], object]) -> Callable[[str], bool]:
    """Whether DNS has a key. `lookup` is asked once for a name, and no more after it raised."""
    known: dict[str, bool] = {}
    answering = True

    def has_key(name: str) -> bool:
        nonlocal answering
        if name not in known:
            try:
                known[name] = answering and bool(lookup(name.encode("ascii")))
            except Exception:
                # Each further name would wait for the same timeout.
                known[name] = answering = False
        return known[name]

    return has_key


def without_key(found: Mapping[str, str], has_key: Callable[[str], bool]) -> frozenset[str]:
    """The identities whose key DNS did not give: b4 reports them as a bad signature."""
    return frozenset(identity for identity, name in found.items() if not has_key(name))


def line(statuses: Iterable[Mapping[str, object]], unchecked: Iterable[str]) -> str | None:
    """One line of b4's statuses, as `LoreMessage.get_attestation_status` gives them.

    A signature in `unchecked` is called that, whatever b4 made of it. None when there is
    nothing to say.
    """
    silent = sorted(unchecked)
    parts = [_status(status) for status in statuses if str(status.get("identity")) not in silent]
    parts += [f"{_shown(identity)}: not checked (DNS gave no key)" for identity in silent]
    return "; ".join(dict.fromkeys(parts)) or None


def _status(status: Mapping[str, object]) -> str:
    word = _WORDS.get(str(status.get("status")), "Unknown")
    mismatch = status.get("mismatch")
    suffix = f" (From: {_shown(str(mismatch))})" if mismatch else ""
    return f"{word}: {_shown(str(status.get('identity')))}{suffix}"


def _shown(text: str) -> str:
    return _SPACE.sub(" ", text)[:_LONGEST_IDENTITY]
