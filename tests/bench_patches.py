"""How fast patches are reviewed: `python tests/bench_patches.py MBOX[.gz]`.

Prints patches per CPU second, from raw mails to annotations with all shipped rules, in one process
and without a tree. As a reference, checkpatch.pl does 3.2 with one process a mail and 11.5 with one
process for all.
"""

from __future__ import annotations

import gzip
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reviewer.c.structs import NO_STRUCTS
from reviewer.diff.blobs import texts_of
from reviewer.diff.patch import parse
from reviewer.engine import review_patch
from reviewer.library import load_shipped
from reviewer.mail.mbox import split
from reviewer.mail.message import read
from reviewer.mail.thread import group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reviewer.rule import Rule


@dataclass(frozen=True, slots=True)
class Figures:
    """Patches, the CPU seconds they took together, and those of the slowest mail."""

    patches: int
    seconds: float
    slowest: float


def measure(data: bytes) -> Figures:
    """Review every mail of an mbox alone, as a hook would."""
    rules = load_shipped()
    patches, seconds, slowest = 0, 0.0, 0.0
    for raw in split(data):
        began = time.process_time()
        patches += _review(raw, rules)
        took = time.process_time() - began
        seconds, slowest = seconds + took, max(slowest, took)
    return Figures(patches, seconds, slowest)


def _review(raw: bytes, rules: Sequence[Rule]) -> int:
    patches = [p for revision in group([read(raw)]).revisions for p in revision.patches]
    for patch in patches:
        files = parse(patch.diff, patch.message_id, patch.diff_line, patch.flowed).files
        review_patch(patch, files, rules, lambda file: texts_of(file, None, {}), NO_STRUCTS)
    return len(patches)


def mails(path: Path) -> bytes:
    """The bytes of an mbox, unpacked."""
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def main() -> None:
    """Print the figures of one mbox."""
    figures = measure(mails(Path(sys.argv[1])))
    rate = figures.patches / figures.seconds
    print(f"{figures.patches} patches, {rate:.0f} per CPU second,", end=" ")
    print(
        f"{1000 * figures.seconds / figures.patches:.1f} ms each, {figures.slowest:.2f} s at most"
    )


if __name__ == "__main__":
    main()
