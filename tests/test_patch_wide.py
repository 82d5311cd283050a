"""A rule reads the other C files of the patch, on its own side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.structs import NO_STRUCTS
from reviewer.diff.blobs import texts_of
from reviewer.diff.patch import parse
from reviewer.engine import review_patch
from reviewer.mail.thread import Origin, Patch
from reviewer.model import Confidence, Finding, Severity, Side
from reviewer.rule import Rule
from tests.written import source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reviewer.c.source import Source

DIFF = "".join(
    f"diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n@@ -1,3 +1,3 @@\n"
    f" int {word}(void)\n-{{ return old_{word}(); }}\n+{{ return new_{word}(); }}\n \n"
    for name, word in (("one.c", "one"), ("two.h", "two"), ("Kconfig", "three"))
)


def test_every_c_file_of_the_patch_is_there_on_the_same_side() -> None:
    seen: list[tuple[str, Side, list[str], bool]] = []

    def look(one: Source) -> Iterable[Finding]:
        for other in one.patch:
            names = [call.name for each in other.functions for call in each.calls]
            seen.append((other.path, other.side, names, other is one))
        return ()

    words = frozenset({"new_one", "old_one"})
    rule = Rule("a title", Severity.NOTE, Confidence.LIKELY, "0.1", look, words, id="test/rule")
    patch = Patch("", "a subject", "", None, 1, 1, Origin.MAIL, "", DIFF, 1)
    files = parse(DIFF, "x").files
    review_patch(patch, files, (rule,), lambda file: texts_of(file, None, {}), NO_STRUCTS)
    assert seen == [
        ("one.c", Side.NEW, ["new_one"], True),
        ("two.h", Side.NEW, ["new_two"], False),
        ("one.c", Side.OLD, ["old_one"], True),
        ("two.h", Side.OLD, ["old_two"], False),
    ]


def test_a_source_alone_is_its_own_patch() -> None:
    alone = source("int f(void)\n{\n\treturn 0;\n}\n")
    assert alone.patch == (alone,)
