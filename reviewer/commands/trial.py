"""What one rule says on real patches, short enough to read after each change of the rule."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.model import Status
from reviewer.report.plain import plain
from reviewer.run import Request, review

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reviewer.review import Annotation, Review
    from reviewer.rule import Rule
    from reviewer.run import Result


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of a rule on some targets."""

    result: Result
    seconds: float
    everything: bool  # also what was there before the patch, and what it fixed

    @property
    def shown(self) -> tuple[Annotation, ...]:
        """What the rule says, of any confidence."""
        annotations = self.result.review.annotations
        return tuple(a for a in annotations if self.everything or a.status is Status.INTRODUCED)


def run_one(
    rule: Rule,
    targets: tuple[str, ...],
    cwd: Path,
    *,
    everything: bool = False,
    tree: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> Trial:
    """Run one rule. Raises ReviewerError as `run.review` does."""
    began = time.monotonic()
    request = Request(targets, tree=tree, revisions=False, rules=(rule,), comments=False, cwd=cwd)
    result = review(request, progress)
    return Trial(result, time.monotonic() - began, everything)


def lines(trial: Trial) -> Iterator[str]:
    """The findings by patch, then one line that counts."""
    review = trial.result.review
    shown = set(map(id, trial.shown))
    for patch in (patch for revision in review.revisions for patch in revision.patches):
        here = [each for each in patch.annotations if id(each) in shown]
        if here:
            yield plain(f"{patch.patch.subject}  <{patch.patch.message_id}>")
        for annotation in here:
            yield from (f"  {plain(line)}" for line in _finding(annotation))
    for problem in review.problems:
        if problem.where.startswith("rule "):
            yield plain(f"{problem.where}: {problem.what}")
    yield f"{len(shown)} {'finding' if len(shown) == 1 else 'findings'} in {_read(review)}, " + (
        f"{trial.seconds:.1f} s"
    )


def _finding(annotation: Annotation) -> Iterator[str]:
    finding = annotation.finding
    status = "" if annotation.status is Status.INTRODUCED else f", {annotation.status}"
    sure = f"{annotation.confidence.name.lower()}{status}"
    yield f"{finding.span.path}:{finding.span.line}: {annotation.severity.name.lower()} [{sure}]"
    yield f"    {finding.span.code.strip()}"
    yield f"    {finding.message}"
    for evidence in finding.evidence:
        yield f"      {evidence.span.path}:{evidence.span.line}: {evidence.note}"


def _read(review: Review) -> str:
    patches = [patch for revision in review.revisions for patch in revision.patches]
    files = sum(len(patch.files) for patch in patches)
    counted = f"{len(patches)} {'patch' if len(patches) == 1 else 'patches'}"
    return f"{counted} ({files} {'file' if files == 1 else 'files'})"
