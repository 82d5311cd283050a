"""The user's settings, from git config."""

from __future__ import annotations

import subprocess


def identity() -> str | None:
    """Who the user is to git, "Name <address>"; None when git does not know."""
    name, address = _value("user.name"), _value("user.email")
    return f"{name} <{address}>" if name and address else None


def _value(key: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "config", "--get", key], capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
