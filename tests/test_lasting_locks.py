"""What stays held where the mail hides code: a lock that the patch brings, and a guard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.flow import ExitKind
from reviewer.c.function import function_of
from reviewer.c.units import units_of_hunks
from reviewer.diff.patch import parse
from reviewer.model import Side
from tests.written import PATH, at, locks_at, word

if TYPE_CHECKING:
    from reviewer.c.function import Function

TOP = (
    "@@ -10,3 +10,4 @@ int f(struct box *b)",
    " \tint err;",
    " ",
    "+\tmutex_lock(&b->lock);",
    " \tx();",
)
END = (
    "@@ -80,3 +82,4 @@ int f(struct box *b)",
    " \ty();",
    "+\tmutex_unlock(&b->lock);",
    " \treturn 0;",
    " }",
)


def patched(*hunks: tuple[str, ...]) -> Function:
    """The function of some hunks: each a header, and rows with their signs."""
    rows = [f"diff --git a/{PATH} b/{PATH}", f"--- a/{PATH}", f"+++ b/{PATH}"]
    rows += [row for hunk in hunks for row in hunk]
    units = units_of_hunks(parse("\n".join(rows) + "\n", "a test").files[0].hunks, Side.NEW)
    found = function_of(units[0], PATH, Side.NEW)
    assert found is not None
    return found


def between(*rows: str) -> tuple[str, ...]:
    """A hunk with a changed row between the two others."""
    return (f"@@ -40,{len(rows)} +41,{len(rows) + 1} @@ int f(struct box *b)", "+\tz();", *rows)


def test_hidden_code_does_not_release_a_lock_that_the_patch_brings() -> None:
    found = patched(TOP, between(" \tinside(b);", " \tp();", " \tq();"), END)
    assert at(found, "inside") == ["b->lock"]
    assert at(found, "y") == ["b->lock"]
    assert not locks_at(found, "inside").known
    assert found.flow.new == {("mutex_unlock", "b->lock")}


def test_an_old_return_between_leaks_it() -> None:
    found = patched(TOP, between(" \tif (err)", " \t\treturn err;", " \tq();"), END)
    leaks = [(out.value, word(held)) for out in found.flow.exits for held in out.leaked]
    assert leaks == [("err", "b->lock")]


def test_behind_its_last_release_it_is_not_held() -> None:
    found = patched(
        (*TOP, "+\tmutex_unlock(&b->lock);"), between(" \tafter(b);", " \tp();", " \tq();")
    )
    assert at(found, "after") == []


def test_a_lock_that_the_function_knew_may_be_released_in_hidden_code() -> None:
    known = (*TOP[:2], " \tmutex_lock(&b->lock);", TOP[3])
    found = patched(known, between(" \tinside(b);", " \tp();", " \tq();"), END)
    assert at(found, "inside") == []
    assert found.flow.new == frozenset()


def test_a_lock_that_the_patch_takes_elsewhere_is_not_new() -> None:
    moved = (TOP[0], "-\tmutex_lock(&b->lock);", *TOP[1:])
    found = patched(moved, between(" \tinside(b);", " \tp();", " \tq();"), END)
    assert at(found, "inside") == []


def test_the_lock_of_the_caller_is_not_new() -> None:
    dropped = (*TOP[:3], "+\tmutex_unlock(&b->lock);", "+\tsleep();", "+\tmutex_lock(&b->lock);")
    found = patched(dropped, between(" \tinside(b);", " \tp();", " \tq();"))
    assert at(found, "inside") == []


def test_a_lock_of_one_branch_ends_with_what_is_in_view() -> None:
    branch = (*TOP[:3], "+\tif (err)", "+\t\tspin_lock(&b->spin);", " \tx();")
    end = (*END[:2], "+\tif (err)", "+\t\tspin_unlock(&b->spin);", *END[3:])
    found = patched(branch, between(" \tinside(b);", " \tp();", " \tq();"), end)
    assert at(found, "inside") == []


def test_a_guard_of_the_whole_function_is_held_to_its_end() -> None:
    guard = (TOP[0], TOP[1], "+\tguard(mutex)(&b->lock);", TOP[3])
    found = patched(guard, between(" \tinside(b);", " \tp();", " \tq();"))
    assert at(found, "inside") == ["b->lock"]


def test_a_goto_to_a_hidden_label_is_told_apart_from_the_exits() -> None:
    found = patched(TOP, between(" \tif (err)", " \t\tgoto out;", " \tq();"), END)
    (jump,) = found.flow.jumps
    assert (jump.kind, jump.value, [word(held) for held in jump.leaked]) == (
        ExitKind.JUMP,
        "out",
        ["b->lock"],
    )
    assert all(out.kind is not ExitKind.JUMP for out in found.flow.exits)
