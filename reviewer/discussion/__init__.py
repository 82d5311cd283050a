"""What the people of a thread said, beside what the rules say, and what became of both."""

from reviewer.discussion.discuss import NOBODY_SPOKE, Discussion, discuss

__all__ = ["NOBODY_SPOKE", "Discussion", "discuss"]
