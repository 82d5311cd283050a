"""Lock operations with the lock they name, and the release that comes next."""

from __future__ import annotations

from reviewer.c.lockops import lock_ops, may_change_between, object_of, release_ahead
from reviewer.c.onward import statement_of
from tests.written import function, source


def _body(statements: str) -> str:
    inner = "".join(f"\t{line}\n" for line in statements.splitlines())
    return f"int f(struct box *x)\n{{\n{inner}}}\n"


def test_an_operation_names_its_lock() -> None:
    found = function(_body("mutex_lock(&x->lock);\nfoo(&x->lock);\nspin_unlock_bh(q);\n"))
    assert [(op.acquires, op.lock) for op in lock_ops(found)] == [
        (True, ("mutex_unlock", "x->lock")),
        (False, ("spin_unlock", "q")),
    ]


def test_only_what_waits_for_its_own_holder_waits() -> None:
    text = "mutex_lock(&a);\nmutex_trylock(&a);\nmutex_lock_nested(&a, 1);\ndown_read(&s);\n"
    waits = [op.waits for op in lock_ops(function(_body(text)))]
    assert waits == [True, False, False, False]


def test_a_member_is_known_by_its_struct() -> None:
    text = (
        "void f(struct box *b)\n{\n\tspin_lock(&b->lock);\n\tspin_lock(&all);\n\tspin_lock(q);\n}\n"
    )
    found = function(text)
    names = [object_of(found, op) for op in lock_ops(found)]
    assert names == [("box", "lock"), ("", "all"), ("", "q")]
    local = function("void f(void)\n{\n\tspinlock_t own;\n\tspin_lock(&own);\n}\n")
    assert object_of(local, lock_ops(local)[0]) is None


def test_the_next_release_is_found_over_a_goto_and_not_behind_an_acquire() -> None:
    text = "mutex_unlock(&a);\ngoto out;\nout:\nmutex_unlock(&a);\n"
    view = source(_body(text))
    (found,) = view.functions
    first = lock_ops(found)[0]
    second = release_ahead(view, found, statement_of(first.call.node), first.lock)
    assert second is not None
    assert second.span.line > first.call.span.line

    view = source(_body("mutex_unlock(&a);\nmutex_lock(&a);\nmutex_unlock(&a);\n"))
    (found,) = view.functions
    first = lock_ops(found)[0]
    assert release_ahead(view, found, statement_of(first.call.node), first.lock) is None


def test_a_helper_that_gets_the_object_may_take_the_lock() -> None:
    view = source(_body("demo_lock(x);\ndemo_show(x);\nx = y;\n"))
    (found,) = view.functions
    lock = ("mutex_unlock", "x->lock")
    take, show = (call.node for call in found.calls)
    assert may_change_between(view, found, lock, take.start_byte, take.end_byte)
    assert not may_change_between(view, found, lock, show.start_byte, show.end_byte)
    assert may_change_between(view, found, lock, show.end_byte, found.node.end_byte)
