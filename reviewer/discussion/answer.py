"""What the author of a patch said to a comment, and what the commenter said to that."""

from __future__ import annotations

import re
from collections import defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING

from reviewer.mail.comment import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reviewer.mail.comment import ReviewComment

_READ = 200  # characters: further down an answer explains
_DEEPEST = 20  # answers to answers
_LONG = 15  # words

_PROMISES = re.compile(
    r"\b(?:(?:i|we)(?:'ll| will| can| shall)(?! (?:think|look|see|say|check|wait|be)\b)"
    r"|will (?:do|fix|change|update|add|remove|drop|use|move|send|rework|rename|address|be fixed)"
    r"|fixed|done|changed(?: it)?|updated"
    r"|good (?:catch|point|idea|spot\w*|suggestion)|nice catch|great catch|good eye"
    r"|you(?:'re| are) (?:absolutely |completely |totally |quite )?right|(?:that|this)(?:'s| is)"
    r" (?:right|true|correct|a good (?:idea|point|catch))|right[,.!]|correct[,.!]|got it|agreed?"
    r"|my bad|my mistake|oops|indeed|sure|sounds good|makes sense|ok(?:ay)?[,.! \n]|ack|yes[,.! \n]"
    r"|yep|yeah|thanks for (?:catching|pointing|spotting)|in (?:the )?(?:v\d+|next version))",
    re.IGNORECASE,
)
_REFUSES = re.compile(
    r"\b(?:(?:i )?(?:don't|do not) (?:think|see|agree|believe|understand|know)|i disagree"
    r"|intentional\w*|on purpose|deliberate\w*|by design|because|already|no need|not need(?:ed)?"
    r"|unnecessary|not necessary|not (?:really|possible|true|a problem|an issue)|no[,.]|nope"
    r"|(?:it|this|that)(?:'s| is) (?:fine|safe|ok|okay|needed|required|necessary)|can(?:not|'t)"
    r"|(?:would|will|does|do|is|are|should)(?: not|n't)|actually|but|however"
    r"|i'd (?:rather|prefer))",
    re.IGNORECASE,
)
_DOUBTS = re.compile(r"^\W*(?:h+m+|i'?m not sure|i am not sure|not sure)\b", re.IGNORECASE)
# Said after a "hmm", it is meant all the same.
_ADMITS = re.compile(
    r"\b(?:(?:good|nice|great) (?:catch|point|spot\w*)|you(?:'re| are) (?:\w+ )?right|my bad"
    r"|my mistake|oops|thanks for (?:catching|pointing|spotting)|will fix"
    r"|(?:i|we)(?:'ll| will) fix)",
    re.IGNORECASE,
)


class Stance(StrEnum):
    """How the author takes a comment; of several answers the first of these counts."""

    PROMISE = "promised"
    REFUSE = "refused"
    EXPLAIN = "explained"  # at some length: mostly why it stays
    ASK = "asked back"
    SAY = "answered"


def stance_of(text: str) -> Stance:
    """The stance of one answer; the first promise or refusal counts."""
    said = text[:_READ]
    promise = (_ADMITS if _DOUBTS.match(said) else _PROMISES).search(said)
    refusal = _REFUSES.search(said)
    if promise and (refusal is None or promise.start() < refusal.start()):
        return Stance.PROMISE
    if refusal:
        return Stance.REFUSE
    if text.rstrip().endswith("?"):
        return Stance.ASK
    return Stance.EXPLAIN if len(text[:1000].split()) >= _LONG else Stance.SAY


def answers_of(comments: Sequence[ReviewComment]) -> Mapping[str, Sequence[ReviewComment]]:
    """By the id of a comment what was said to it, oldest first."""
    found: dict[str, list[ReviewComment]] = defaultdict(list)
    for each in comments:
        if each.answers is not None:
            found[each.answers].append(each)
    return dict(found)


def stance(comment: ReviewComment, answers: Mapping[str, Sequence[ReviewComment]]) -> Stance | None:
    """How the author took the comment; None when there was no answer of the author."""
    stances = [stance_of(each.text) for each in answers.get(comment.id, ()) if each.by_author]
    for strongest in Stance:
        if strongest in stances:
            return strongest
    return None


def is_conceded(comment: ReviewComment, answers: Mapping[str, Sequence[ReviewComment]]) -> bool:
    """Whether the commenter, after the author's answer, agreed with it."""
    waiting = [each for each in answers.get(comment.id, ()) if each.by_author]
    for _ in range(_DEEPEST):
        if not waiting:
            break
        said = [reply for each in waiting for reply in answers.get(each.id, ())]
        mine = [each for each in said if each.address == comment.address]
        if any(each.kind in (Kind.AGREEMENT, Kind.THANKS) for each in mine):
            return True
        waiting = said
    return False
