"""C written in a test, as the functions that rules see; and its locks in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.function import function_of
from reviewer.c.source import Source
from reviewer.c.structs import structs_of
from reviewer.c.units import units_of_hunks, units_of_text
from reviewer.diff.patch import parse
from reviewer.model import Side

if TYPE_CHECKING:
    from reviewer.c.flow import Held, Locks
    from reviewer.c.function import Function

PATH = "drivers/demo/box.c"


def source(text: str) -> Source:
    """A whole file."""
    units = units_of_text(text, ())
    return Source(PATH, Side.NEW, units, structs_of(units, PATH, Side.NEW), whole=True)


def function(text: str) -> Function:
    """The last function of a file."""
    return source(text).functions[-1]


def body(*statements: str, header: str = "int f(struct box *b, struct box *c)") -> Function:
    """A function with this body."""
    return function(f"{header}\n{{\n" + "".join(f"\t{line}\n" for line in statements) + "}\n")


def shown(*rows: str, section: str = "int f(struct box *b)", line: int = 50) -> Function:
    """The function of one hunk; the rows are all added."""
    hunk = "".join(f"+{row}\n" for row in rows)
    header = f"@@ -{line},0 +{line},{len(rows)} @@ {section}\n"
    diff = f"diff --git a/{PATH} b/{PATH}\n--- a/{PATH}\n+++ b/{PATH}\n{header}{hunk}"
    units = units_of_hunks(parse(diff, "a test").files[0].hunks, Side.NEW)
    found = function_of(units[0], PATH, Side.NEW)
    assert found is not None
    return found


def word(held: Held) -> str:
    """`b->lock`, or the release of a lock without name; `(entry)` when the caller holds it."""
    return (held.key or held.family) + (" (entry)" if held.entry else "")


def words(locks: Locks) -> list[str]:
    """What is held on every path; what only some path holds has a `?`."""
    sure = {word(held) for held in locks.must}
    maybe = {f"{word(held)}?" for held in locks.may if held not in locks.must}
    return sorted(sure | {each for each in maybe if each[:-1] not in sure})


def at(found: Function, name: str) -> list[str]:
    """The locks at the call of that name."""
    return words(locks_at(found, name))


def locks_at(found: Function, name: str) -> Locks:
    """The answer for the call of that name."""
    (call,) = (call for call in found.calls if call.name == name)
    return found.flow.at(call.node)


def leaks(found: Function) -> list[tuple[str, str]]:
    """The exits that leave a lock held which is released elsewhere: (value, lock)."""
    return [
        (way_out.value, word(held))
        for way_out in found.flow.unbalanced()
        for held in sorted(way_out.leaked, key=word)
        if (held.family, held.key) in found.flow.released
    ]
