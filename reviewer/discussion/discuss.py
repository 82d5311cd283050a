"""The comments of a thread, matched with the findings and followed through the revisions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from reviewer.discussion.agreement import NO_AGREEMENT, Agreement, agree
from reviewer.discussion.history import history
from reviewer.discussion.outcome import Verdict, outcomes
from reviewer.mail.comment import Outcome
from reviewer.mail.quote import review_comments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reviewer.discussion.history import FindingHistory
    from reviewer.mail.comment import ReviewComment
    from reviewer.mail.thread import Thread
    from reviewer.review import Annotation, Review

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


def discuss(review: Review, thread: Thread) -> Discussion:
    """Read the replies of the thread, and follow remarks and findings through its revisions."""
    files = {
        patch.patch.message_id: tuple(file.file for file in patch.files)
        for revision in review.revisions
        for patch in revision.patches
    }
    comments = review_comments(thread, files)
    agreement = agree(review, comments)
    verdicts = outcomes(review, comments, agreement)
    return Discussion(comments, agreement, verdicts, history(review))
