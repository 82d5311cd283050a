"""From hunks and whole files to units: what the reader of a patch gains."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from reviewer.c.hunks.faults import unit_errors
from reviewer.c.unit import GAP, Kind, Unit
from reviewer.c.units import units_of_hunks, units_of_text
from reviewer.diff.patch import Hunk, Row
from reviewer.model import Side

BENCHMARK = Path(__file__).parent / "bench_units.py"
MAILS = Path(__file__).parents[2] / "shared" / "cases" / "mail.mbox.gz"


def hunk(section: str, text: str, start: int = 100) -> Hunk:
    """A hunk from lines with their signs."""
    rows = []
    old = new = start
    for line in text.strip("\n").split("\n"):
        sign, code = line[:1] or " ", line[1:]
        rows.append(Row(sign, code, None if sign == "+" else old, None if sign == "-" else new))
        old += sign != "+"
        new += sign != "-"
    return Hunk(section, start, start, tuple(rows))


def only(text: str, section: str = "", side: Side = Side.NEW, start: int = 100) -> Unit:
    (unit,) = units_of_hunks([hunk(section, text, start)], side)
    return unit


def kinds(unit: Unit) -> list[str]:
    """Node types around the first changed row, innermost first."""
    row = min(unit.changed)
    text = unit.masked.split("\n")[row]
    point = (row, len(text) - len(text.lstrip()))
    node = unit.tree.root_node.descendant_for_point_range(point, point)
    found = []
    while node is not None:
        found.append(node.type)
        node = node.parent
    return found


def is_readable(unit: Unit) -> bool:
    assert len(unit.masked) == len(unit.text)
    assert unit.masked.isascii()
    assert [len(row) for row in unit.masked.split("\n")] == [
        len(row) for row in unit.text.split("\n")
    ]
    assert unit.text.count("\n") == len(unit.lines)
    return not unit_errors(unit)


def test_a_hunk_inside_a_function_reads_as_that_function() -> None:
    unit = only(
        """
 \tif (!w)
 \t\treturn NULL;
+\tspin_lock(&w->lock);
 \tw->used++;
""",
        "static struct widget *widget_get(struct pool *p, int id)",
    )
    assert (unit.kind, unit.name) == (Kind.FUNCTION, "widget_get")
    assert is_readable(unit)
    assert unit.lines[min(unit.changed)] == 102


def test_the_old_side_shows_what_was_there_with_its_own_numbers() -> None:
    text = "\n \ta();\n-\told();\n+\tnew();\n+\tnewer();\n \tb();\n"
    unit = only(text, "int f(void)", Side.OLD)
    assert "old();" in unit.text
    assert "new();" not in unit.text
    assert [unit.lines[row] for row in unit.changed] == [101]


def test_a_brace_is_closed_by_the_block_of_its_column() -> None:
    unit = only(
        """
 \t\t\tfirst();
 \t\t} else {
+\t\t\tsecond();
 \t\t}
 \t}
 \treturn 0;
 }
""",
        "int f(struct x *a)",
    )
    assert is_readable(unit)
    assert "else_clause" in kinds(unit)
    assert f"if ({GAP}) {{" in unit.text


def test_code_whose_condition_is_not_shown_never_looks_unconditional() -> None:
    unit = only("\n \t\t\ta();\n+\t\t\tb();\n \t\t\tc();\n", "int f(struct x *a)")
    assert is_readable(unit)
    assert "if_statement" in kinds(unit)


def test_a_return_above_shallower_code_does_not_end_the_function() -> None:
    unit = only("\n \t\treturn NULL;\n+\tuse(p);\n", "void *f(struct x *a)")
    assert is_readable(unit)
    first = unit.text.index(f"if ({GAP})")
    assert first < unit.text.index("return NULL")


def test_the_end_of_a_hunk_is_not_the_end_of_the_function() -> None:
    unit = only("\n \ta();\n+\tb();\n", "void f(void)")
    assert unit.lines[-1] is None
    assert unit.text.rstrip().endswith(f"{GAP}; }}")


def test_an_item_that_ends_in_the_hunk_gets_no_gap_at_its_end() -> None:
    unit = only("\n \ta();\n+\tb();\n }\n", "void f(void)")
    assert unit.lines[-1] is not None


def test_two_hunks_of_one_function_are_one_unit_with_a_gap() -> None:
    section = "static int widget_start(struct widget *w)"
    first = hunk(section, "\n \ta();\n+\tb();\n \tc();\n", 10)
    second = hunk(section, "\n \td();\n+\te();\n }\n", 40)
    (unit,) = units_of_hunks([first, second], Side.NEW)
    assert is_readable(unit)
    assert [unit.lines[row] for row in sorted(unit.changed)] == [11, 41]
    assert None in unit.lines[unit.lines.index(11) : unit.lines.index(41)]


def test_hunks_of_two_functions_stay_apart() -> None:
    first = hunk("int f(void)", "\n \ta();\n+\tb();\n", 10)
    second = hunk("int g(void)", "\n \td();\n+\te();\n", 40)
    assert [unit.name for unit in units_of_hunks([first, second], Side.NEW)] == ["f", "g"]


def test_a_function_that_begins_in_the_first_hunk_goes_on_in_the_second() -> None:
    first = hunk("", "\n int f(int a)\n {\n \tif (a) {\n+\t\tb();\n", 10)
    second = hunk("int f(int a)", "\n \t\tc();\n+\t\td();\n \t}\n }\n", 17)
    (unit,) = units_of_hunks([first, second], Side.NEW)
    assert (unit.name, is_readable(unit)) == ("f", True)


def test_a_stale_section_header_does_not_name_the_next_function() -> None:
    units = units_of_hunks(
        [hunk("int f(void)", "\n \n+int g(void)\n+{\n+\treturn 1;\n+}\n")], Side.NEW
    )
    assert [unit.name for unit in units] == ["g"]


def test_a_signature_that_begins_in_the_section_header_is_completed() -> None:
    unit = only(
        """
 \t\t     struct thing *t)
 {
+\treturn t->count;
 }
""",
        "static int thing_count(struct owner *o,",
    )
    assert (unit.name, is_readable(unit)) == ("thing_count", True)
    assert unit.tree.root_node.children[0].type == "function_definition"


def test_a_body_below_the_header_is_no_inner_block() -> None:
    unit = only("\n {\n \tint a;\n+\tb();\n }\n", "static int f(struct owner *o, int a, struct ver")
    assert is_readable(unit)
    assert "if_statement" not in kinds(unit)


@pytest.mark.parametrize(
    ("section", "text", "kind", "name"),
    [
        ("struct widget {", "\n \tint a;\n+\tint b;\n };\n", Kind.STRUCT, "widget"),
        ("enum state {", "\n \tON,\n+\tOFF,\n };\n", Kind.ENUM, "state"),
        ("static const int t[] = {", "\n \t1,\n+\t2,\n };\n", Kind.INITIALISER, "t"),
        ("", "\n \t.open = f,\n+\t.close = g,\n };\n", Kind.INITIALISER, None),
        (
            "SYSCALL_DEFINE2(probe, int, a, int, b)",
            "\n \tx();\n+\ty();\n }\n",
            Kind.FUNCTION,
            "probe",
        ),
    ],
)
def test_the_kind_of_what_a_hunk_shows_is_known(
    section: str, text: str, kind: Kind, name: str | None
) -> None:
    unit = only(text, section)
    assert (unit.kind, unit.name, is_readable(unit)) == (kind, name, True)


@pytest.mark.parametrize(
    "text",
    [
        "\n \t    b, c)) {\n+\t\td();\n \t}\n",
        "\n \t\t  i < n; i++) {\n+\t\td();\n \t}\n",
        "\n \t    || b)\n+\t\td();\n \telse\n \t\te();\n",
        "\n \t\t   c);\n \telse\n+\t\te();\n",
        "\n \t\t? b : c;\n+\te();\n",
        "\n+\tx = a +\n",
        "\n+\tif (a &&\n+\t    b)\n",
        "\n+\tfor (i = 0;\n",
        "\n+\tcall(a,\n",
        "\n+\tx = a ?\n",
        "\n \t} while (a);\n+\tb();\n",
        "\n+\tstruct s x = {\n+\t\t.a = 1,\n",
        "\n \tcase 1:\n+\t\ta();\n \t\tbreak;\n \tdefault:\n",
        "\n+out:\n",
        "\n \telse\n+\t\ta();\n",
        "\n \t */\n+\ta();\n \t/* begins\n",
        "\n \tsaid, \\\n \tmore)\n \n+\ta();\n",
    ],
)
def test_a_statement_cut_by_the_edge_of_a_hunk_is_completed(text: str) -> None:
    assert is_readable(only(text, "static int f(struct x *a)"))


def test_branches_that_cannot_stand_together_are_reduced_to_the_one_the_patch_touches() -> None:
    unit = only(
        """
 int f(void)
 {
 #ifdef A
 \tif (a) {
 #else
+\tif (b) {
 #endif
 \t\tc();
 \t}
 }
"""
    )
    assert is_readable(unit)
    assert "if (b)" in unit.masked
    assert "if (a)" not in unit.masked
    assert [unit.lines[row] for row in unit.unread] == [103]


def test_branches_that_are_both_kept_are_marked() -> None:
    unit = only("\n int f(void)\n {\n #ifdef A\n \treturn 1;\n #else\n+\treturn 2;\n #endif\n }\n")
    assert is_readable(unit)
    assert [unit.lines[row] for row in sorted(unit.alternatives)] == [103, 105]


def test_a_macro_body_is_not_read_as_code() -> None:
    units = units_of_hunks(
        [hunk("", "\n+#define twice(x) \\\n+\tdo { x; x; \\\n+\t} while (0)\n \n int a;\n")],
        Side.NEW,
    )
    assert [unit.text.strip() for unit in units] == ["int a;"]


def test_a_hunk_of_comments_has_no_units() -> None:
    assert units_of_hunks([hunk("int f(void)", "\n * words\n+ * more words\n")], Side.NEW) == ()


def test_a_whole_file_is_its_items_by_line_number() -> None:
    text = "#include <a.h>\n\nstruct s {\n\tint a;\n};\n\nint f(void)\n{\n\treturn 1;\n}\n"
    record, function = units_of_text(text, {9})
    assert (record.kind, record.name, record.lines[0]) == (Kind.STRUCT, "s", 3)
    assert (function.kind, function.name) == (Kind.FUNCTION, "f")
    assert [function.lines[row] for row in function.changed] == [9]
    assert is_readable(function)


def test_an_unreadable_item_does_not_reach_the_next() -> None:
    text = "int f(void)\n{\n\tif (((\n}\n\nint g(void)\n{\n\treturn 1;\n}\n"
    broken, whole = units_of_text(text, ())
    assert unit_errors(broken)
    assert is_readable(whole)
    assert whole.name == "g"


def test_the_rows_that_cannot_be_read_are_named() -> None:
    unit = only("\n int f(void)\n {\n \ta();\n+\tb = ;\n \tc();\n }\n")
    assert [unit.lines[row] for row in unit_errors(unit)] == [103]


HOSTILE = {
    "rows": ["\tf(a, b);"] * 10_000,
    "openers": ["\tif (x) {"] * 10_000,
    "closers": ["\t}"] * 10_000,
    "nested": ["\t" * at + "if (x) {" for at in range(1000)]
    + ["\t" * at + "}" for at in reversed(range(1000))],
    "long line": ["x" * 1_000_000],
    "long lines": ["f(" * 9_000] * 10,
    "controls": ["\x00\x1b[31m\r f(a); \x7f"] * 1000,
    "conditions": ["#if A"] * 3000 + ["#else", "x", "#endif"] * 3000,
    "chain": ["\telse if (x)"] * 5000,
    "strings": ['\ta = "b \\'] * 3000,
    "operators": ["\t" + "< > - ~ , / % ^ | = " * 900 + ";"] * 10,
    "calls": ["\tf(a"] * 5000,
    "not ascii": ["\tgr\u00fc\u00df(\U0001f600, \ud800);"] * 100,
    "row with a break": ["\ta();\n\tb();"],
    "nothing": [""],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_rows_end_soon_and_keep_their_shape(name: str) -> None:
    rows = tuple(Row("+", text, None, 5 + at) for at, text in enumerate(HOSTILE[name]))
    begun = time.process_time()
    for section in ("", "static int f(struct x *a,"):
        for unit in units_of_hunks([Hunk(section, 5, 5, rows)] * 2, Side.NEW):
            assert len(unit.masked) == len(unit.text)
            assert unit.masked.isascii()
            assert unit.text.count("\n") == len(unit.lines)
            unit_errors(unit)
    assert time.process_time() - begun < 4


def test_a_line_that_is_too_long_is_said_to_be_unread() -> None:
    rows = (Row("+", "\ta();", None, 5), Row("+", "x" * 30_000, None, 6))
    (unit,) = units_of_hunks([Hunk("int f(void)", 5, 5, rows)], Side.NEW)
    assert [unit.lines[row] for row in unit.unread] == [6]


@pytest.mark.skipif(not MAILS.exists(), reason="the mails are not here")
def test_real_mails_are_read_as_well_as_promised() -> None:
    command = [sys.executable, str(BENCHMARK), str(MAILS), "--check"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    print(run.stdout)
    assert (run.returncode, run.stderr) == (0, "")
