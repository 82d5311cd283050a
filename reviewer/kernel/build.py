"""Rebuild the tables of kernel facts from the user's own kernel tree.

What sleeps, what frees and what needs a lock changes from one release to the next. The shipped
tables are of Linux 6.12; a tree's own tables are written to a directory that
`reviewer.c.facts.use()` prefers.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reviewer.c import facts
from reviewer.c.structs import structs_of
from reviewer.c.unit import Kind
from reviewer.c.units import units_of_text
from reviewer.errors import FactsError
from reviewer.kernel.spread import FREES, SEEDS, Calls, freed, sleepers
from reviewer.kernel.text import ALLOCATES, definitions, gfp_place
from reviewer.model import Side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_SKIPPED = frozenset({"Documentation", "tools", "scripts", "samples", "usr", ".git", "dts"})
_LARGEST = 4_000_000  # bytes; only tables of registers are larger
_PROTOTYPE = re.compile(r"\b(\w+)\s*\(([^(){};]*\bgfp_t\b[^(){};]*)\)[^;{}()]*;")
_HOOKED = re.compile(r"#define\s+(\w+)\(\.\.\.\)\s+alloc_hooks\((\w+)\(__VA_ARGS__\)\)")
_VERSION = re.compile(r"^(?:VERSION|PATCHLEVEL)\s*=\s*(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Counts:
    """What a build has read and found."""

    version: str  # of the kernel, "6.12"
    files: int
    functions: int
    sleepers: int
    required_locks: int
    freed_arguments: int
    gfp_arguments: int
    rcu_fields: int


@dataclass
class _Found:
    """What has been gathered so far: it grows with the calls of a tree, not with its text."""

    calls: Calls = field(default_factory=Calls)
    functions: int = 0
    needs: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    gfp: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    hooked: dict[str, str] = field(default_factory=dict)
    rcu: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)


def build(
    tree: Path, out: Path, progress: Callable[[int, int], None] = lambda _done, _all: None
) -> Counts:
    """Read the kernel tree and write its tables to the directory `out`, which is made.

    Takes some three minutes of one CPU and half a gigabyte for a whole 6.12. `progress` is called
    with the number of files read, and of all. Raises FactsError when `tree` is no kernel tree, or
    `out` cannot be written.
    """
    version = _version(tree)
    files = sorted(_sources(tree))
    found = _Found()
    for number, path in enumerate(files):
        _read(found, number, path, path.relative_to(tree).as_posix())
        if number % 500 == 0:
            progress(number, len(files))
    progress(len(files), len(files))
    return _write(found, out, version, len(files))


def _version(tree: Path) -> str:
    try:
        numbers = _VERSION.findall((tree / "Makefile").read_text("utf-8", "replace")[:2000])
    except OSError:
        numbers = []
    if len(numbers) != 2 or not (tree / "include" / "linux").is_dir():
        raise FactsError(
            f"{tree}: no Makefile with a version beside include/linux; wanted a kernel tree"
        )
    return ".".join(numbers)


def _sources(tree: Path) -> Iterator[Path]:
    for folder, below, names in os.walk(tree):
        below[:] = [name for name in below if name not in _SKIPPED]
        yield from (Path(folder, name) for name in names if name.endswith((".c", ".h")))


def _read(found: _Found, number: int, path: Path, name: str) -> None:
    try:
        if path.stat().st_size > _LARGEST or path.is_symlink():
            return
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return  # a dangling link, or a file that went away: the others are still worth reading
    header = name.endswith(".h")
    defined = list(definitions(text, header))
    found.functions += len(defined)
    found.calls.add(number, defined)
    for each in defined:
        if not each.local:
            found.needs[each.name].update(each.needs)
            if each.gfp is not None:
                found.gfp[each.name].add(each.gfp)
    if header and "gfp_t" in text:
        for match in _PROTOTYPE.finditer(text):
            place = gfp_place(match[0], match[1])
            if place is not None:
                found.gfp[match[1]].add(place)
    if header and "alloc_hooks" in text:
        found.hooked.update(_HOOKED.findall(text.replace("\\\n", " ")))
    if "__rcu" in text:
        _rcu_fields(found, text, name)


def _rcu_fields(found: _Found, text: str, name: str) -> None:
    units = [u for u in units_of_text(text, ()) if u.kind is Kind.STRUCT and "__rcu" in u.text]
    for struct, fields in structs_of(units, name, Side.NEW).fields.items():
        for each in fields.values():
            if each.type.rcu and each.type.pointer == 1 and not each.type.array:
                found.rcu.setdefault((struct, each.name), (each.type.name, name))


def _write(found: _Found, out: Path, version: str, files: int) -> Counts:
    gfp = {name: min(places) for name, places in found.gfp.items() if len(places) == 1}
    gfp |= {name: gfp[inner] for name, inner in found.hooked.items() if inner in gfp}
    gfp = {**facts.shipped_gfp_arguments(), **gfp}
    sleeping = {name: level for name, level in sleepers(found.calls).items() if name not in gfp}
    # Some sleep in macros, in loops or behind a pointer: what is known of them does not change.
    sleeping |= dict.fromkeys(facts.shipped_sleepers(0) | (SEEDS - {ALLOCATES}), 0)
    releasing = {**freed(found.calls), **FREES}
    needs = {name: locks for name, locks in found.needs.items() if locks}
    tables: dict[str, Iterable[str]] = {
        "may_sleep.tsv": _grouped(sleeping),
        "freed_arguments.tsv": _grouped(releasing),
        "required_locks.tsv": (f"{n}\t{' '.join(sorted(needs[n]))}" for n in sorted(needs)),
        "gfp_arguments.tsv": (f"{name}\t{gfp[name]}" for name in sorted(gfp)),
        "rcu_fields.tsv": ("\t".join((*k, *found.rcu[k])) for k in sorted(found.rcu)),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, rows in tables.items():
            _replace(out / name, [f"# Built from Linux {version} by reviewer.", *rows])
        _replace(out / facts.MARK, [f"{facts.FORMAT} {version}"])
    except OSError as error:
        raise FactsError(f"{out}: cannot write the tables: {error.strerror}") from None
    sizes = (len(sleeping), len(needs), len(releasing), len(gfp), len(found.rcu))
    return Counts(version, files, found.functions, *sizes)


def _grouped(numbers: Mapping[str, int]) -> Iterator[str]:
    for number in sorted(set(numbers.values())):
        names = sorted(name for name, each in numbers.items() if each == number)
        yield f"{number}\t{' '.join(names)}"


def _replace(path: Path, rows: list[str]) -> None:
    """Write a file so that who reads it at the same time sees the old one or the new one."""
    partial = path.with_suffix(".partial")
    partial.write_text("\n".join(rows) + "\n", encoding="ascii", errors="replace")
    partial.replace(path)
