"""A bound on the time that a piece of work may take, in the main thread of a POSIX process."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_AGAIN = 0.5  # seconds until work that went on regardless is stopped once more


class Overrun(BaseException):
    """The work inside `time_limit` took too long and was stopped.

    No Exception, so that `except Exception` inside of the work does not keep it going.
    """


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise Overrun


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise Overrun inside the block when it runs longer. Does nothing outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
