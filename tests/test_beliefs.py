"""What a file does consistently with a field."""

from __future__ import annotations

from reviewer.c.beliefs import Accessor, FieldUse, accesses_of, by_accessor, consensus
from tests.written import source

_BOX = "struct box {\n\tspinlock_t lock;\n\tint count;\n};\n"


def made(name: str, *statements: str, header: str = "int {}(struct box *b)") -> str:
    body = "".join(f"\t{line}\n" for line in statements)
    return f"{header.format(name)}\n{{\n{body}}}\n"


def locked(name: str, base: str = "b") -> str:
    return made(
        name,
        f"spin_lock(&{base}->lock);",
        f"{base}->count++;",
        f"spin_unlock(&{base}->lock);",
        header=f"int {{}}(struct box *{base})",
    )


def uses(*functions: str) -> tuple[FieldUse, ...]:
    return accesses_of(source(_BOX + "".join(functions)), "box", "count")


FOUR = (locked("f1"), locked("f2"), locked("f3", "box"), locked("f4"))


def test_most_uses_hold_the_lock_of_their_own_object() -> None:
    belief = consensus(uses(*FOUR, made("f5", "return b->count;")))
    assert belief is not None
    assert (belief.lock, belief.text) == (("own", ".lock"), "b->lock")
    assert len(belief.holders) == 4
    (other,) = belief.others
    assert other.function.name == "f5"
    assert other.surely_unlocked
    assert belief.evidence()[0].note == "b->count is used under b->lock here"


def test_too_few_or_too_mixed_uses_are_no_belief() -> None:
    assert consensus(uses(*FOUR[:3])) is None
    bare = [made(f"g{n}", "return b->count;") for n in range(2)]
    assert consensus(uses(*FOUR, *bare)) is None
    assert consensus(uses(*FOUR, *bare), ratio=0.6) is not None


def test_setup_and_new_objects_do_not_count() -> None:
    init = made("box_init", "b->count = 0;")
    fresh = made("box_get", "struct box *n = kzalloc(8, 1);", "n->count = 1;")
    found = uses(*FOUR, init, fresh)
    assert [use.setup for use in found] == [False] * 4 + [True] * 2
    belief = consensus(found)
    assert belief is not None
    assert belief.others == ()


def test_a_field_of_another_struct_is_not_counted() -> None:
    other = made("h", "return p->count;", header="int {}(struct pen *p)")
    assert uses(other) == ()


def test_accessors_are_told_apart() -> None:
    lines = (
        "x = READ_ONCE(b->count);",
        "WRITE_ONCE(b->count, 1);",
        "atomic_inc(&b->count);",
        "y = rcu_dereference(b->count);",
        "p = &b->count;",
        "z = b->count;",
    )
    found = by_accessor(uses(made("f", *lines)))
    assert list(found) == [
        Accessor.READ_ONCE,
        Accessor.WRITE_ONCE,
        Accessor.ATOMIC,
        Accessor.RCU,
        Accessor.ADDRESS,
        Accessor.PLAIN,
    ]


def test_the_lock_of_all_callers_is_held_in_a_static_function() -> None:
    helper = made("bump", "b->count++;", header="static void {}(struct box *b)")
    caller = made("call", "spin_lock(&b->lock);", "bump(b);", "spin_unlock(&b->lock);")
    (use,) = uses(helper, caller)
    assert use.held == {("own", ".lock")}
    assert not use.surely_unlocked
    (use,) = uses(helper, caller, made("free", "bump(b);"))
    assert use.held == frozenset()
    (use,) = uses(helper, caller, "static int (*op)(struct box *b) = bump;\n")
    assert use.held == frozenset()


def test_an_assert_or_a_name_says_that_the_caller_holds_it() -> None:
    asserted = made("f", "lockdep_assert_held(&b->lock);", "b->count++;")
    named = made("bump_locked", "b->count++;")
    first, second = uses(asserted, named)
    assert not first.surely_unlocked
    assert not second.surely_unlocked
    assert first.entered_locked
    assert first.held == {("own", ".lock")}


def test_a_global_lock_is_the_same_in_every_function() -> None:
    functions = [
        made(f"f{n}", "mutex_lock(&box_mutex);", "b->count++;", "mutex_unlock(&box_mutex);")
        for n in range(4)
    ]
    belief = consensus(uses(*functions))
    assert belief is not None
    assert belief.lock == ("global", "box_mutex")


def test_a_field_that_everything_names_is_left_alone() -> None:
    assert uses(*(made(f"f{n}", "b->count++;") for n in range(70))) == ()
