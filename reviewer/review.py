"""The result of a review: revisions, patches, files, and what the rules say. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.model import Confidence, Finding, Severity, Status

if TYPE_CHECKING:
    from reviewer.diff.patch import FileDiff
    from reviewer.mail.message import Message
    from reviewer.mail.thread import Patch, Revision
    from reviewer.model import Context, Problem


@dataclass(frozen=True, slots=True)
class Annotation:
    """A finding with what the engine knows of it."""

    rule: str  # the rule's id
    finding: Finding
    status: Status
    severity: Severity
    confidence: Confidence
    fingerprint: str  # of rule, path, function and code: the same in v1 and v2


@dataclass(frozen=True, slots=True)
class FileReview:
    """One file of a patch. `functions` and `unparsed` count what is visible of the new side."""

    file: FileDiff
    context: Context
    reason: str | None  # why the context is not more
    functions: int = 0
    unparsed: int = 0
    annotations: tuple[Annotation, ...] = ()  # by line


@dataclass(frozen=True, slots=True)
class PatchReview:
    """One patch as posted."""

    patch: Patch
    files: tuple[FileReview, ...]

    @property
    def annotations(self) -> tuple[Annotation, ...]:
        """Those of all files, in the order of the diff."""
        return tuple(annotation for file in self.files for annotation in file.annotations)


@dataclass(frozen=True, slots=True)
class RevisionReview:
    """One revision of the series."""

    revision: Revision
    patches: tuple[PatchReview, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """Everything that one call of `reviewer run` found out."""

    targets: tuple[str, ...]
    revisions: tuple[RevisionReview, ...]
    replies: tuple[Message, ...] = ()
    problems: tuple[Problem, ...] = ()
    rules: tuple[str, ...] = ()  # ids of the rules that ran

    @property
    def annotations(self) -> tuple[Annotation, ...]:
        """Those of all patches."""
        patches = (patch for revision in self.revisions for patch in revision.patches)
        return tuple(each for patch in patches for each in patch.annotations)


@dataclass(frozen=True, slots=True)
class Threshold:
    """Which annotations are shown, and counted for the exit status."""

    severity: Severity = Severity.NOTE
    confidence: Confidence = Confidence.LIKELY
    statuses: frozenset[Status] = frozenset({Status.INTRODUCED})

    def shows(self, annotation: Annotation) -> bool:
        """Whether the annotation is at or above the threshold."""
        return (
            annotation.status in self.statuses
            and annotation.severity >= self.severity
            and annotation.confidence >= self.confidence
        )


EVERYTHING = Threshold(
    Severity.NOTE, Confidence.HUNCH, frozenset({Status.INTRODUCED, Status.PREEXISTING})
)
"""What `--all` shows."""
