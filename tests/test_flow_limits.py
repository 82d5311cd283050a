"""The walk where the mail hides code, where a callee has the lock, and in hostile code."""

from __future__ import annotations

import time

import pytest

from reviewer.c.contract import given_away
from reviewer.c.flow import ExitKind
from tests.written import at, body, function, leaks, locks_at, shown, source


def test_after_a_gap_nothing_is_known_but_what_follows() -> None:
    found = shown(
        "\tx();",
        "",
        "\tmutex_lock(&b->lock);",
        "\tinside(b);",
        "\tmutex_unlock(&b->lock);",
        "\tafter(b);",
    )
    assert not locks_at(found, "x").known
    assert at(found, "inside") == ["b->lock"]
    assert not locks_at(found, "inside").known
    assert not locks_at(found, "after").surely_none


def test_the_end_of_a_hunk_is_no_exit() -> None:
    found = shown(
        "int f(struct box *b)",
        "{",
        "\tmutex_lock(&b->lock);",
        "\tif (b->x)",
        "\t\tgoto unlock;",
        section="",
    )
    assert leaks(found) == []
    assert not any(out.kind is ExitKind.END for out in found.flow.exits)


def test_a_leak_between_two_lock_calls_of_one_hunk_is_seen() -> None:
    found = shown(
        "\tmutex_lock(&b->lock);",
        "\tif (b->x)",
        "\t\treturn -EIO;",
        "\tmutex_unlock(&b->lock);",
        "\treturn 0;",
        "}",
    )
    assert leaks(found) == [("-EIO", "b->lock")]


def test_both_branches_of_a_preprocessor_condition_make_the_state_unknown() -> None:
    found = function(
        "int f(struct box *b)\n{\n\tspin_lock(&b->lock);\n#ifdef CONFIG_BOX\n\tif (b->x) {\n#else\n"
        "\tif (b->y) {\n#endif\n\t\tinside(b);\n\t}\n\tspin_unlock(&b->lock);\n\treturn 0;\n}\n"
    )
    assert leaks(found) == []


def test_what_the_walk_did_not_see_is_unknown() -> None:
    found, other = body("one();"), body("two();")
    assert not found.flow.at(other.calls[0].node).known


def test_a_callee_in_view_that_releases_explains_the_exit() -> None:
    found = source(
        "static void drop(struct box *b)\n{\n\tspin_unlock(&b->lock);\n}\n"
        "int f(struct box *b)\n{\n\tspin_lock(&b->lock);\n\tif (b->x) {\n\t\tdrop(b);\n"
        "\t\treturn 1;\n\t}\n\tspin_unlock(&b->lock);\n\treturn 0;\n}\n"
    )
    drop, f = found.functions
    (bad,) = f.flow.unbalanced()
    (held,) = bad.leaked
    assert given_away(f, bad, held, {"drop": drop}.get)
    assert not given_away(f, bad, held, lambda _: None)


def test_a_function_returned_under_the_lock_may_release_it() -> None:
    found = body(
        "spin_lock(&b->lock);",
        "if (b->x)",
        "\treturn finish(b);",
        "spin_unlock(&b->lock);",
        "return 0;",
    )
    (bad,) = found.flow.unbalanced()
    (held,) = bad.leaked
    assert given_away(found, bad, held, lambda _: None)


@pytest.mark.parametrize(
    "text",
    [
        "if (b->x) {\n" * 1000 + "spin_lock(&b->l);\n" + "}\n" * 1000,
        "spin_lock(&b->l);\nif (b->x) y();\n" + "else if (b->z) y();\n" * 1000,
        "spin_lock(&b->l);\nif (b->x" + " && b->x" * 3000 + ") return 1;\n",
        "spin_lock(&b->l);\nb" + "->next" * 2000 + " = 1;\n",
        "spin_lock(&b->l);\n" + "f(" * 2000 + "b" + ")" * 2000 + ";\n",
        "spin_lock(&b->l);\nif (b->x)\n\treturn 1;\nspin_unlock(&b->l);\n" * 1000,
        "".join(f"if (b->x{i}) spin_lock(&b->l{i});\n" for i in range(500)),
        "while (b->x) {\n" * 30 + "spin_lock(&b->l);\nif (b) break;\n" + "}\n" * 30,
        "l: " * 500 + "spin_lock(&b->l);\n",
        "x = " + "b ? spin_trylock(&b->l) : " * 500 + "1;\n",
    ],
)
def test_hostile_code_ends_in_time(text: str) -> None:
    begin = time.process_time()
    found = body(*text.splitlines())
    flow = found.flow
    assert flow.complete or not flow.exits
    assert time.process_time() - begin < 3


def test_what_was_given_up_answers_unknown() -> None:
    nested = "if (b->x) {\n" * 200 + "spin_lock(&b->l);\n" + "}\n" * 200
    found = body(*nested.splitlines())
    assert not found.flow.complete
    assert not found.flow.at(found.calls[0].node).known


@pytest.mark.parametrize(
    "line",
    [";\n\tgoto out;", "goto;", "return", "else x();", "case 1: break;", "out: }", "if () x();"],
)
def test_broken_code_gives_an_answer(line: str) -> None:
    found = body("spin_lock(&b->lock);", line, "out:", "spin_unlock(&b->lock);", "return 0;")
    assert found.flow.complete
