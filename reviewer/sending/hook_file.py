"""The file `sendemail-validate` that git send-email runs, put in and taken out.

A hook that was there is renamed, runs first, and comes back when ours is removed.
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from reviewer.errors import ReviewerError

NAME = "sendemail-validate"
EARLIER = f"{NAME}.before-reviewer"
REFUSED = 65
"""How the hook's Python says no: no crash of an interpreter ends with this status."""

_MARK = b"# Written by `reviewer hook install`"
_SCRIPT = """\
#!/bin/sh
# Written by `reviewer hook install`; `reviewer hook remove` takes it out again.
# git send-email runs this for each mail, before it sends any of them.

earlier="${{0%/*}}/{earlier}"
if [ -x "$earlier" ]; then
	"$earlier" "$@" || exit
fi

python={python}
if ! [ -x "$python" ]; then
	echo "reviewer: not checked: $python is gone; run \\`reviewer hook install\\` again" >&2
	exit 0
fi

# -P: the directory we are in may hold a module of any name.
"$python" -P -m reviewer hook run --refuse-status {refused} -- "$@" </dev/null
status=$?
case $status in
0) exit 0 ;;
{refused}) exit 1 ;;
130) exit 130 ;;
esac
echo "reviewer: not checked: it ended with status $status" >&2
exit 0
"""


class State(Enum):
    """Whose file is in the place of the hook."""

    NOBODY = auto()
    OURS = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Place:
    """The directory of hooks, and what is in it."""

    directory: Path
    state: State
    earlier: bool  # a hook is kept that was there before ours

    @property
    def hook(self) -> Path:
        """The file that git runs."""
        return self.directory / NAME

    @property
    def kept(self) -> Path:
        """Where the hook is that was there before."""
        return self.directory / EARLIER


def look(directory: Path) -> Place:
    """What is in a directory of hooks. Raises ReviewerError when it cannot be read."""
    hook = directory / NAME
    try:
        content = hook.read_bytes() if hook.is_file() else b""
    except OSError as error:
        raise ReviewerError(f"{hook}: cannot be read: {error.strerror}") from None
    state = State.OURS if _MARK in content else State.OTHER
    if not os.path.lexists(hook):
        state = State.NOBODY
    return Place(directory, state, os.path.lexists(directory / EARLIER))


def install(place: Place, python: str = sys.executable) -> None:
    """Put the hook in, or write it anew when it is ours; a hook of others is kept beside it.

    Raises ReviewerError when two hooks of others are there, or nothing can be written.
    """
    if place.state is State.OTHER and place.earlier:
        raise ReviewerError(
            f"{place.hook}: not ours, and {EARLIER} beside it is kept from before; "
            "make one hook of the two and move the other away"
        )
    script = _SCRIPT.format(earlier=EARLIER, python=shlex.quote(python), refused=REFUSED)
    try:
        place.directory.mkdir(parents=True, exist_ok=True)
        written = _write(place.directory, script)
        if place.state is State.OTHER:
            place.hook.rename(place.kept)
        written.replace(place.hook)
    except OSError as error:
        raise ReviewerError(f"{place.hook}: cannot be written: {error.strerror}") from None


def _write(directory: Path, script: str) -> Path:
    """An executable file under a name of its own, to be renamed: git never sees half of it."""
    number, name = tempfile.mkstemp(prefix=f"{NAME}.", dir=directory)
    with os.fdopen(number, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(script)
    path = Path(name)
    path.chmod(0o755)
    return path


def remove(place: Place) -> None:
    """Take our hook out and put the earlier one back.

    Raises ReviewerError when the hook is not ours, or nothing can be changed.
    """
    interrupted = place.state is State.NOBODY and place.earlier
    if place.state is not State.OURS and not interrupted:
        found = "there is no hook" if place.state is State.NOBODY else "this hook is not ours"
        raise ReviewerError(f"{place.hook}: nothing to remove: {found}")
    try:
        if place.earlier:
            place.kept.replace(place.hook)
        else:
            place.hook.unlink()
    except OSError as error:
        raise ReviewerError(f"{place.hook}: cannot be removed: {error.strerror}") from None


def interpreter(place: Place) -> str | None:
    """The interpreter that our hook runs."""
    for line in place.hook.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        if line.startswith("python="):
            return "".join(shlex.split(line.removeprefix("python=")))
    return None
