"""The review as replies that are ready to be read, changed and sent by a person.

Nothing is sent from here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.mail.reply import attribution, reply
from reviewer.mail.revision import Origin
from reviewer.mail.subject import parse
from reviewer.report.excerpt import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from reviewer.mail.revision import Patch
    from reviewer.review import Annotation, PatchReview, Review, RevisionReview, Threshold

_UNSAFE = re.compile(r"[^A-Za-z0-9_.]+")
_LONGEST_SLUG = 52  # as git format-patch
# mboxrd: git format-patch begins its files with this date too.
_SEPARATOR = b"From reviewer Mon Sep 17 00:00:00 2001\n"
_FROM = re.compile(rb"^(>*From )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Draft:
    """A reply and the name of a file for it, which has no directory and is unique."""

    name: str  # v2-0001-slug.eml
    content: bytes  # a whole mail, lines end with LF


def _nobody(label: str, annotation: Annotation) -> bool:
    return False


def render(
    review: Review,
    threshold: Threshold,
    said: Callable[[str, Annotation], bool] = _nobody,
    sender: str | None = None,
) -> tuple[Draft, ...]:
    """A reply to each patch that has a remark above the threshold which nobody made yet.

    `said` tells, of the label of a revision and an annotation there, that a person said it or
    that it was addressed. What is still there in a later revision is only said there. `sender`
    ("Name <address>") writes the replies.
    """
    last = _last_told(review, threshold)
    drafts: list[Draft] = []
    names: set[str] = set()
    for revision in review.revisions:
        label = revision.revision.label
        for patch in revision.patches:
            shown = [
                each
                for each in patch.annotations
                if threshold.shows(each)
                and last[each.fingerprint] == label
                and not said(label, each)
            ]
            content = draft(patch, shown, sender)
            if content is not None:
                drafts.append(Draft(_unique(file_name(label, patch.patch), names), content))
    return tuple(drafts)


def draft(
    reviewed: PatchReview, annotations: Sequence[Annotation], sender: str | None = None
) -> bytes | None:
    """The reply to a patch that makes these remarks, each below its line.

    None when there is nothing to say, or nothing to answer: a commit, a mail without author.
    """
    patch = reviewed.patch
    if not annotations or patch.message is None or patch.origin is Origin.COMMIT:
        return None
    lines = [attribution(patch.message), *excerpt(reviewed.files, annotations)]
    return reply(patch.message, "\n".join(lines) + "\n", sender)


def _last_told(review: Review, threshold: Threshold) -> dict[str, str]:
    """The label of the last revision that has a finding; a diff in a reply counts only alone."""
    asides = [each for each in review.revisions if each.revision.answers is not None]
    posted = [each for each in review.revisions if each.revision.answers is None]
    return {
        annotation.fingerprint: revision.revision.label
        for revision in (*asides, *posted)
        for annotation in _annotations(revision)
        if threshold.shows(annotation)
    }


def _annotations(revision: RevisionReview) -> Iterator[Annotation]:
    return (annotation for patch in revision.patches for annotation in patch.annotations)


def file_name(label: str, patch: Patch) -> str:
    """`v2-0001-slug.eml`, of letters, digits and `_.-` alone."""
    title = _UNSAFE.sub("-", parse(patch.subject).title)[:_LONGEST_SLUG].strip("-.")
    version = _UNSAFE.sub("-", label).strip("-.") or "v1"
    return f"{version}-{patch.position:04d}-{title or 'patch'}.eml"


def _unique(name: str, names: set[str]) -> str:
    """The name, or one with a number when a file system could take it for one of `names`."""
    stem = name.removesuffix(".eml")
    number = 1
    while name.casefold() in names:
        number += 1
        name = f"{stem}-{number}.eml"
    names.add(name.casefold())
    return name


def mailbox(drafts: Iterable[Draft]) -> bytes:
    """The replies as one mailbox (mboxrd)."""
    return b"".join(
        _SEPARATOR + _FROM.sub(rb">\1", each.content).rstrip(b"\n") + b"\n\n" for each in drafts
    )
