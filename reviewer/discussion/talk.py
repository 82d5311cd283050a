"""A discussion as values: the comments, and what is known of them and of the findings."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from reviewer.mail.comment import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reviewer.mail.comment import ReviewComment
    from reviewer.review import Annotation


@dataclass(frozen=True, slots=True)
class Agreement:
    """The remarks of the rules beside those of the people."""

    findings: Mapping[str, tuple[str, ...]]  # by comment id: fingerprints
    comments: Mapping[str, tuple[str, ...]]  # by fingerprint: comment ids
    both: int  # comments of reviewers that a shown finding makes too
    rules_only: int  # shown findings that nobody made; the same one in v1 and v2 is one
    humans_only: int  # comments of reviewers on code that want something and no shown finding makes


NO_AGREEMENT = Agreement({}, {}, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a comment, and what shows it in a few words each."""

    outcome: Outcome
    evidence: tuple[str, ...] = ()
    revision: str | None = None  # label of the revision that shows it


@dataclass(frozen=True, slots=True)
class FindingHistory:
    """The life of a finding, seen from one revision that has it. Values are labels."""

    since: str  # the first revision that has it; the revision itself when it is new
    gone: str | None = None  # the first later revision that does not have it

    def is_new(self, label: str) -> bool:
        """Whether that revision is the first to have it."""
        return self.since == label


_NOT_KNOWN = Verdict(Outcome.UNKNOWN)


@dataclass(frozen=True)
class Discussion:
    """The comments of a thread in mail order, and what is known of them.

    Outcomes are by the id of the comment, histories by label of the revision and fingerprint.
    """

    comments: tuple[ReviewComment, ...] = ()
    agreement: Agreement = NO_AGREEMENT
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    histories: Mapping[tuple[str, str], FindingHistory] = field(default_factory=dict)

    @cached_property
    def by_patch(self) -> Mapping[str, tuple[ReviewComment, ...]]:
        """The comments by the message-id of what they answer."""
        found: dict[str, list[ReviewComment]] = defaultdict(list)
        for comment in self.comments:
            found[comment.patch].append(comment)
        return {patch: tuple(comments) for patch, comments in found.items()}

    def verdict(self, comment: ReviewComment) -> Verdict:
        """What became of a comment."""
        return self.verdicts.get(comment.id, _NOT_KNOWN)

    def is_settled(self, label: str, annotation: Annotation) -> bool:
        """Whether a person made this remark already, or a later revision answered it."""
        told = self.agreement.comments.get(annotation.fingerprint)
        past = self.histories.get((label, annotation.fingerprint))
        return bool(told) or (past is not None and past.gone is not None)


NOBODY_SPOKE = Discussion()
