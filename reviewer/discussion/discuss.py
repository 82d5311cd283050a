"""The comments of a thread, matched with the findings and followed through the revisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.discussion.agreement import agree
from reviewer.discussion.history import history
from reviewer.discussion.outcome import outcomes
from reviewer.discussion.talk import Discussion
from reviewer.mail.quote import review_comments

if TYPE_CHECKING:
    from reviewer.mail.thread import Thread
    from reviewer.review import Review


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
