from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from reviewer.c.pattern import compile_pattern
from reviewer.c.source import Source
from reviewer.c.structs import NO_STRUCTS
from reviewer.c.units import units_of_hunks, units_of_text
from reviewer.diff.patch import Hunk, Row
from reviewer.errors import RuleError
from reviewer.model import Side

if TYPE_CHECKING:
    from reviewer.c.function import Function


def function(body: str) -> Function:
    lines = "".join(f"\t{line}\n" for line in body.splitlines())
    text = f"static int demo(struct table *t, struct peer *p)\n{{\n{lines}}}\n"
    units = units_of_text(text, range(1, 10_000))
    return Source("net/demo/peer.c", Side.NEW, units, NO_STRUCTS, whole=True).functions[0]


def cut(*rows: str) -> tuple[Function, ...]:
    hunk = Hunk(
        "static int demo(struct table *t)",
        10,
        10,
        tuple(Row("+", row, None, number) for number, row in enumerate(rows, 10)),
    )
    units = units_of_hunks((hunk,), Side.NEW)
    return Source("net/demo/peer.c", Side.NEW, units, NO_STRUCTS).functions


def found(pattern: str, body: str) -> list[tuple[int, dict[str, str]]]:
    """Row in the body (from 1) and texts bound, of each match."""
    matches = compile_pattern(pattern).match(function(body))
    return [(m.span.line - 2, {n: b.text for n, b in m.bindings.items()}) for m in matches]


def texts(pattern: str, body: str) -> list[dict[str, str]]:
    return [bound for _, bound in found(pattern, body)]


def test_a_call_binds_its_arguments_as_written() -> None:
    assert found("swap($A, $B)", "int old;\nswap(t->map, old);") == [
        (2, {"A": "t->map", "B": "old"})
    ]


def test_a_call_is_found_inside_other_expressions() -> None:
    body = "q = use(rcu_dereference(t->peer));\nreturn rcu_dereference(p->next) == NULL;"
    assert texts("rcu_dereference($P)", body) == [{"P": "t->peer"}, {"P": "p->next"}]


def test_other_functions_and_other_numbers_of_arguments_are_not_the_call() -> None:
    assert not found("swap($A, $B)", "swap(a);\nswap(a, b, c);\nswapped(a, b);\nt->swap(a, b);")


def test_white_space_and_comments_are_no_part_of_what_is_bound() -> None:
    assert texts("swap($A, $B)", "swap(t->map  /* ours */,\n     other[ 0 ]);") == [
        {"A": "t->map", "B": "other[ 0 ]"}
    ]


def test_dots_are_any_number_of_arguments() -> None:
    body = "walk(&t->idr);\nwalk(&t->idr, close_one);\nwalk(&t->idr, close_one, t);\nwalk();"
    assert texts("walk($IDR, ...)", body) == [{"IDR": "&t->idr"}] * 3
    assert len(found("walk(...)", body)) == 4
    assert texts("walk(..., $LAST)", body) == [
        {"LAST": "&t->idr"},
        {"LAST": "close_one"},
        {"LAST": "t"},
    ]
    assert texts("walk($A, ..., $B)", body) == [
        {"A": "&t->idr", "B": "close_one"},
        {"A": "&t->idr", "B": "t"},
    ]


def test_a_variable_that_occurs_twice_must_be_the_same_expression() -> None:
    body = "rcu_assign_pointer(t->a, get(t->a));\nrcu_assign_pointer(t->a, get(t->b));"
    assert found("rcu_assign_pointer($P, get($P))", body) == [(1, {"P": "t->a"})]


def test_underscore_stands_for_anything_and_binds_nothing() -> None:
    assert texts("list_add($_, $HEAD)", "list_add(&p->node, &t->list);") == [{"HEAD": "&t->list"}]
    assert len(found("copy($_, $_)", "copy(a, b);")) == 1


def test_an_iterator_macro_is_found_by_its_own_name() -> None:
    body = "list_for_each_entry(p, &t->list, node) {\n\tuse(p);\n}\nwhile (list_empty(&t->list))\n;"
    assert found("list_for_each_entry($POS, $HEAD, ...)", body) == [
        (1, {"POS": "p", "HEAD": "&t->list"})
    ]


def test_an_iterator_macro_is_not_a_while_loop() -> None:
    body = "list_for_each_entry(p, &t->list, node)\n\tuse(p);\nwhile (busy(t))\n\tcpu_relax();"
    assert found("while ($COND) $S;", body) == [(3, {"COND": "busy(t)", "S": "cpu_relax();"})]


def test_assignments_and_initialisers_are_both_found() -> None:
    body = "struct peer *q = t->peer;\np = t->peer;\np += 1;\nif ((p = t->next))\n\tuse(p);"
    assert texts("$P = $Q", body) == [
        {"P": "q", "Q": "t->peer"},
        {"P": "p", "Q": "t->peer"},
        {"P": "p", "Q": "t->next"},
    ]
    assert texts("$P = $B->peer", body) == [{"P": "q", "B": "t"}, {"P": "p", "B": "t"}]
    assert texts("$P += $N", body) == [{"P": "p", "N": "1"}]


def test_field_access_tells_pointers_from_objects() -> None:
    body = "a = t->peer;\nb = p.peer;"
    assert texts("$B->$F", body) == [{"B": "t", "F": "peer"}]
    assert texts("$B.$F", body) == [{"B": "p", "F": "peer"}]


def test_comparisons_and_operators_are_told_apart() -> None:
    body = "if (p == NULL || !t || p->n < 0)\n\treturn -EINVAL;"
    assert texts("$P == NULL", body) == [{"P": "p"}]
    assert texts("!$P", body) == [{"P": "t"}]
    assert texts("$N < 0", body) == [{"N": "p->n"}]
    assert not found("$N > 0", body)
    assert texts("-$E", body) == [{"E": "EINVAL"}]


def test_braces_around_one_statement_make_no_difference() -> None:
    body = (
        "if (!p)\n\treturn -ENOMEM;\nif (!t) {\n\treturn -EIO;\n}\n"
        "if (p) {\n\tuse(p);\n\treturn 1;\n}"
    )
    wanted = [(1, {"COND": "!p", "E": "-ENOMEM"}), (3, {"COND": "!t", "E": "-EIO"})]
    assert found("if ($COND) return $E;", body) == wanted
    assert found("if ($COND) { return $E; }", body) == wanted


def test_an_if_with_else_is_another_statement() -> None:
    body = "if (p)\n\treturn 1;\nelse\n\tuse(t);"
    assert not found("if ($C) return $E;", body)
    assert texts("if ($C) $S; else $T;", body) == [{"C": "p", "S": "return 1;", "T": "use(t);"}]


def test_a_semicolon_asks_for_a_call_whose_result_is_not_used() -> None:
    assert found("take($A);", "take(p);\nq = take(t);") == [(1, {"A": "p"})]
    assert len(found("take($A)", "take(p);\nq = take(t);")) == 2


def test_guards_are_found() -> None:
    body = "guard(mutex)(&t->lock);\nscoped_guard(spinlock, &p->lock) {\n\tuse(p);\n}"
    assert texts("guard(mutex)($L)", body) == [{"L": "&t->lock"}]
    assert not found("guard(rcu)($L)", body)
    assert texts("scoped_guard(spinlock, $L)", body) == [{"L": "&p->lock"}]


def test_a_literal_argument_must_be_that() -> None:
    body = 'kmalloc(n, GFP_KERNEL);\nkmalloc(n, GFP_ATOMIC);\nsay("a ... b", 1);\nsay("x", 1);'
    assert found("kmalloc($N, GFP_KERNEL)", body) == [(1, {"N": "n"})]
    assert found('say("a ... b", 1)', body) == [(3, {})]


def test_what_the_mail_hides_is_never_matched() -> None:
    for here in cut("\t}", "\tswap(t->map, other);", "\tif (t->busy &&"):
        conditions = compile_pattern("if ($C) $S;").match(here)
        assert all("__gap__" not in bound.text for m in conditions for bound in m.bindings.values())
        assert len(list(compile_pattern("swap($A, $B)").match(here))) == 1


def test_a_call_that_the_hunk_cuts_is_matched_only_as_far_as_it_is_seen() -> None:
    (here,) = cut("\tint ret;", "", "\tret = walk(&t->idr, close_one,")
    assert not list(compile_pattern("walk($IDR, $FN)").match(here))
    assert not list(compile_pattern("walk($IDR, $FN, $ARG)").match(here))
    (match,) = compile_pattern("walk($IDR, ...)").match(here)
    assert match.bindings["IDR"].text == "&t->idr"


def test_words_tell_where_a_pattern_cannot_match() -> None:
    pattern = compile_pattern("rcu_assign_pointer($B->peer, $V)")
    assert pattern.words == {"rcu_assign_pointer", "peer"}
    assert pattern.trigger == "rcu_assign_pointer"
    assert pattern.variables == {"B", "V"}
    assert compile_pattern("$P = $Q").trigger is None


@pytest.mark.parametrize(
    "text",
    [
        "swap($A $B)",
        "swap($A, $B",
        "swap($A, $B); swap($B, $A)",
        "} void other(void) {",
        "if ($C)",
        "",
        ";",
        "\N{LATIN SMALL LETTER E WITH ACUTE}($A)",
        "#define x",
    ],
)
def test_a_pattern_that_is_not_c_says_so(text: str) -> None:
    with pytest.raises(RuleError, match="not a C statement or expression"):
        compile_pattern(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("$A", "fits any name"),
        ("$A;", "fits any name"),
        ("swap($a, $B)", "capitals"),
        ("$A = ...", "arguments of a call only"),
        ("f(..., $A, ...)", "more than one"),
        ("f(" * 200 + ")" * 200, "at most 300"),
    ],
)
def test_a_pattern_that_means_nothing_says_why(text: str, wanted: str) -> None:
    with pytest.raises(RuleError, match=wanted):
        compile_pattern(text)


def test_hostile_code_takes_little_time() -> None:
    body = "x = " + "f(" * 3000 + "1" + ")" * 3000 + ";\n" + "swap(a->b, c);\n" * 3000
    here = function(body)
    start = time.process_time()
    for pattern in ("f($A)", "swap($A, $B)", "$P = $Q", "$A->$F", "if ($C) return $E;"):
        list(compile_pattern(pattern).match(here))
    assert time.process_time() - start < 3
