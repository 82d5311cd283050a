"""A bound on the time that a piece of work may take, in the main thread of a POSIX process.

And the garbage collector at rest while one patch is reviewed.
"""

from __future__ import annotations

import gc
import signal
import threading
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
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
    with time_limits() as limited, limited(seconds):
        yield


@contextmanager
def time_limits() -> Iterator[Callable[[float], AbstractContextManager[None]]]:
    """Give what `time_limit` is, for many short blocks: the signal is prepared once for all."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda _: nullcontext()
        return
    before = signal.signal(signal.SIGALRM, _stop)
    try:
        yield _Limited
    finally:
        signal.signal(signal.SIGALRM, before)


class _Limited:
    # Entered once for each rule, where a generator would be dear.
    __slots__ = ("_seconds",)

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, self._seconds, _AGAIN)

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def uncollected() -> Iterator[None]:
    """Make no search for garbage inside the block, for work of bounded size.

    All that a patch makes lives until its review ends; to go through it again and again on the
    way is a seventh of the time.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
