"""What the subject of a mail says about a patch: version, place in the series, kind of mail."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LONGEST = 2000
_MOST_BRACKETS = 8

# Mail programs put their language's word for "reply" or "forward" in front. In lower case most
# of these are also names of kernel subsystems ("rv: ...", "fs: ..."), so only "re" and "fw" may be.
_REPLY = re.compile(
    r"\s*(?:[Rr][Ee]|[Ff][Ww][Dd]?|AW|Aw|Antw|ANTW|Antwort|SV|Sv|VS|Vs|RES|Res|RESP|RIF|Rif|R|ODP"
    r"|Odp|YNT|Ynt|WG|Wg|TR|Tr|RV|Rv|ENC|Enc|VB|Vb|VL|Vl|PD|Pd|\u041e\u0442\u0432\u0435\u0442"
    r"|\u56de\u590d|\u7b54\u590d|\u56de\u8986|\u7b54\u8986|\u8fd4\u4fe1|\u8f6c\u53d1|\u8f49\u5bc4)"
    r"\s?(?:\[\d{1,3}\]|\(\d{1,3}\))?\s?[:\uff1a]"
)
_BRACKET = re.compile(r"\s*\[([^\[\]]{0,300})\]\s*[:,]?")
_BARE_TAG = re.compile(r"\s*((?:RFC\s+)?PATCH(?:[\s,v/\d]{0,20}))\s*:", re.IGNORECASE)

# "v6.1.y", "v5.15" and "6.6-stable" name a kernel; a kernel 1.x or 2.5 is no target any more,
# so "v2.1" is a second version, mended.
_VERSION = re.compile(
    r"(?<![a-z0-9.])(?P<word>patch(?:es)?|rfc|rft|resend|repost)?(?:v|ver|version|rev|revision)"
    r"[.\s#-]?(?P<number>\d{1,3})(?:(?<=v1)\.\d|(?<=v2)\.[1-5])?(?!\w|\.\w|\s?/)",
    re.IGNORECASE,
)
_PLACE = re.compile(r"(?<![\w./])(\d{1,4})\s?(?:/|of)\s?(\d{1,4})(?![\w./])", re.IGNORECASE)
_PLACE_AT_START = re.compile(r"\s*\(?(\d{1,4})/(\d{1,4})\)?\s*[:\s]")
_VERSION_AT_END = re.compile(
    r"[,:]?\s?[(\[](?:patch\s)?v(?:er)?\.?\s?(?P<number>\d{1,3})[)\]]$", re.IGNORECASE
)
_TAG_WORD = re.compile(r"[^\s,;]+")
_PATCH = re.compile(r"(?<![a-z])patch", re.IGNORECASE)
_RFC = re.compile(r"(?<![a-z])rf[ct](?![a-z])|(?<![a-z])rfcv?\d", re.IGNORECASE)
_RESEND = re.compile(r"(?<![a-z])(?:re-?send|resent|repost)", re.IGNORECASE)
_PULL = re.compile(r"(?<![a-z])(?:git[\s_-]?)?pull(?:[\s-]request)?(?![a-z])", re.IGNORECASE)
_BARE_PULL = re.compile(r"\s*(?:git\s+pull|pull\s+request)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject taken apart. `version`, `position` and `of` are None when it does not say."""

    prefixes: tuple[str, ...]  # the words in brackets, without version and n/m: PATCH, RFC, nf-next
    version: int | None
    position: int | None  # n of "n/m"; 0 is the cover letter
    of: int | None  # m of "n/m"
    rfc: bool
    resend: bool
    reply: bool  # "Re:", "AW:", "Fwd:" and the like stand in front
    pull: bool  # [GIT PULL]
    title: str  # without brackets and reply words

    @property
    def patch(self) -> bool:
        """Whether the subject announces a patch or a series: [PATCH], [RFC], [2/5], [v3]."""
        numbered = self.position is not None or (self.version is not None and not self.reply)
        return numbered or self.rfc or any(_PATCH.search(prefix) for prefix in self.prefixes)

    @property
    def trees(self) -> tuple[str, ...]:
        """The lower-case prefixes that say where the patch goes: net-next, 6.1.y."""
        return tuple(
            prefix.lower()
            for prefix in self.prefixes
            if not (_PATCH.match(prefix) or _RFC.match(prefix) or _RESEND.match(prefix))
        )


def parse(subject: str) -> Subject:
    """Take a subject apart: `Re: [RFC PATCH nf-next,v2 1/3] netfilter: ...`. Never raises."""
    reply, tags, title = _front(" ".join(subject[:_LONGEST].split()))
    inside = " ".join(tags)
    version = _VERSION.search(inside)
    place = _PLACE.search(inside) or (_PLACE_AT_START.match(title) if tags else None)
    if place and place.re is _PLACE_AT_START:
        title = title[place.end() :]
    late = _VERSION_AT_END.search(title) if tags and not version else None
    number = version or late
    return Subject(
        prefixes=tuple(_words(tags)),
        version=int(number["number"]) or None if number else None,
        position=int(place[1]) if place else None,
        of=int(place[2]) if place else None,
        rfc=bool(_RFC.search(inside)),
        resend=bool(_RESEND.search(inside)),
        reply=reply,
        pull=bool(_PULL.search(inside) or (_BARE_PULL.match(title) and not tags)),
        title=title[: late.start()].strip() if late else title.strip(),
    )


def _front(text: str) -> tuple[bool, list[str], str]:
    """Whether reply words stand in front, the contents of the brackets, and the rest."""
    reply = False
    tags: list[str] = []
    position = 0
    while len(tags) < _MOST_BRACKETS:
        announced = any(map(_PATCH.search, tags))
        if bracket := _BRACKET.match(text, position):
            tags.append(bracket[1])
            position = bracket.end()
        elif not announced and (word := _REPLY.match(text, position)):
            # A bracket before the word is a list's tag: "[dm-devel] Re: [PATCH] ..."
            reply, tags = True, []
            position = word.end()
        elif not tags and (bare := _BARE_TAG.match(text, position)):
            tags.append(bare[1])
            position = bare.end()
        else:
            break
    return reply, tags, text[position:]


def _words(tags: list[str]) -> list[str]:
    """The words in brackets that are neither version nor place."""
    bare = " ".join(tags)
    bare = _PLACE.sub(" ", _VERSION.sub(lambda version: f"{version['word'] or ''} ", bare))
    stripped = (word.strip("-_.:") for word in _TAG_WORD.findall(bare))
    return [word for word in stripped if word]
