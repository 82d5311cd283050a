"""Where two hunks are apart only by rows of one comment, a rule sees the code around it as one."""

from __future__ import annotations

import pytest

from reviewer.c.unit import GAP
from reviewer.c.units import units_of_hunks
from reviewer.diff.patch import parse
from reviewer.model import Side

_ROWS = (
    "--- a/drivers/demo/x.c",
    "+++ b/drivers/demo/x.c",
    "@@ -10,5 +10,6 @@ static int demo_add(struct demo *d)",
    " {",
    "+\tdemo_begin(d);",
    " \tdemo_check(d);",
    " ",
    " \t/*",
    " \t * Only a pause may be taken over.",
)
_REST = (" \t */", "+\tdemo_take(d);", " \tdemo_add_one(d);", " \treturn 0;")


def _between(start: int, first: str) -> str:
    """The code between the two new calls, of hunks of which the second begins at that line."""
    head = f"@@ -{start},4 +{start + 1},5 @@ static int demo_add(struct demo *d)"
    mail = "\n".join((*_ROWS, head, first, *_REST, ""))
    hunks = parse(mail, "<a@example.org>").files[0].hunks
    (unit,) = units_of_hunks(hunks, Side.NEW)
    return unit.masked.partition("demo_begin")[2].partition("demo_take")[0]


def test_a_gap_within_a_comment_hides_no_code() -> None:
    """The calls on both sides of the comment follow each other for certain."""
    assert GAP not in _between(16, " \t * The old state comes back.")


@pytest.mark.parametrize(
    ("start", "first"),
    [
        pytest.param(19, " \t * The old state comes back.", id="room for code between"),
        pytest.param(16, " \tdemo_stop(d);", id="code where it goes on"),
        pytest.param(16, " \t/* Another one.", id="a comment that begins"),
    ],
)
def test_a_gap_that_may_hide_code_stays_one(start: int, first: str) -> None:
    """Nothing is taken for certain across it."""
    assert GAP in _between(start, first)
