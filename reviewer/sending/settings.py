"""What the user wants of the hook and of the gate, from git config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer import config
from reviewer.errors import ReviewerError
from reviewer.model import Confidence, Severity
from reviewer.review import Threshold

if TYPE_CHECKING:
    from pathlib import Path

    from reviewer.review import Annotation

_NOTHING_SET = config.Settings()

BLOCK = {"error": Severity.ERROR, "warning": Severity.WARNING, "never": None}
"""The words of `reviewer.hookBlock`: from which severity on a mail is refused."""

_DEFAULT = Threshold()


@dataclass(frozen=True, slots=True)
class Settings:
    """What is shown and what is refused; without any setting as here."""

    block: Severity | None = Severity.ERROR  # None: nothing is refused
    seconds: float = 20.0  # for a whole series
    threshold: Threshold = _DEFAULT
    only: tuple[str, ...] = ()  # globs of rule ids
    skip: tuple[str, ...] = ()
    complaints: tuple[str, ...] = ()  # about settings that do not count, one line each
    user: config.Settings = _NOTHING_SET  # all that the user has set

    def refuses(self, annotation: Annotation) -> bool:
        """Whether a finding refuses its mail: a hunch never does, nor what is not shown."""
        return (
            self.block is not None
            and self.threshold.shows(annotation)
            and annotation.severity >= self.block
            and annotation.confidence >= Confidence.LIKELY
        )


def settings(cwd: Path) -> Settings:
    """The settings that hold in `cwd`. Of values that cannot be read none counts."""
    try:
        found = config.settings(cwd)
    except ReviewerError as error:
        return Settings(complaints=(f"{error}; as long as it is so, no setting counts",))
    threshold = Threshold(
        found.min_severity if found.min_severity is not None else _DEFAULT.severity,
        found.min_confidence if found.min_confidence is not None else _DEFAULT.confidence,
    )
    return Settings(
        block=BLOCK[found.hook_block],
        seconds=found.hook_timeout,
        threshold=threshold,
        only=found.rule,
        skip=found.skip_rule,
        complaints=found.warnings,
        user=found,
    )
