"""What a function in view does to its caller."""

from __future__ import annotations

from reviewer.c.summaries import (
    LockEffect,
    Summary,
    needed_by_call,
    summary_named,
)
from tests.written import source


def summary(text: str, name: str = "f") -> Summary:
    found = summary_named(source(text), name)
    assert found is not None
    return found


def made(*statements: str, header: str = "static void f(struct box *b)") -> str:
    return f"{header}\n{{\n" + "".join(f"\t{line}\n" for line in statements) + "}\n"


def test_a_function_that_leaves_the_lock_held_acquires_it() -> None:
    found = summary(made("mutex_lock(&b->lock);", "use(b);"))
    assert found.acquires == {LockEffect("mutex_unlock", "b->lock")}
    assert found.releases == frozenset()
    balanced = summary(made("mutex_lock(&b->lock);", "mutex_unlock(&b->lock);"))
    assert balanced.acquires == balanced.releases == frozenset()
    some = summary(made("mutex_lock(&b->lock);", "if (b->x) {", "mutex_unlock(&b->lock);", "}"))
    assert some.acquires == frozenset()


def test_a_function_that_gives_back_the_lock_of_its_caller_releases_it() -> None:
    found = summary(made("use(b);", "spin_unlock(&b->lock);"))
    assert found.releases == {LockEffect("spin_unlock", "b->lock")}


def test_an_assert_says_what_the_caller_must_hold() -> None:
    found = summary(made("lockdep_assert_held(&b->lock);", "ASSERT_RTNL();", "use(b);"))
    assert found.needs == {"b->lock", "rtnl"}


def test_a_sleeping_call_on_every_path_is_told_from_one_on_some() -> None:
    certain = summary(made("msleep(10);")).sleeps
    assert certain is not None
    assert (certain.always, certain.why) == (True, "msleep() can sleep")
    perhaps = summary(made("if (b->slow)", "\tmsleep(10);")).sleeps
    assert perhaps is not None
    assert not perhaps.always
    assert summary(made("use(b);")).sleeps is None


def test_sleep_is_seen_two_calls_below() -> None:
    text = (
        made("might_sleep();", header="static void h(void)")
        + made("h();", header="static void g(void)")
        + made("g();")
    )
    found = summary(text).sleeps
    assert found is not None
    assert ([call.name for call in found.calls], found.always) == (["g", "h", "might_sleep"], True)


def test_who_drops_the_lock_before_it_sleeps_does_not_sleep_under_it() -> None:
    text = made(
        *("spin_unlock(&b->lock);", "msleep(1);", "spin_lock(&b->lock);"),
        header="static void g(struct box *b)",
    ) + made("g(b);")
    found = summary_named(source(text), "g")
    assert found is not None
    assert found.sleeps is not None


def test_a_freed_argument_is_known_by_its_position() -> None:
    found = summary(made("kfree(b);", header="static void f(int n, struct box *b)"))
    assert found.frees.keys() == {1}
    assert (found.frees[1].always, found.frees[1].put) == (True, False)
    assert summary(made("b = b->next;", "kfree(b);")).frees == {}
    assert summary(made("kfree(b->name);")).frees == {}


def test_what_frees_with_the_last_reference_only_puts() -> None:
    found = summary(made("if (refcount_dec_and_test(&b->users))", "\tkfree(b);"))
    assert (found.frees[0].put, found.frees[0].always) == (True, False)


def test_a_free_below_a_callee_counts() -> None:
    text = made("kfree(x);", header="static void g(struct box *x)") + made("g(b);")
    found = summary(text)
    assert [call.name for call in found.frees[0].calls] == ["g", "kfree"]


def test_functions_that_call_each_other_end() -> None:
    text = made("g(b);", header="static void f(struct box *b)") + made(
        "f(b);", header="static void g(struct box *b)"
    )
    assert summary(text).sleeps is None


def needed(callee: str, call: str) -> set[str]:
    text = callee + made(call, header="static void caller(struct conn *fc, struct box *own)")
    file = source(text)
    (caller,) = (each for each in file.functions if each.name == "caller")
    return set(needed_by_call(file, caller.calls[0]))


def test_what_a_call_needs_is_in_the_words_of_the_caller() -> None:
    callee = made("lockdep_assert_held(&b->lock);")
    assert needed(callee, "f(own);") == {"own->lock"}
    assert needed(callee, "f(&fc->box);") == {"fc->box.lock"}
    assert needed(callee, "f(box_of(fc));") == set()
    assert needed(made("struct x *p = b->p;", "lockdep_assert_held(&p->lock);"), "f(own);") == set()
    assert needed(made("lockdep_assert_held(&box_lock);"), "f(own);") == {"box_lock"}


def test_of_a_function_out_of_view_the_table_tells() -> None:
    assert needed("", "unregister_netdevice_queue(fc->dev, NULL);") <= {"rtnl"}
    assert needed("", "some_function(fc);") == set()
