"""What the comment above a function says of its caller keeps the rules from asking for a lock."""

from __future__ import annotations

import time

import pytest

from reviewer.c.comment import LONGEST, Said, comment_above, said_held
from reviewer.c.flow import Kind
from reviewer.c.function import Function, function_of
from reviewer.c.unit import Kind as UnitKind
from reviewer.c.units import units_of_hunks, units_of_text
from reviewer.diff.patch import Hunk, Row
from reviewer.model import Side
from tests.written import locks_at

CODE = "static void demo_walk(struct demo *d)\n{\n\tinside();\n}\n"


def last(text: str) -> Function:
    unit = [each for each in units_of_text(text, ()) if each.kind is UnitKind.FUNCTION][-1]
    found = function_of(unit, "a.c", Side.NEW)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "comment",
    [
        "Caller must hold d->lock.",
        "demo_walk() - walk\n * @d: a thing\n *\n * Context: d->lock held",
        "Must be called with demo_mutex held",
        "called under the bridge lock",
        "must be protected by demo_idr_mutex",
        "Locking: demo_sem is held for write",
        "The caller locks the socket for us.",
        "Call with exclusively locked inode",
        "this list is serialized by the driver core",
        "The caller should be protected by RCU, or RTNL",
    ],
)
def test_where_the_caller_holds_a_lock_nobody_says_that_none_is_held(comment: str) -> None:
    locks = locks_at(last(f"/* {comment} */\n{CODE}"), "inside")
    assert not locks.surely_none
    assert [each.kind for each in locks.may] == [Kind.OTHER]
    assert not locks.must


@pytest.mark.parametrize(
    "comment",
    [
        "Must be called with rcu_read_lock() held.",
        "Caller holds the RCU read lock",
        "called inside of an RCU protected region",
    ],
)
def test_a_reader_section_of_the_caller_is_one_and_no_lock(comment: str) -> None:
    locks = locks_at(last(f"/* {comment} */\n{CODE}"), "inside")
    assert [each.kind for each in locks.may] == [Kind.RCU]
    assert not locks.must


@pytest.mark.parametrize(
    "comment",
    [
        "Must not be called with d->lock held",
        "Caller must NOT hold the spinlock.",
        "Returns with d->lock held.",
        "Walks the blocks in use and the blocks on hold.",
        "Call without the lock held.",
        "the number of blocks that hold data",
        "Releases d->lock on the way.",
        "",
    ],
)
def test_a_comment_that_says_no_such_thing_changes_nothing(comment: str) -> None:
    assert said_held(comment) is Said.NOTHING
    assert locks_at(last(f"/* {comment} */\n{CODE}"), "inside").surely_none


def test_a_lock_that_the_code_names_needs_no_comment() -> None:
    code = "static void f(struct demo *d)\n{\n\tspin_unlock(&d->lock);\n\tinside();\n}\n"
    assert locks_at(last(f"/* Called with d->lock held. */\n{code}"), "inside").surely_none


@pytest.mark.parametrize("above", ["int x;\n", "EXPORT_SYMBOL(x);\n\n", "}\n", "", "#define X 1\n"])
def test_the_comment_is_the_functions_whatever_stands_above_it(above: str) -> None:
    assert last(f"{above}/**\n * Caller holds it.\n */\n{CODE}").comment == "Caller holds it."


def test_comments_one_under_the_other_are_read_together() -> None:
    found = last(f"int x;\n/* First. */\n/* Second. */\n#ifdef CONFIG_X\n{CODE}#endif\n")
    assert found.comment == "First. Second."


def test_what_stands_apart_or_on_a_line_of_code_is_not_of_the_function() -> None:
    assert last(f"/* License. */\n\n{CODE}").comment == ""
    assert last(f"int x; /* of x */\n{CODE}").comment == ""
    assert last(CODE.replace("inside();", "inside(); /* inner */")).comment == ""


def test_a_hunk_gives_as_much_of_the_comment_as_it_shows() -> None:
    lines = [" * whatever.", " * Must be called with d->lock held.", " */", *CODE.splitlines()]
    rows = tuple(Row(" ", line, at, at) for at, line in enumerate(lines, 100))
    (unit,) = units_of_hunks([Hunk("struct demo;", 100, 100, rows)], Side.NEW)
    found = function_of(unit, "a.c", Side.NEW)
    assert found is not None
    assert found.comment == "whatever. Must be called with d->lock held."
    assert found.first_line == 100


def test_a_function_whose_beginning_is_not_shown_has_none() -> None:
    rows = tuple(Row(" ", line, at, at) for at, line in enumerate(("\tone();", "\ttwo();"), 9))
    (unit,) = units_of_hunks([Hunk("static void f(struct demo *d)", 9, 9, rows)], Side.NEW)
    found = function_of(unit, "a.c", Side.NEW)
    assert found is not None
    assert found.comment == ""


@pytest.mark.parametrize("line", [" * with with with hold ", " * the lock, the lock", " * #if X"])
def test_a_long_comment_costs_little_and_is_cut(line: str) -> None:
    began = time.process_time()
    found = last("int x;\n/*\n" + f"{line}\n" * 4_000 + f" */\n{CODE}")
    said_held(found.comment)
    assert 0 < len(found.comment) <= LONGEST
    assert time.process_time() - began < 2


@pytest.mark.parametrize("line", ["*/", "/*", "/**/", "//", "/*/", "#if", "", "*"])
def test_no_text_above_a_function_is_read_for_long(line: str) -> None:
    text = f"{line}\n" * 100_000
    began = time.process_time()
    assert len(comment_above(text, len(text))) <= LONGEST
    units_of_text(f"int x;\n{text}{CODE}", ())
    assert time.process_time() - began < 2
