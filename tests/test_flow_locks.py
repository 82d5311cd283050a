"""Which locks are held where: every way to take, give back, claim and guard one."""

from __future__ import annotations

import pytest

from reviewer.c.flow import Kind
from tests.written import at, body, leaks, locks_at, words


@pytest.mark.parametrize(
    ("take", "give", "lock"),
    [
        ("spin_lock(&b->l);", "spin_unlock(&b->l);", "b->l"),
        ("spin_lock(&b->l);", "spin_unlock_irqrestore(&b->l, flags);", "b->l"),
        ("spin_lock_bh(&b->l);", "spin_unlock_bh(&b->l);", "b->l"),
        ("raw_spin_lock_irq(&(b->l));", "raw_spin_unlock_irq(&b->l);", "b->l"),
        ("write_lock(&b->l);", "write_unlock(&b->l);", "b->l"),
        ("down_write(&b->sem);", "up_write(&b->sem);", "b->sem"),
        ("srcu = srcu_read_lock(&b->srcu);", "srcu_read_unlock(&b->srcu, srcu);", "b->srcu"),
        ("local_irq_save(flags);", "local_irq_restore(flags);", "local_irq_enable"),
        ("preempt_disable();", "preempt_enable();", "preempt_enable"),
        ("local_bh_disable();", "local_bh_enable();", "local_bh_enable"),
        ("rtnl_lock();", "rtnl_unlock();", "rtnl_unlock"),
        ("bit_spin_lock(3, &b->bits);", "bit_spin_unlock(3, &b->bits);", "b->bits"),
        ("pte = pte_offset_map_lock(mm, pmd, a, &ptl);", "pte_unmap_unlock(pte, ptl);", "ptl?"),
    ],
)
def test_each_sort_of_lock_is_known_by_its_calls(take: str, give: str, lock: str) -> None:
    found = body(take, "inside();", give, "after();")
    assert at(found, "inside") == [lock]
    assert at(found, "after") == []


def test_interrupts_stay_off_when_only_the_lock_is_released() -> None:
    found = body(
        "spin_lock_irq(&b->l);", "spin_unlock(&b->l);", "off();", "local_irq_enable();", "on();"
    )
    assert at(found, "off") == ["local_irq_enable"]
    assert at(found, "on") == []


def test_interrupts_come_on_with_the_release_of_a_lock_taken_under_them() -> None:
    found = body("local_irq_disable();", "spin_lock(&b->l);", "spin_unlock_irq(&b->l);", "on();")
    assert at(found, "on") == []


def test_a_lock_that_is_dropped_and_retaken_was_the_callers() -> None:
    found = body("spin_unlock(&b->lock);", "call(b);", "spin_lock(&b->lock);", "return 0;")
    assert at(found, "call") == []
    assert words(found.flow.exits[0].locks) == ["b->lock (entry)"]
    assert not found.flow.exits[0].leaked


def test_the_callers_lock_is_held_until_it_is_dropped() -> None:
    found = body("early(b);", "spin_unlock(&b->lock);", "late(b);")
    assert at(found, "early") == ["b->lock (entry)"]
    assert at(found, "late") == []
    assert found.flow.dropped == {("spin_unlock", "b->lock")}


def test_a_lock_that_some_branch_drops_may_be_the_callers() -> None:
    found = body("early(b);", "if (b->x)", "\tspin_unlock(&b->lock);", "return 0;")
    assert at(found, "early") == ["b->lock (entry)?"]
    assert not locks_at(found, "early").surely_none


def test_a_retry_loop_keeps_the_callers_lock_the_callers() -> None:
    found = body(
        "again:",
        "if (busy(b)) {",
        "\tspin_unlock(&b->lock);",
        "\trelax();",
        "\tspin_lock(&b->lock);",
        "\tgoto again;",
        "}",
        "return 0;",
    )
    assert leaks(found) == []
    assert at(found, "relax") == []


@pytest.mark.parametrize(
    ("claim", "lock"),
    [
        ("lockdep_assert_held(&b->lock);", "b->lock (entry)"),
        ("lockdep_assert_held_write(&b->sem);", "b->sem (entry)"),
        ("assert_spin_locked(&b->lock);", "b->lock (entry)"),
        ("ASSERT_RTNL();", "rtnl_unlock (entry)"),
        ('RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "no");', "rcu_read_unlock (entry)"),
        ("p = rcu_dereference_protected(b->p, lockdep_is_held(&b->lock));", "b->lock (entry)"),
    ],
)
def test_an_assertion_says_that_the_lock_is_held(claim: str, lock: str) -> None:
    found = body(claim, "inside(b);", "return 0;")
    assert at(found, "inside") == [lock]
    assert leaks(found) == []


@pytest.mark.parametrize(
    ("annotation", "lock"),
    [
        ("__must_hold(&b->lock)", "b->lock (entry)"),
        ("__releases(b->lock)", "b->lock (entry)"),
        ("__must_hold(RCU)", "rcu_read_unlock (entry)"),
    ],
)
def test_an_annotation_says_that_the_lock_is_held_on_entry(annotation: str, lock: str) -> None:
    found = body("inside(b);", header=f"static void f(struct box *b)\n\t{annotation}")
    assert at(found, "inside") == [lock]


def test_an_annotated_lock_takes_its_kind_from_the_calls_beside_it() -> None:
    found = body(
        "spin_unlock(&b->lock);",
        "spin_lock(&b->lock);",
        "inside(b);",
        header="static void f(struct box *b)\n\t__must_hold(&b->lock)",
    )
    (held,) = locks_at(found, "inside").must
    assert held.kind is Kind.SPIN


@pytest.mark.parametrize(
    "lines",
    [
        ["if (!mutex_trylock(&b->lock))", "\treturn -EAGAIN;"],
        ["if (mutex_trylock(&b->lock) == 0)", "\treturn -EAGAIN;"],
        ["if (!likely(mutex_trylock(&b->lock)))", "\treturn -EAGAIN;"],
        ["if (b->x || !mutex_trylock(&b->lock))", "\treturn -EAGAIN;"],
        ["if (mutex_lock_interruptible(&b->lock))", "\treturn -EINTR;"],
        ["err = mutex_lock_killable(&b->lock);", "if (err)", "\treturn err;"],
        ["err = mutex_lock_killable(&b->lock);", "if (err < 0)", "\treturn err;"],
        ["if ((err = down_read_killable(&b->lock)) != 0)", "\treturn err;"],
        ["if (down_trylock(&b->lock))", "\treturn -EBUSY;"],
        ["ok = mutex_trylock(&b->lock);", "if (!ok)", "\treturn -EBUSY;"],
        ["failed = !mutex_trylock(&b->lock);", "if (failed)", "\treturn -EBUSY;"],
        ["while (!mutex_trylock(&b->lock))", "\tcpu_relax();"],
        ["do {", "\tcpu_relax();", "} while (!mutex_trylock(&b->lock));"],
        [
            "if (b->x)",
            "\tmutex_lock(&b->lock);",
            "else if (!mutex_trylock(&b->lock))",
            "\treturn 1;",
        ],
    ],
)
def test_a_lock_that_may_fail_is_held_only_where_it_was_taken(lines: list[str]) -> None:
    found = body(*lines, "inside(b);", "return 0;")
    assert at(found, "inside") == ["b->lock"]
    assert all(not out.locks.may for out in found.flow.exits if out.value != "0")


def test_the_lock_of_the_cursor_is_another_lock_each_round() -> None:
    found = body(
        "list_for_each_entry(p, &b->list, node)",
        "\tspin_lock(&p->lock);",
        "after(p);",
        "spin_unlock(&c->lock);",
    )
    assert not locks_at(found, "after").must
    assert leaks(found) == []


def test_a_lock_whose_variable_moved_on_is_released_under_any_name() -> None:
    found = body(
        "spin_lock(&p->lock);", "p = p->next;", "between(p);", "spin_unlock(&q->lock);", "after();"
    )
    assert at(found, "between") == ["?"]
    assert at(found, "after") == []


def test_a_guard_ends_with_its_block() -> None:
    found = body(
        "if (b->x) {",
        "\tguard(mutex)(&b->lock);",
        "\tinside(b);",
        "\tif (b->y)",
        "\t\treturn 1;",
        "}",
        "after(b);",
        "return 0;",
    )
    assert at(found, "inside") == ["b->lock"]
    assert at(found, "after") == []
    assert leaks(found) == []
    assert not any(out.locks.may for out in found.flow.exits)


def test_a_goto_out_of_the_block_ends_the_guard() -> None:
    found = body(
        "if (b->x) {",
        "\tguard(spinlock)(&b->lock);",
        "\tgoto out;",
        "}",
        "return 0;",
        "out:",
        "after(b);",
        "return 1;",
    )
    assert at(found, "after") == []


def test_scoped_guard_runs_once_and_break_leaves_it() -> None:
    found = body(
        "scoped_guard(rcu) {",
        "\tinside(b);",
        "\tif (b->x)",
        "\t\tbreak;",
        "\tdone = true;",
        "}",
        "after(b);",
    )
    assert at(found, "inside") == ["rcu_read_unlock"]
    assert at(found, "after") == []


def test_a_guard_of_an_unknown_class_is_some_lock() -> None:
    found = body("guard(box_bus)(b);", "inside(b);")
    (held,) = locks_at(found, "inside").must
    assert (held.kind, held.key, held.guard) == (Kind.OTHER, "b", True)


def test_a_class_that_is_no_lock_holds_nothing() -> None:
    found = body("CLASS(fd, f)(n);", "inside(b);")
    assert locks_at(found, "inside").surely_none


def test_wrapper_locks_pair_by_their_names() -> None:
    found = body("box_lock(b);", "if (b->dead)", "\treturn -EIO;", "box_unlock(b);", "return 0;")
    assert leaks(found) == [("-EIO", "b")]
    (held,) = found.flow.unbalanced()[0].leaked
    assert held.kind is Kind.OTHER
    assert not held.atomic


def test_a_wrapper_that_can_fail_may_hold() -> None:
    found = body(
        "if (box_lock(b))", "\treturn -EINTR;", "inside(b);", "box_unlock(b);", "return 0;"
    )
    assert at(found, "inside") == ["b?"]
    assert leaks(found) == []


def test_an_unknown_unlock_drops_what_its_arguments_name() -> None:
    found = body(
        "mutex_lock(&b->lock);", "finish_and_unlock(b);", "after();", "mutex_unlock(&b->lock);"
    )
    assert at(found, "after") == []
    assert not locks_at(found, "after").known


def test_a_lock_lent_to_an_unknown_function_may_be_gone() -> None:
    found = body(
        "mutex_lock(&b->lock);", "wait_for(b, &b->lock);", "after();", "mutex_unlock(&b->lock);"
    )
    assert at(found, "after") == ["b->lock?"]


def test_waiting_with_the_lock_keeps_it() -> None:
    found = body(
        "spin_lock_irq(&b->lock);",
        "wait_event_lock_irq(b->wq, b->x, b->lock);",
        "after();",
        "spin_unlock_irq(&b->lock);",
    )
    assert at(found, "after") == ["b->lock"]


def test_downgrade_makes_it_shared() -> None:
    found = body(
        "down_write(&b->sem);",
        "downgrade_write(&b->sem);",
        "inside();",
        "up_read(&b->sem);",
        "after();",
    )
    (held,) = locks_at(found, "inside").must
    assert (held.shared, held.family) == (True, "up_read")
    assert at(found, "after") == []


def test_saved_flags_for_the_caller_hand_the_lock_to_the_caller() -> None:
    found = body(
        "spin_lock_irqsave(&b->lock, *flags);",
        "if (b->x)",
        "\treturn b;",
        "spin_unlock_irqrestore(&b->lock, *flags);",
        "return NULL;",
    )
    assert leaks(found) == []
