from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reviewer.declarative import read_rule
from reviewer.errors import RuleError
from reviewer.model import Status
from reviewer.testing import annotations_of, check_case, read_cases

if TYPE_CHECKING:
    from pathlib import Path

    from reviewer.fixture import Case
    from reviewer.rule import Rule

FENCE = "```"
HEAD = """
title = "swap() of a map"
severity = "error"
confidence = "likely"
since = "0.1"
explanation = "Readers see half of each."
message = "swap() stores $A"
match = "swap($A, $B)"
"""


def block(*lines: str, info: str = "diff path=net/demo/map.c") -> str:
    return "\n".join([f"{FENCE}{info}", *lines, FENCE, ""])


QUIET = """
# Another call

```diff path=net/demo/quiet.c
 static void quiet(struct table *t)
 {
+	exchange(t->map, t->old);
 }
```
"""


def rule(extra: str = "") -> Rule:
    return read_rule(HEAD + extra, "demo.toml", "demo/swap")


def fixture(tmp_path: Path, text: str, *, quiet: bool = True) -> list[Case]:
    path = tmp_path / "swap.md"
    path.write_text(text + (QUIET if quiet else ""), encoding="utf-8")
    return read_cases(path)


def case(tmp_path: Path, *lines: str, info: str = "diff path=net/demo/map.c") -> Case:
    """A case of one block, whose code is `lines` in the body of a function."""
    block = [f"{FENCE}{info}", " static void f(struct table *t)", " {", *lines, " }", FENCE]
    return fixture(tmp_path, "\n".join(["# A case", *block, WANTED]))[0]


WANTED = """
# It speaks

```diff path=net/demo/speaks.c
 static void g(struct table *t)
 {
+	swap(t->map, t->old);	/* want: swap() */
 }
```
"""


def error(tmp_path: Path, text: str) -> str:
    with pytest.raises(RuleError) as caught:
        fixture(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'swap.md'}")
    return message.removeprefix(str(tmp_path / "swap.md"))


def test_a_finding_where_it_is_wanted_is_right(tmp_path: Path) -> None:
    here = case(tmp_path, "+\tswap(t->map, t->old);\t/* want: stores t->map */")
    assert check_case(rule(), here) == []
    assert (here.speaks, here.quiet) == (True, False)


def test_a_missing_finding_is_named_with_line_and_text(tmp_path: Path) -> None:
    here = case(tmp_path, "+\texchange(t->map, t->old);\t/* want: stores t->map */")
    (failure,) = check_case(rule(), here)
    assert failure == (
        f"{tmp_path / 'swap.md'}:5: wanted introduced: 'stores t->map', found nothing"
    )


def test_a_finding_that_nothing_wants_is_named_with_line_and_text(tmp_path: Path) -> None:
    here = case(tmp_path, " \tprepare(t);", "+\tswap(t->map, t->old);")
    (failure,) = check_case(rule(), here)
    assert failure.startswith(f"{tmp_path / 'swap.md'}:6: no mark for introduced: ")
    assert "'swap() stores t->map' at '\\tswap(t->map, t->old);'" in failure


def test_another_text_shows_both(tmp_path: Path) -> None:
    here = case(tmp_path, "+\tswap(t->map, t->old);\t/* want: rcu_replace_pointer() */")
    failures = check_case(rule(), here)
    assert "wanted introduced: 'rcu_replace_pointer()', found introduced: 'swap() " in failures[0]


def test_marks_tell_old_findings_from_new_and_fixed_ones(tmp_path: Path) -> None:
    here = case(
        tmp_path,
        " \tswap(t->a, t->b);\t/* want preexisting: t->a */",
        "-\tswap(t->c, t->d);\t/* want fixed: t->c */",
        "+\tswap(t->e, t->f);\t/* want: t->e */",
    )
    assert check_case(rule(), here) == []
    statuses = [annotation.status for annotation in annotations_of(rule(), here)[0]]
    assert sorted(statuses) == [Status.FIXED, Status.INTRODUCED, Status.PREEXISTING]
    unmarked = case(tmp_path, " \tswap(t->a, t->b);", "+\tdone(t);")
    assert "no mark for preexisting" in check_case(rule(), unmarked)[0]


def test_rules_do_not_see_the_marks(tmp_path: Path) -> None:
    here = case(tmp_path, "+\tswap(t->map, t->old);   /* want: stores */ /* see: nothing */")
    (annotation,) = annotations_of(rule(), here)[0]
    assert annotation.finding.span.code == "\tswap(t->map, t->old);"


def test_evidence_must_be_marked_and_marks_must_be_evidence(tmp_path: Path) -> None:
    syncs = rule('when.calls = ["synchronize_rcu"]')
    swap = "+\tswap(t->map, t->old);\t/* want: t->map */"
    good = case(tmp_path, swap, "+\tsynchronize_rcu();\t/* see: is called here */")
    assert check_case(syncs, good) == []
    unmarked = case(tmp_path, swap, "+\tsynchronize_rcu();")
    (failure,) = check_case(syncs, unmarked)
    assert ":6: no mark for evidence 'synchronize_rcu() is called here'" in failure
    wrong = case(tmp_path, swap, "+\tsynchronize_rcu();\t/* see: waits */")
    assert ":6: wanted evidence 'waits', found 'synchronize_rcu() is" in check_case(syncs, wrong)[0]


def test_a_header_beside_the_patch_shows_its_structs(tmp_path: Path) -> None:
    header = block(
        "struct table {",
        "\tstruct map __rcu *map;\t/* see: declared __rcu */",
        "};",
        info="c path=net/demo/map.h",
    )
    prose = "The prose between the blocks says why.\n"
    speaks = WANTED.replace("\n```diff", f"\n{header}\n{prose}\n```diff")
    (here, _) = fixture(tmp_path, speaks)
    assert check_case(rule('where.A.declared = "__rcu"'), here) == []
    assert here.prose == (prose.strip(),)


def test_a_hunk_is_reviewed_as_mailed(tmp_path: Path) -> None:
    mailed = block(
        "@@ -310 +310 @@ static void f(struct table *t)",
        " \tprepare(t);",
        "+\tswap(t->map, t->old);\t/* want: t->map */",
        " \tfinish(t);",
        "@@ -400,2 +401,3 @@ static void g(struct table *t)",
        " \tprepare(t);",
        "+\tswap(t->old, t->map);\t/* want: t->old */",
        " \tfinish(t);",
        info="hunk path=net/demo/map.c",
    )
    (here, _) = fixture(tmp_path, f"# From a mail\n\n{mailed}")
    assert check_case(rule(), here) == []
    first, second = annotations_of(rule(), here)[0]
    assert (first.finding.span.line, first.finding.function) == (311, "f")
    assert (second.finding.span.line, second.finding.function) == (402, "g")


def test_a_rule_that_raises_fails_the_case(tmp_path: Path) -> None:
    from dataclasses import replace

    def check(_source: object) -> tuple[()]:
        raise ValueError("a bug of the rule")

    here = case(tmp_path, "+\tswap(t->map, t->old);")
    failures = check_case(replace(rule(), check=check), here)
    assert any("a bug of the rule" in failure for failure in failures)


GOOD = block("+int x;\t/* want: y */")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (GOOD, ":1: a block before the first `# Title`"),
        ("#\n" + GOOD, ":1: a case without title"),
        ("# A\n\nOnly words.\n", ":1: a case without a `diff` or `hunk` block: 'A'"),
        ("# A\n" + block("int x;", info="c path=a.h"), ":1: a case without a `diff`"),
        ("# A\n" + GOOD + "# A\n" + block("+int z;"), ":5: the same case as at line 1: 'A'"),
        ("# A\n" + GOOD + "# B\n" + GOOD, ":5: the same case as at line 1: 'B'"),
        ("# A\n" + GOOD + GOOD, ":1: two blocks of one path"),
        ("# A\n" + block("+x", info="dif path=a.c"), ":2: unknown kind of block 'dif';"),
        ("# A\n" + block("+x", info="diff"), ":2: wanted `diff path=FILE`, found 'diff'"),
        ("# A\n" + block("+x", info="diff file=a.c"), ":2: wanted `diff path=FILE`"),
        ("# A\n" + block(), ":2: an empty block"),
        ("# A\n" + block(" int x;"), ":2: the patch changes nothing"),
        ("# A\n" + block("+int x;", "int y;"), ":4: wanted a line that begins with ' ', + or -"),
        ("# A\n" + block("+int x;", info="hunk path=a.c"), ":3: wanted a hunk header"),
        ("# A\n```diff path=a.c\n+int x;\n", ":2: the block has no end; wanted a line ```"),
        ("# A\n" + block("-int x;\t/* want: y */"), ":3: `want` on a removed line"),
        ("# A\n" + block("-int x;\t/* want preexisting: y */"), ":3: `want` on a removed line"),
        ("# A\n" + block("+int x;\t/* want fixed: y */"), ":3: `want fixed` on an added line"),
        ("# A\n" + block("+int x;\t/* want fixd: y */"), ":3: unknown status 'fixd'; the nearest"),
        ("# A\n" + block("+int x;\t/* want */"), ":3: wanted `/* want: text */`"),
        ("# A\n" + block("+int x;\t/* see: */"), ":3: wanted `/* see: text */`"),
        ("# A\n" + block("+int x;\t/* see fixed: y */"), ":3: `see` has no status"),
        ("# A\n" + GOOD + block("int z;\t/* want: y */", info="c path=a.h"), ":6: `want` in a"),
    ],
)  # fmt: skip
def test_a_sloppy_fixture_is_refused(tmp_path: Path, text: str, wanted: str) -> None:
    assert error(tmp_path, text).startswith(wanted)


def test_a_fixture_needs_a_speaking_and_a_quiet_case(tmp_path: Path) -> None:
    assert error(tmp_path, "").startswith(": no case in which the rule speaks")
    with pytest.raises(RuleError, match="no case in which the rule is quiet"):
        fixture(tmp_path, WANTED, quiet=False)


def test_a_missing_fixture_is_named(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="cannot be read"):
        read_cases(tmp_path / "missing.md")
