"""The rules that a repository carries in `.reviewer/rules/`, as one of its commits has them.

Only objects of the repository are read, never the work tree: what is under review may have been
applied there, and must not bring along the rules that judge it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from reviewer.declarative import LONGEST_FILE
from reviewer.model import Problem
from reviewer.trust import Pin, digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reviewer.diff.blobs import Tree

RULES = ".reviewer/rules"
MOST_FILES = 500
_SUFFIXES = (".toml", ".py")
_FILES = (0o100644, 0o100755)


class _Object(Protocol):
    """What is asked of an object of git; a tree is iterated over, a blob has the rest."""

    name: str
    filemode: int
    type_str: str
    size: int
    data: bytes

    def __iter__(self) -> Iterator[_Object]: ...


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """One rule file of a commit."""

    repository: str
    path: str  # within the repository
    content: bytes

    @property
    def is_code(self) -> bool:
        """Whether it is Python, which runs only when it is trusted."""
        return self.path.endswith(".py")

    @property
    def pin(self) -> Pin:
        """What trusting this very content says."""
        return Pin(self.repository, self.path, digest(self.content))


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """The rule files of a commit, and what of them could not be read."""

    files: tuple[ProjectFile, ...] = ()
    problems: tuple[Problem, ...] = ()


def repository_of(tree: Tree) -> str:
    """The absolute path that the repository is trusted under."""
    at = tree.repository.workdir or tree.repository.path
    return str(Path(at).resolve())


def base_of(revisions: Sequence[str]) -> str | None:
    """The commit before a range, from the object ids that `commits.resolve` gives for it.

    None when the range goes back to the first commit, before which there are no rules.
    """
    return next((each[1:] for each in revisions if each.startswith("^")), None)


def project_files(tree: Tree, base: str) -> ProjectFiles:
    """The files FAMILY/NAME.toml and FAMILY/NAME.py of `.reviewer/rules/` in the commit `base`."""
    try:
        root = tree.repository.revparse_single(f"{base}:{RULES}")
        return _read(repository_of(tree), cast("_Object", root))
    except KeyError:  # no such commit, or it has no such directory
        return ProjectFiles()
    except Exception as error:  # the library's errors have no base that can be named without it
        what = f"cannot be read: {type(error).__name__}: {error}"
        return ProjectFiles((), (Problem(f"{base[:12]}:{RULES}", what),))


def _read(repository: str, root: _Object) -> ProjectFiles:
    files: list[ProjectFile] = []
    problems: list[Problem] = []
    for path, blob in _rule_files(root):
        if len(files) == MOST_FILES:
            problems.append(
                Problem(RULES, f"more than {MOST_FILES} rules; the others are left out")
            )
            break
        if blob.size > LONGEST_FILE:
            what = f"{blob.size} bytes; a rule has at most {LONGEST_FILE}"
            problems.append(Problem(path, what))
            continue
        files.append(ProjectFile(repository, path, blob.data))
    return ProjectFiles(tuple(files), tuple(problems))


def _rule_files(root: _Object) -> Iterator[tuple[str, _Object]]:
    for family in _named(root, "tree"):
        for blob in _named(family, "blob"):
            if blob.filemode in _FILES and blob.name.endswith(_SUFFIXES):
                yield f"{RULES}/{family.name}/{blob.name}", blob


def _named(tree: _Object, kind: str) -> Iterable[_Object]:
    if tree.type_str != "tree":
        return ()
    return (each for each in tree if each.type_str == kind and each.name[0] not in "_.")
