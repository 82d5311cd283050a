"""What can run after a place in a function."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reviewer.c.after import (
    Success,
    always,
    between,
    dominated,
    exits_without,
    on_every_path,
    reachable,
    reassigns,
    succeeded,
)
from tests.written import body, function, shown

if TYPE_CHECKING:
    from tree_sitter import Node

    from reviewer.c.function import Function


def call(found: Function, name: str) -> Node:
    (each,) = (each.node for each in found.calls if each.name == name)
    return each


def calls_after(found: Function, name: str, stop: str = "", of: str | None = None) -> list[str]:
    """The calls that can run after the call of that name."""
    names = {each.node.id: each.name for each in found.calls}
    nodes = reachable(found, call(found, name), lambda node: names.get(node.id, "?") == stop, of=of)
    return [names[node.id] for node in nodes if node.id in names]


def exits(found: Function, name: str, wanted: str) -> list[str]:
    names = {each.node.id: each.name for each in found.calls}
    nodes = exits_without(found, call(found, name), lambda node: names.get(node.id) == wanted)
    return [found.text(node) for node in nodes]


def passes(found: Function, name: str, wanted: str) -> bool:
    names = {each.node.id: each.name for each in found.calls}
    return always(found, call(found, name), lambda node: names.get(node.id) == wanted)


def test_what_follows_runs_after_and_what_precedes_does_not() -> None:
    assert calls_after(body("a();", "b();", "c(d());"), "b") == ["d", "c"]


def test_both_arms_of_a_branch_run_after_but_not_one_after_the_other() -> None:
    found = body("a();", "if (b->x)", "\tc();", "else", "\td();", "e();")
    assert calls_after(found, "a") == ["c", "d", "e"]
    assert calls_after(found, "c") == ["e"]


def test_what_returns_does_not_run_on() -> None:
    found = body("if (b->x) {", "\tput(b);", "\treturn 0;", "}", "use(b);", "return 1;")
    assert calls_after(found, "put") == []


def test_a_goto_leads_to_its_label_and_falls_through_the_next() -> None:
    found = body(
        "if (b->x)", "\tgoto out;", "a();", "b1();", "out:", "c();", "last:", "d();", "return 0;"
    )
    assert calls_after(found, "b1") == ["c", "d"]
    found = body("put(b);", "goto out;", "skipped();", "out:", "use(b);")
    assert calls_after(found, "put") == ["use"]


def test_a_loop_runs_its_body_again() -> None:
    found = body("while (b->n) {", "\tuse(b);", "\tput(b);", "}", "end();")
    assert calls_after(found, "put") == ["use", "end", "put"]


def test_break_and_continue_leave_the_body() -> None:
    found = body(
        *("for (i = 0; i < 3; i++) {", "\tif (b->x) {", "\t\tput(b);", "\t\tbreak;", "\t}"),
        *("\tuse(b);", "}", "end();"),
    )
    assert calls_after(found, "put") == ["end"]
    found = body(
        *("do {", "\tif (b->x) {", "\t\ta();", "\t\tcontinue;", "\t}", "\tc();"), "} while (d());"
    )
    assert calls_after(found, "a") == ["d", "a", "c"]


def test_an_iterator_gives_its_cursor_another_value() -> None:
    head = "list_for_each_entry_safe(p, n, &b->list, node) {"
    found = body(head, "\tuse(p);", "\tput(p);", "}", "end();")
    assert calls_after(found, "put", of="p") == []
    assert "use" in calls_after(found, "put")


def test_a_new_value_ends_the_interest() -> None:
    found = body("put(p);", "p = next(b);", "use(p);")
    assert calls_after(found, "put", of="p") == ["next"]
    assert calls_after(body("put(b->p[i]);", "i++;", "use(b->p[i]);"), "put", of="b->p[i]") == []
    lines = ("put(*slot(b, i));", "i++;", "use(*slot(b, i));")
    assert "use" not in calls_after(body(*lines), "put", of="*slot(b, i)")
    assert calls_after(body("put(p);", "find(b, &p);", "use(p);"), "put", of="p") == []
    assert calls_after(body("put(p);", "b = c;", "use(b->p);"), "put", of="b->p") == []


def test_a_test_for_null_ends_the_interest() -> None:
    found = body("put(b->p);", "if (!b->p)", "\tnone();", "else", "\tuse(b->p);")
    assert calls_after(found, "put", of="b->p") == ["use"]
    found = body("take(p);", "if (p && p->x)", "\tuse(p);", "if (p == NULL)", "\tnone();")
    assert calls_after(found, "take", of="p") == ["use"]


def test_a_path_that_needs_a_condition_to_be_true_and_false_is_no_path() -> None:
    found = body("if (err)", "\tput(b);", "if (!err)", "\tuse(b);", "end();")
    assert calls_after(found, "put") == ["end"]
    found = body("if (err)", "\tput(b);", "err = next();", "if (!err)", "\tuse(b);")
    assert calls_after(found, "put") == ["next", "use"]


def test_a_constant_decides_the_branch_that_tests_it() -> None:
    found = body("put(b);", "done = true;", "if (!done)", "\tuse(b);", "end();")
    assert calls_after(found, "put") == ["end"]


def test_a_switch_falls_through_and_leaves_at_break() -> None:
    found = body(
        *(
            "switch (b->x) {",
            "case 1:",
            "\ta();",
            "\tfallthrough;",
            "case 2:",
            "\tc();",
            "\tbreak;",
        ),
        *("default:", "\td();", "}", "e();"),
    )
    assert calls_after(found, "a") == ["c", "e"]


def test_a_scoped_guard_runs_once() -> None:
    found = body("scoped_guard(mutex, &b->lock) {", "\tuse(b);", "\tput(b);", "}", "end();")
    assert calls_after(found, "put") == ["end"]


def test_nothing_is_known_past_a_gap() -> None:
    found = shown("\tput(b);", "\ta();", section="int f(struct box *b)")
    assert calls_after(found, "put") == ["a"]
    assert exits(found, "put", "never") == []
    assert not passes(found, "put", "a2")


def test_a_way_out_that_misses_the_release_is_found() -> None:
    found = body(
        *("get(b);", "if (b->x)", "\treturn -EIO;", "if (b->y)", "\tgoto out;", "use(b);"),
        *("out:", "put(b);", "return 0;"),
    )
    assert exits(found, "get", "put") == ["return -EIO;"]
    assert not passes(found, "get", "put")
    assert passes(found, "use", "put")


def taken(success: Success, *statements: str) -> list[str]:
    found = body(*statements)
    names = {each.node.id: each.name for each in found.calls}
    start, facts = succeeded(found, call(found, "get"), success)
    nodes = exits_without(found, start, lambda node: names.get(node.id) == "put", assume=facts)
    return [found.text(node) for node in nodes]


def test_the_way_out_on_failure_needs_no_release() -> None:
    rest = ("if (err)", "\treturn err;", "if (b->x)", "\treturn -EIO;", "put(b);", "return 0;")
    assert taken(Success.ZERO, "err = get(b);", *rest) == ["return -EIO;"]
    assert taken(Success.ZERO, "int err = get(b);", *rest) == ["return -EIO;"]
    assert taken(Success.ZERO, "if (get(b) < 0)", "\treturn 1;", "return 2;") == ["return 2;"]
    assert taken(Success.NONZERO, "if (!get(b))", "\treturn 1;", "return 2;") == ["return 2;"]
    last = ("if (IS_ERR(p))", "\treturn PTR_ERR(p);", "return 0;")
    assert taken(Success.POINTER, "struct box *p = get(b);", *last) == ["return 0;"]


def test_the_end_of_a_void_function_is_a_way_out() -> None:
    found = body("get(b);", "if (b->x)", "\tput(b);", header="void f(struct box *b)")
    assert exits(found, "get", "put") == ["}"]


def test_a_call_that_an_operand_may_skip_is_not_always_made() -> None:
    assert not passes(body("get(b);", "x = b->y && put(b);", "return x;"), "get", "put")
    assert passes(body("get(b);", "x = put(b) && b->y;", "return x;"), "get", "put")
    assert not passes(
        body("get(b);", "if (b->y && put(b))", "\tuse(b);", "return 0;"), "get", "put"
    )


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (("a();", "return 0;"), True),
        (("if (b->x)", "\treturn 1;", "a();", "return 0;"), False),
        (("if (b->x)", "\ta();", "else", "\treturn a();", "return 0;"), True),
    ],
)
def test_every_path_from_the_entry_is_asked(lines: tuple[str, ...], wanted: bool) -> None:
    found = body(*lines)
    calls = {each.node.id for each in found.calls}
    assert on_every_path(found, lambda node: node.id in calls) is wanted


def test_what_panics_does_not_go_on() -> None:
    found = body("get(b);", "if (b->x)", "\tpanic();", "put(b);", "return 0;")
    assert passes(found, "get", "put")


def test_only_what_leads_there_lies_between() -> None:
    found = body("a();", "if (b->x) {", "\tc();", "\treturn;", "}", "d();", "e(g());", "h();")
    names = {each.node.id: each.name for each in found.calls}
    nodes = between(found, call(found, "a"), call(found, "e"))
    assert [names[node.id] for node in nodes if node.id in names] == ["d", "g"]
    assert list(between(found, call(found, "h"), call(found, "a"))) == []


def test_what_every_path_passes_dominates() -> None:
    found = body("if (b->x)", "\ta();", "c();", "d();")
    names = {each.node.id: each.name for each in found.calls}
    last = call(found, "d")
    assert dominated(found, last, lambda node: names.get(node.id) == "c")
    assert not dominated(found, last, lambda node: names.get(node.id) == "a")
    assert not dominated(found, last, lambda node: False)


def test_reassignment_is_seen_in_every_form() -> None:
    found = body(
        *("first();", "p = q;", "p++;", "find(&p);", "use(p);", "p->x = 1;"),
        *("struct box *p = c;", "list_for_each_entry(p, &b->list, node)", "\tuse(p);"),
    )
    nodes = reachable(found, call(found, "first"))
    texts = [found.text(node).split("\n")[0] for node in nodes if reassigns(found, node, "p")]
    assert texts == ["p = q", "p++", "&p", "*p = c", "list_for_each_entry(p, &b->list, node)"]


def test_an_empty_graph_tells_nothing() -> None:
    deep = "if (b->x) {" * 200 + "put(b);" + "}" * 200
    found = function("void f(struct box *b)\n{\n" + deep + "\n}\n")
    assert list(reachable(found, call(found, "put"))) == []
    assert not passes(found, "put", "use")


def test_a_long_function_is_searched_in_bounded_time() -> None:
    lines = [f"if (b->x{n})\n\t\tput(b);\n\tuse(b->y{n});" for n in range(3000)]
    found = body(*lines)
    first = next(each.node for each in found.calls)
    assert 50 < sum(1 for _ in reachable(found, first)) < 50_000


def test_inside_of_a_branch_of_the_preprocessor_a_return_still_returns() -> None:
    lines = ("#ifdef CONFIG_A", "if (x) {", "\tdrop(p);", "\treturn;", "}", "use(p);")
    found = body(*lines, "#else", "if (x) {", "\tother(p);", "\treturn;", "}", "late(p);", "#endif")
    assert "use" not in calls_after(found, "drop")
    assert "late" not in calls_after(found, "other")
