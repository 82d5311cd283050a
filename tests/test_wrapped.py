"""Diffs that a mailer wrapped or stuffed are read as they were sent."""

from __future__ import annotations

import pytest

from reviewer.diff.hunk_header import hunk_header, rows_end
from reviewer.diff.patch import Parsed, parse
from reviewer.diff.wrapped import repair, stuffed

# As a reply shows it: a wrapped header, stuffed context, blank context without its space, comment
# lines wrapped, and a last function whose signature is wrapped.
REPLY = """\
diff --git a/drivers/demo/slots.c b/drivers/demo/slots.c
index 3333333ccccc..4444444ddddd 100644
--- a/drivers/demo/slots.c
+++ b/drivers/demo/slots.c
@@ -80,6 +80,22 @@ int slots_release(struct slot_table *table, unsigned int
slot_number)
  \treturn ret;
  }

+int slots_release_everything(struct slot_table *table)
+{
+\tstruct idr previous;
+
+\t/*
+\t * Take the old map out and leave an empty one in its place while the
lock
+\t * is held, then let go of the entries.
+\t */
+\tidr_init(&previous);
+\tspin_lock(&table->lock);
+\tswap(table->slots, previous);
+\tspin_unlock(&table->lock);
+\tidr_destroy(&previous);
+\treturn 0;
+}
+
  struct slot *slots_lookup_and_get_reference(struct slot_table *table, int
slot_number)
  {
  \tstruct slot *slot;


Does that look right to you?
"""


def texts(parsed: Parsed) -> list[tuple[str, str]]:
    return [
        (row.sign, row.text) for file in parsed.files for hunk in file.hunks for row in hunk.rows
    ]


def whats(parsed: Parsed) -> list[str]:
    return [problem.what for problem in parsed.problems]


def hunk(header: str, *rows: str) -> str:
    return "\n".join(["--- a/x.c", "+++ b/x.c", header, *rows]) + "\n"


def test_a_wrapped_and_stuffed_reply_has_the_line_numbers_that_git_counts() -> None:
    (file,) = parse(REPLY, "mail").files
    numbers = {row.text: (row.old, row.new) for row in file.hunks[0].rows}
    assert numbers["\tswap(table->slots, previous);"] == (None, 93)
    assert numbers["\treturn ret;"] == (80, 80)
    assert numbers["\tstruct slot *slot;"] == (85, 101)


def test_tails_are_joined_to_their_rows_and_to_the_header() -> None:
    (file,) = parse(REPLY, "mail").files
    assert file.hunks[0].section == (
        "int slots_release(struct slot_table *table, unsigned int slot_number)"
    )
    rows = [row.text for row in file.hunks[0].rows]
    assert "\t * Take the old map out and leave an empty one in its place while the lock" in rows
    assert (
        "struct slot *slots_lookup_and_get_reference(struct slot_table *table, int slot_number)"
        in rows
    )


def test_a_repair_is_reported_once_with_the_mail_lines() -> None:
    assert whats(parse(REPLY, "mail", first_line=101)) == [
        "drivers/demo/slots.c: 3 lines wrapped by the mailer were joined "
        "(mail lines 106, 116, 128)",
        "context lines were stuffed with a space by the mailer; read without it",
    ]


def test_a_soft_break_keeps_its_space_and_gets_no_second_one() -> None:
    diff = hunk(
        "@@ -1,2 +1,2 @@",
        " a",
        "-b",
        '+\tpr_info("this line is long enough to be broken by a mailer " ',
        "NAME);",
    )
    assert texts(parse(diff, "mail"))[-1][1].endswith('mailer " NAME);')


def test_a_tail_that_begins_like_a_row_is_joined_when_the_counts_leave_no_choice() -> None:
    diff = hunk(
        "@@ -1,3 +1,4 @@",
        " a",
        " b",
        '+\tpr_info("%u of the identifiers are still free\\n", last_of_all',
        "- first_of_all + 1);",
        " c",
    )
    parsed = parse(diff, "mail")
    assert [sign for sign, _ in texts(parsed)] == [" ", " ", "+", " "]
    assert texts(parsed)[2][1].endswith("last_of_all - first_of_all + 1);")


def test_a_hunk_is_not_read_when_two_lines_may_be_the_tail() -> None:
    long = "+\tdemo_set_limits(device, requested_minimum_value, requested_maximum"
    diff = hunk("@@ -1,4 +1,5 @@", " a", " b", long, "- one);", long, "- two);", " c")
    parsed = parse(diff, "mail")
    assert texts(parsed) == []
    assert "; not read" in whats(parsed)[0]


def test_a_short_line_was_not_wrapped_so_what_follows_is_no_tail() -> None:
    diff = hunk("@@ -1,3 +1,4 @@", " a", "+\tshort();", "stray words", " b", " c")
    parsed = parse(diff + hunk("@@ -1 +1 @@", "-a", "+b").replace("x.c", "y.c"), "mail")
    assert [file.complete for file in parsed.files] == [False, True]


def test_the_backslash_of_a_wrapped_macro_is_not_lost() -> None:
    diff = hunk(
        "@@ -1,2 +1,3 @@",
        " #define demo_copy(to, from) do {\t\t\\",
        "+\tmemcpy((to), (from), sizeof(*(from)) + demo_extra_room(to)); ",
        "\\",
        " } while (0)",
    )
    assert texts(parse(diff, "mail"))[1][1].endswith("demo_extra_room(to)); \\")


def test_prose_right_after_the_last_row_is_not_code() -> None:
    diff = hunk(
        "@@ -1,2 +1,3 @@",
        " a",
        " b",
        "+\tdemo_release_all_of_the_things(device, &device->first_thing, 1);",
        "This should be enough to fix it.",
    )
    assert texts(parse(diff, "mail"))[-1][1].endswith("1);")


def test_the_last_row_is_joined_with_its_tail_when_it_is_unfinished() -> None:
    diff = hunk(
        "@@ -1,2 +1,2 @@",
        "-a",
        "+b",
        " static int demo_configure_channel(struct demo_device *device, unsigned",
        "int channel)",
        "",
        "What do you think?",
    )
    assert texts(parse(diff, "mail"))[-1][1].endswith("unsigned int channel)")


def test_a_wrapped_file_header_is_read() -> None:
    directory = "drivers/demo/a-directory-with-a-long-name/and-another"
    diff = (
        f"diff --git a/{directory}/pump.c\nb/{directory}/pump.c\n"
        f"similarity index 100%\nrename from\n{directory}/pump.c\nrename to\n{directory}/fan.c\n"
        + hunk("@@ -1 +1 @@", "-a", "b")
    )
    assert parse(diff, "mail").files[0].path == f"{directory}/fan.c"


def test_context_that_lost_its_first_space_is_read_when_the_counts_fit() -> None:
    diff = hunk("@@ -1,5 +1,6 @@", "int f(void)", "{", "+\tint a;", "\tg();", "\th();", "}")
    parsed = parse(diff, "mail")
    assert ("".join(sign for sign, _ in texts(parsed))) == "  +   "
    assert whats(parsed) == ["x.c: 5 context lines had lost their first space"]


def test_a_stuffed_diff_without_any_wrapped_line_is_unstuffed() -> None:
    diff = hunk("@@ -1,4 +1,5 @@", "  {", "  \tint a;", "+\tint b;", "", "  }")
    assert texts(parse(diff, "mail")) == [
        (" ", "{"),
        (" ", "\tint a;"),
        ("+", "\tint b;"),
        (" ", ""),
        (" ", "}"),
    ]


@pytest.mark.parametrize(
    ("context", "flowed", "want"),
    [
        ([" {", " \tint a;"], False, True),
        ([" {", "\tint a;"], True, False),
        ([" * a comment", " * of three", " */"], False, False),
        ([" * a comment", " * of three", " */"], True, False),
        ([" out:"], True, False),
        ([" out:", " \treturn;"], True, True),
        ([" obj-y += a.o"], True, True),
        ([" obj-y += a.o"], False, False),
        ([], True, False),
    ],
)
def test_stuffing_is_told_from_code_that_begins_with_a_space(
    context: list[str], flowed: bool, want: bool
) -> None:
    assert stuffed(context, flowed) is want


def test_tabs_turned_into_spaces_are_said_once() -> None:
    row = "        "
    diff = hunk("@@ -1,3 +1,4 @@", f" {row}a();", f" {row}b();", f"+{row}c();", " }")
    assert whats(parse(diff, "mail")) == ["white space mangled: the mailer turned tabs into spaces"]


def test_announced_rows_end_where_git_says() -> None:
    header = hunk_header("@@ -3 +3,2 @@ f")
    assert header is not None
    assert (header.old, header.new, header.section) == (1, 2, "f")
    assert rows_end(["", "+a", "\\ No newline at end of file", "+b"], 0, header) == 3
    assert rows_end(["+a", "+b", "+c"], 0, header) is None
    assert rows_end(["+a"], 0, header) is None


def test_what_cannot_be_repaired_says_why() -> None:
    header = hunk_header("@@ -1,3 +1,3 @@")
    assert header is not None
    result = repair(header, ["what", "is", "this"], 0, 3, last=False)
    assert result.rows == ()
    assert result.reason == "3 lines announced for the old side, 0 found; not read"
