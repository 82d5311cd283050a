"""Which locks are held where: branches, loops, jumps, exits."""

from __future__ import annotations

from reviewer.c.flow import ExitKind, Kind
from tests.written import at, body, leaks, locks_at, words


def test_a_lock_is_held_between_its_call_and_its_release() -> None:
    found = body(
        "before();", "mutex_lock(&b->lock);", "inside();", "mutex_unlock(&b->lock);", "after();"
    )
    assert at(found, "before") == at(found, "after") == []
    assert at(found, "inside") == ["b->lock"]
    assert locks_at(found, "after").surely_none


def test_a_held_lock_names_the_call_that_took_it() -> None:
    found = body("spin_lock_irqsave(&b->lock, flags);", "inside();", "spin_unlock(&b->lock);")
    (held,) = locks_at(found, "inside").must
    assert (held.kind, held.family, held.irq, held.atomic) == (Kind.SPIN, "spin_unlock", True, True)
    assert held.acquire is not None
    assert held.acquire.span.line == 3


def test_a_field_read_and_an_assignment_know_their_locks() -> None:
    found = body("rcu_read_lock();", "x = b->map;", "rcu_read_unlock();", "y = c->map;")
    first, second = (found.flow.at(access.node) for access in found.accesses)
    assert words(first) == ["rcu_read_unlock"]
    assert words(second) == []
    assert words(found.flow.at(found.assignments[0].node)) == ["rcu_read_unlock"]


def test_a_return_that_forgets_the_lock_is_an_exit_that_holds_it() -> None:
    found = body(
        "mutex_lock(&b->lock);",
        "if (b->dead)",
        "\treturn -EIO;",
        "mutex_unlock(&b->lock);",
        "return 0;",
    )
    assert leaks(found) == [("-EIO", "b->lock")]
    bad, good = found.flow.exits
    assert (bad.kind, bad.span.line, bad.via) == (ExitKind.RETURN, 5, None)
    assert words(good.locks) == []


def test_the_end_of_a_void_function_is_an_exit() -> None:
    found = body(
        "spin_lock(&b->lock);",
        "if (b->dead) {",
        "\tspin_unlock(&b->lock);",
        "\treturn;",
        "}",
        header="void f(struct box *b)",
    )
    assert [(out.kind, words(out.locks)) for out in found.flow.exits] == [
        (ExitKind.RETURN, []),
        (ExitKind.END, ["b->lock"]),
    ]


def test_a_goto_past_the_unlock_is_told_from_the_paths_that_unlock() -> None:
    found = body(
        "mutex_lock(&b->lock);",
        "if (bad(b))",
        "\tgoto out;",
        "mutex_unlock(&b->lock);",
        "out:",
        "return err;",
    )
    assert leaks(found) == [("err", "b->lock")]
    (bad,) = found.flow.unbalanced()
    assert bad.via is not None
    assert bad.via.code.strip() == "goto out;"


def test_a_goto_to_the_unlock_is_no_leak() -> None:
    found = body(
        "mutex_lock(&b->lock);",
        "err = first(b);",
        "if (err)",
        "\tgoto unlock;",
        "err = second(b);",
        "unlock:",
        "mutex_unlock(&b->lock);",
        "return err;",
    )
    assert leaks(found) == []
    assert at(found, "second") == ["b->lock"]


def test_a_chain_of_labels_releases_in_turn() -> None:
    found = body(
        "mutex_lock(&b->outer);",
        "if (one(b))",
        "\tgoto drop_outer;",
        "mutex_lock(&b->inner);",
        "if (two(b))",
        "\tgoto drop_inner;",
        "work(b);",
        "drop_inner:",
        "mutex_unlock(&b->inner);",
        "drop_outer:",
        "mutex_unlock(&b->outer);",
        "return 0;",
    )
    assert leaks(found) == []
    assert at(found, "work") == ["b->inner", "b->outer"]


def test_a_backward_goto_settles() -> None:
    found = body(
        "again:",
        "spin_lock(&b->lock);",
        "if (busy(b)) {",
        "\tspin_unlock(&b->lock);",
        "\tgoto again;",
        "}",
        "work(b);",
        "spin_unlock(&b->lock);",
        "return 0;",
    )
    assert leaks(found) == []
    assert at(found, "busy") == at(found, "work") == ["b->lock"]


def test_one_branch_holds_another_does_not() -> None:
    found = body("if (b->x)", "\tmutex_lock(&b->lock);", "after();")
    assert at(found, "after") == ["b->lock?"]
    assert not locks_at(found, "after").must


def test_both_branches_take_it() -> None:
    found = body(
        "if (b->x)",
        "\tmutex_lock(&b->lock);",
        "else",
        "\tmutex_lock_nested(&b->lock, 1);",
        "after();",
    )
    assert at(found, "after") == ["b->lock"]


def test_a_conditional_lock_goes_with_its_conditional_unlock() -> None:
    found = body(
        "if (b->shared)",
        "\tmutex_lock(&b->lock);",
        "work(b);",
        "if (b->shared)",
        "\tmutex_unlock(&b->lock);",
        "after(b);",
        "return 0;",
    )
    assert at(found, "work") == ["b->lock?"]
    assert at(found, "after") == []


def test_a_flag_variable_remembers_the_lock() -> None:
    found = body(
        "bool locked = false;",
        "if (need(b)) {",
        "\tmutex_lock(&b->lock);",
        "\tlocked = true;",
        "}",
        "work(b);",
        "if (locked)",
        "\tmutex_unlock(&b->lock);",
        "after(b);",
    )
    assert at(found, "after") == []


def test_a_second_look_under_the_lock_can_differ_from_the_first() -> None:
    found = body(
        "if (b->dead)",
        "\treturn -EIO;",
        "spin_lock(&b->lock);",
        "if (b->dead)",
        "\treturn -ENODEV;",
        "spin_unlock(&b->lock);",
        "return 0;",
    )
    assert leaks(found) == [("-ENODEV", "b->lock")]


def test_a_lock_in_one_operand_is_held_only_when_that_ran() -> None:
    found = body("b->x && spin_trylock(&b->lock);", "after();")
    assert at(found, "after") == ["b->lock?"]


def test_a_loop_body_runs_or_not() -> None:
    found = body(
        "while (more(b)) {",
        "\tspin_lock(&b->lock);",
        "\tif (b->x)",
        "\t\tbreak;",
        "\tspin_unlock(&b->lock);",
        "}",
        "after();",
    )
    assert at(found, "more") == []
    assert at(found, "after") == ["b->lock?"]


def test_an_endless_loop_is_left_only_by_break() -> None:
    found = body(
        "for (;;) {",
        "\tspin_lock(&b->lock);",
        "\tif (b->x)",
        "\t\tbreak;",
        "\tspin_unlock(&b->lock);",
        "}",
        "after();",
    )
    assert at(found, "after") == ["b->lock"]


def test_do_while_zero_runs_once() -> None:
    found = body("do {", "\tspin_lock(&b->lock);", "} while (0);", "after();")
    assert at(found, "after") == ["b->lock"]


def test_an_iterator_macro_is_a_loop_under_the_locks_around_it() -> None:
    found = body(
        "rcu_read_lock();",
        "list_for_each_entry_rcu(p, &b->list, node) {",
        "\tif (p->x)",
        "\t\tcontinue;",
        "\tvisit(p);",
        "}",
        "rcu_read_unlock();",
        "after();",
    )
    assert at(found, "list_for_each_entry_rcu") == at(found, "visit") == ["rcu_read_unlock"]
    assert at(found, "after") == []


def test_a_switch_enters_at_each_case_and_falls_through() -> None:
    found = body(
        "switch (b->x) {",
        "case 1:",
        "\tmutex_lock(&b->lock);",
        "\tfallthrough;",
        "case 2:",
        "\ttwo(b);",
        "\tbreak;",
        "case 3:",
        "\tthree(b);",
        "\treturn 0;",
        "}",
        "after(b);",
    )
    assert at(found, "two") == ["b->lock?"]
    assert at(found, "three") == []
    assert at(found, "after") == ["b->lock?"]


def test_a_switch_with_default_always_enters() -> None:
    found = body(
        "switch (b->x) {",
        "case 1:",
        "\tmutex_lock(&b->l);",
        "\tbreak;",
        "default:",
        "\treturn 1;",
        "}",
        "after(b);",
    )
    assert at(found, "after") == ["b->l"]


def test_code_that_does_not_return_has_no_exit() -> None:
    found = body(
        "mutex_lock(&b->lock);",
        "if (b->x) {",
        '\tpanic("box");',
        "}",
        "mutex_unlock(&b->lock);",
        "BUG();",
        "never();",
    )
    assert not locks_at(found, "never").reached
    assert found.flow.exits == ()
