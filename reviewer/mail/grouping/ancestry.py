"""Who answers whom among the mails of a thread, and when each was really sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reviewer.mail.message import Message


def parents(messages: Sequence[Message]) -> list[int | None]:
    """For each mail the index of the mail it answers, when that one is here.

    The nearest reference stands in for a mail that is missing. Loops are cut, so that climbing
    from parent to parent always ends.
    """
    places = {message.message_id: index for index, message in enumerate(messages)}
    found: list[int | None] = []
    for index, message in enumerate(messages):
        named = (places.get(name) for name in _ancestors(message))
        found.append(next((place for place in named if place not in (None, index)), None))
    _cut_loops(found)
    return found


def _ancestors(message: Message) -> Iterator[str]:
    """Message-IDs, nearest first."""
    if message.in_reply_to:
        yield message.in_reply_to
    yield from reversed(message.references)


def _cut_loops(parent_of: list[int | None]) -> None:
    """Make the mail of each loop that stands first in the mailbox its root."""
    walked_from: list[int | None] = [None] * len(parent_of)
    for start in range(len(parent_of)):
        here: int | None = start
        while here is not None and walked_from[here] is None:
            walked_from[here] = start
            here = parent_of[here]
        if here is not None and walked_from[here] == start:
            parent_of[_first_of_loop(parent_of, here)] = None


def _first_of_loop(parent_of: Sequence[int | None], member: int) -> int:
    first, here = member, parent_of[member]
    while here is not None and here != member:
        first = min(first, here)
        here = parent_of[here]
    return first


def parents_first(parent_of: Sequence[int | None]) -> list[int]:
    """All indices, each behind that of its parent; `parent_of` must have no loops."""
    order: list[int] = []
    placed = [False] * len(parent_of)
    for start in range(len(parent_of)):
        chain: list[int] = []
        here: int | None = start
        while here is not None and not placed[here]:
            placed[here] = True
            chain.append(here)
            here = parent_of[here]
        order += reversed(chain)
    return order


def sent(messages: Sequence[Message], parent_of: Sequence[int | None]) -> list[float]:
    """For each mail the time it was sent, in seconds since 1970.

    A clock that is wrong must not put an answer before its question: no mail is earlier than
    its parent. A mail without date has that of its parent, else of the mail before it.
    """
    times: list[float] = []
    for message in messages:
        before = times[-1] if times else 0.0
        times.append(message.date.timestamp() if message.date else before)
    for index in parents_first(parent_of):
        parent = parent_of[index]
        if parent is not None:
            undated = messages[index].date is None
            times[index] = times[parent] if undated else max(times[index], times[parent])
    return times
