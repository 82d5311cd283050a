"""Running the command as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
THREADS = ROOT / "fixtures" / "threads"
REVIEWER = [sys.executable, "-m", "reviewer"]

# What a terminal or a user's settings would change.
_UNSET = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM", "GIT_DIR")


def environment(**variables: str) -> dict[str, str]:
    """The environment of a user who has set nothing."""
    kept = {key: value for key, value in os.environ.items() if key not in _UNSET}
    # Rules of the developer's own must not be in the tests.
    return {**kept, "PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": os.devnull, **variables}


def reviewer(
    *arguments: str | Path, cwd: Path | None = None, stdin: bytes = b"", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run `reviewer` to its end; output is decoded as UTF-8."""
    done = subprocess.run(
        [*REVIEWER, *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
        env=environment(**variables),
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)
