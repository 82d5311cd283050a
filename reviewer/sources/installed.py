"""Rules of installed packages: the entry point group `reviewer.rules`.

The value of an entry point is the name of a package whose directory holds FAMILY/NAME.toml and
FAMILY/NAME.py:

    [project.entry-points."reviewer.rules"]
    acme = "acme_kernel_rules"

To install a package was the decision to run it. A package is found without importing it, and never
in the directory one stands in, which may be a tree under review.
"""

from __future__ import annotations

import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING

from reviewer.model import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from importlib.metadata import EntryPoint

GROUP = "reviewer.rules"


def installed_directories(cwd: Path) -> tuple[list[Path], list[Problem]]:
    """The directories of rules that packages bring, by the name of their entry point."""
    paths = _search_path(cwd)
    directories: list[Path] = []
    problems: list[Problem] = []
    for entry in sorted(_entries(paths), key=lambda each: (each.name, each.value)):
        directory = _directory(entry.value, paths)
        if directory is None:
            what = f"{entry.value!r} is no package that is installed"
            problems.append(Problem(f"entry point {entry.name} of {GROUP}", what))
        elif directory not in directories:
            directories.append(directory)
    return directories, problems


def _search_path(cwd: Path) -> list[str]:
    """Where packages are installed: the search path without the directory one stands in."""
    here = cwd.resolve()
    return [path for path in sys.path if Path(path).is_absolute() and Path(path).resolve() != here]


def _entries(paths: Sequence[str]) -> Iterator[EntryPoint]:
    for distribution in distributions(path=list(paths)):
        yield from distribution.entry_points.select(group=GROUP)


def _directory(name: str, paths: Sequence[str]) -> Path | None:
    """The directory of the package `a.b.c`: below that of `a`, which the import system finds."""
    top, *below = name.split(".")
    spec = _spec(top, paths) if top else None
    if spec is None or spec.submodule_search_locations is None:
        return None
    roots = (Path(root, *below) for root in spec.submodule_search_locations)
    return next((root for root in roots if root.is_dir()), None)


def _spec(name: str, where: Sequence[str]) -> ModuleSpec | None:
    """As the import system finds it, which for an editable install may be a finder of its own."""
    found = (finder.find_spec(name, where) for finder in sys.meta_path)
    return next((spec for spec in found if spec is not None), None)
