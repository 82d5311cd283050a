"""The main job: from targets to a review. Nothing is printed here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reviewer.c.structs import NO_STRUCTS
from reviewer.diff.blobs import knows_any, open_tree, remember, texts_of
from reviewer.diff.patch import parse
from reviewer.discussion.talk import NOBODY_SPOKE
from reviewer.engine import review_patch
from reviewer.errors import NoPatchError, ReviewerError, TargetError
from reviewer.mail.message import read
from reviewer.mail.thread import Origin, group
from reviewer.model import Problem
from reviewer.review import Review, RevisionReview
from reviewer.sources.origins import load_configured
from reviewer.sources.project import base_of
from reviewer.targets import classify, load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reviewer.config import Settings
    from reviewer.diff.blobs import Overlay, Texts, Tree
    from reviewer.diff.patch import FileDiff, Parsed
    from reviewer.discussion.talk import Discussion
    from reviewer.mail.message import Message
    from reviewer.mail.thread import Patch, Revision, Thread
    from reviewer.review import PatchReview
    from reviewer.rule import Rule
    from reviewer.targets import Loaded, Target


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asks for."""

    targets: tuple[str, ...]
    tree: Path | None = None  # a git repository; None: the one at `cwd`, if it knows the files
    use_tree: bool = True
    revisions: bool = True  # also older and newer ones, from the archive
    only: tuple[str, ...] = ()  # globs of rule ids
    skip: tuple[str, ...] = ()
    rules: tuple[Rule, ...] | None = None  # exactly these; None: all that `only` and `skip` choose
    settings: Settings | None = None  # None: what git config says at `cwd`
    comments: bool = True  # also what people said in the thread
    cwd: Path = Path()


@dataclass(frozen=True, slots=True)
class Result:
    """The review of what could be had, and a line for each target that could not."""

    review: Review
    discussion: Discussion
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Gathered:
    messages: tuple[Message, ...]
    commits: frozenset[str]  # ids of the messages that are commits
    problems: tuple[Problem, ...]
    failures: tuple[str, ...]


def review(request: Request, progress: Callable[[str], None] | None = None) -> Result:
    """Review all targets together, so that the files of one series are one revision.

    Raises ReviewerError when no target holds a patch, or a rule or the tree is not usable.
    """
    trees = _Trees.of(request)
    targets, failures = _classified(request)
    rules, unloaded = _rules(request, trees, targets)
    gathered = _gather(request, targets, failures, progress)
    thread = group(gathered.messages)
    problems = [*gathered.problems, *trees.problems, *thread.problems]
    if not thread.revisions and not gathered.failures:
        why = "; ".join(f"{each.where}: {each.what}" for each in problems)
        raise NoPatchError(why or f"{' '.join(request.targets)}: there is no patch in it")
    problems += unloaded
    reviewed = []
    for revision in thread.revisions:
        result = _review_revision(_commits_marked(revision, gathered.commits), rules, trees)
        reviewed.append(result.review)
        problems += result.problems
    ids = tuple(rule.id for rule in rules)
    found = Review(request.targets, tuple(reviewed), thread.replies, tuple(problems), ids)
    return Result(found, _discussed(found, thread, request), gathered.failures)


def _discussed(found: Review, thread: Thread, request: Request) -> Discussion:
    if not request.comments or (not thread.replies and len(found.revisions) < 2):
        return NOBODY_SPOKE
    from reviewer.discussion.discuss import discuss

    return discuss(found, thread)


def _classified(request: Request) -> tuple[list[Target], list[str]]:
    """The targets, and a line for each that is none."""
    targets: list[Target] = []
    failures: list[str] = []
    for text in request.targets:
        try:
            targets.append(classify(text, request.cwd))
        except ReviewerError as error:
            failures.append(str(error))
    return targets, failures


def _rules(
    request: Request, trees: _Trees, targets: Sequence[Target]
) -> tuple[tuple[Rule, ...], tuple[Problem, ...]]:
    """The rules to run. Those of the project are read from the commit before the series."""
    if request.rules is not None:
        return request.rules, ()
    ranges = [target.revisions for target in targets if target.revisions]
    base = base_of(ranges[0]) if ranges else "HEAD"
    loaded = load_configured(request.cwd, trees.asked or trees.here, base, request.settings)
    return loaded.select(request.only, request.skip), loaded.problems


def _gather(
    request: Request,
    targets: Sequence[Target],
    failures: list[str],
    progress: Callable[[str], None] | None,
) -> _Gathered:
    """The mails of all targets. A bad target does not stop the others."""
    messages: list[Message] = []
    commits: set[str] = set()
    problems: list[Problem] = []
    for target in targets:
        try:
            loaded = load(target, revisions=request.revisions, progress=progress)
        except ReviewerError as error:
            failures.append(str(error))
            continue
        these = _messages(loaded)
        messages += these
        problems += loaded.problems
        if loaded.origin is Origin.COMMIT:
            commits.update(message.message_id for message in these)
    if len(failures) == len(request.targets) == 1:
        raise TargetError(failures[0])
    return _Gathered(tuple(messages), frozenset(commits), tuple(problems), tuple(failures))


def _messages(loaded: Loaded) -> list[Message]:
    messages = [replace(read(m.raw), attestation=m.attestation) for m in loaded.mails]
    if loaded.origin is Origin.COMMIT:
        return [replace(each, message_id=each.commit or each.message_id) for each in messages]
    return messages


def _commits_marked(revision: Revision, commits: frozenset[str]) -> Revision:
    if not commits:
        return revision
    patches = tuple(
        replace(patch, origin=Origin.COMMIT) if patch.message_id in commits else patch
        for patch in revision.patches
    )
    return replace(revision, patches=patches)


@dataclass(frozen=True, slots=True)
class _Trees:
    """The repositories that may have the files."""

    asked: Tree | None
    here: Tree | None
    problems: tuple[Problem, ...] = ()

    @classmethod
    def of(cls, request: Request) -> _Trees:
        if not request.use_tree:
            return cls(None, None)
        if request.tree is not None:
            if (tree := open_tree(request.tree)) is None:
                raise TargetError(f"--tree {request.tree}: not inside a git repository")
            return cls(tree, None)
        try:
            return cls(None, open_tree(request.cwd))
        except TargetError as error:
            return cls(None, None, (Problem("reading whole files", str(error)),))

    def for_files(self, files: Sequence[FileDiff]) -> Tree | None:
        """The tree that was asked for, or the one at hand if it knows one of the files."""
        if self.asked or self.here is None:
            return self.asked
        return self.here if knows_any(self.here, files) else None


@dataclass(frozen=True, slots=True)
class _Reviewed:
    review: RevisionReview
    problems: tuple[Problem, ...]


def _review_revision(revision: Revision, rules: Sequence[Rule], trees: _Trees) -> _Reviewed:
    """Patch by patch, each on what the ones before it left of the files and the structs."""
    parsed = [_parse(patch) for patch in revision.patches]
    tree = trees.for_files([file for each in parsed for file in each.files])
    overlay: Overlay = {}
    known = NO_STRUCTS
    reviews: list[PatchReview] = []
    problems: list[Problem] = []

    def given(file: FileDiff) -> Texts:
        texts = texts_of(file, tree, overlay)
        remember(overlay, file, texts)
        return texts

    for patch, diff in zip(revision.patches, parsed, strict=True):
        problems += diff.problems
        result = review_patch(patch, diff.files, rules, given, known)
        reviews.append(result.review)
        known = result.structs
        problems += result.problems
    return _Reviewed(RevisionReview(revision, tuple(reviews)), tuple(problems))


def _parse(patch: Patch) -> Parsed:
    return parse(patch.diff, f"<{patch.message_id}>", patch.diff_line, patch.flowed)
