"""Lines of one text find their places in another by what is written in them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from reviewer.mail.quoting.align import How, Quoted, align, follow, index, is_weak, key

if TYPE_CHECKING:
    from collections.abc import Sequence

DOCUMENT = [
    "+static int lid_open(struct lid *l)",
    "+{",
    "+\tif (!l->hinge)",
    "+\t\treturn -EINVAL;",
    "+\tif (l->locked)",
    "+\t\treturn -EINVAL;",
    "+\tif (lid_is_stuck(l, LID_FRONT | LID_BACK))",
    "+\t\treturn -EINVAL;",
    "",
    "+\treturn lid_turn(l);",
    "+}",
]


def places(quoted: Sequence[str], document: Sequence[str] = DOCUMENT) -> list[int | None]:
    lines = [Quoted(key(line)) for line in quoted]
    found = align(lines, index(map(key, document)))
    return [place and place.at for place in found]


def test_white_space_of_any_kind_does_not_count() -> None:
    assert key("+\tif (a\u00a0== b) \u200b") == key("+  if(a==b)") == "+if(a==b)"
    assert places(["+ if ( !l->hinge )", "+\u00a0\u00a0if (l->locked)"]) == [2, 4]


def test_of_equal_lines_the_one_with_the_quoted_neighbours_is_meant() -> None:
    assert places(["+\tif (l->locked)", "+\t\treturn -EINVAL;"]) == [4, 5]
    stuck = "+\tif (lid_is_stuck(l, LID_FRONT | LID_BACK))"
    assert places([stuck, "+\t\treturn -EINVAL;", "+", "+\treturn lid_turn(l);"])[:2] == [6, 7]


def test_lines_that_were_left_out_between_quotes_do_not_matter() -> None:
    assert places([DOCUMENT[0], DOCUMENT[6], DOCUMENT[10]]) == [0, 6, 10]


def test_a_brace_below_a_known_line_is_the_one_that_stands_there() -> None:
    assert places([DOCUMENT[9], "+}"]) == [9, 10]


def test_a_weak_line_alone_is_a_guess() -> None:
    found = align([Quoted("+}")], index(["+}", "+int(a)", "+}"]))[0]
    assert found is not None
    assert found.how is How.GUESS
    only = align([Quoted("+}")], index(["+int(a)", "+}"]))[0]
    assert only is not None
    assert (only.at, only.how) == (1, How.FILLED)


def test_a_wrapped_line_and_its_rest_are_one_line_of_the_document() -> None:
    lines = [
        Quoted(key("+\tif (lid_is_stuck(l, LID_FRONT |")),
        Quoted(key("LID_BACK))"), opens=False),
        Quoted(key("not a rest"), opens=False),
    ]
    first, rest, other = align(lines, index(map(key, DOCUMENT)))
    assert first is not None
    assert rest is not None
    assert (first.at, first.how, rest.at, rest.how) == (6, How.WRAPPED, 6, How.TAIL)
    assert other is None


def test_a_line_that_lost_its_sign_or_its_end_is_found() -> None:
    assert places(["\tif (lid_is_stuck(l, LID_FRONT | LID_BACK))"]) == [6]
    assert places([DOCUMENT[4], "+\tif (lid_is_stuck(l, LID_FR", DOCUMENT[9]]) == [4, 6, 9]


def test_a_line_with_a_small_change_is_found_between_its_neighbours() -> None:
    mistyped = "+\tif (lid_is_stuck(l, LID_FRONT || LID_BACK))"
    assert places([DOCUMENT[4], mistyped, DOCUMENT[9]]) == [4, 6, 9]


def test_a_line_that_is_quoted_out_of_order_is_found() -> None:
    assert places([DOCUMENT[6], DOCUMENT[9], DOCUMENT[0]]) == [6, 9, 0]


def test_what_is_not_in_the_document_has_no_place() -> None:
    assert places(["Thanks for the patch, I like it.", ""]) == [None, None]
    assert align([], index([])) == ()


def test_code_is_followed_from_one_revision_to_the_next() -> None:
    old = [key(line[1:]) for line in DOCUMENT]
    changed = [*DOCUMENT[:4], "+\tif (READ_ONCE(l->locked))", *DOCUMENT[5:]]
    found = follow(old, index(key(line[1:]) for line in changed))
    assert [at for at, place in enumerate(found) if place is None] == [4, 8]
    assert [place.at for place in found if place] == [0, 1, 2, 3, 5, 6, 7, 9, 10]


def test_code_that_moved_up_is_followed_there() -> None:
    old = [f"line_{number}();" for number in range(8)]
    new = [old[6], *old[:6], old[7]]
    found = follow(old, index(new))
    assert [place and place.at for place in found] == [1, 2, 3, 4, 5, 6, 0, 7]
    assert found[6] is not None
    assert found[6].how is How.MOVED


@pytest.mark.parametrize("text", ["+}", "} else {", "+\tbreak;", " */", "", "+", "a;", "return;"])
def test_lines_that_stand_in_any_code_are_weak(text: str) -> None:
    assert is_weak(key(text))


def test_five_thousand_lines_are_placed_in_less_than_a_second() -> None:
    began = time.process_time()
    document = index(f"+x_{number % 900}();" for number in range(9000))
    for step in (1, 7, 900):
        align([Quoted(f"+x_{number * step % 900}();") for number in range(5000)], document)
    assert time.process_time() - began < 3  # for three documents, on a machine that is busy


def test_a_text_made_to_hurt_is_placed_in_time() -> None:
    began = time.process_time()
    same = index(["+" + "a" * 300] * 3000)
    align([Quoted("+" + "a" * 299 + "b")] * 3000, same)
    align([Quoted("+" + "a" * 1_000_000)] * 3, same)
    align([Quoted("+}")] * 20_000, index(["+}"] * 20_000))
    assert time.process_time() - began < 3
