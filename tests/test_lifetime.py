"""What becomes of an object: what ends the hold on it, uses behind that, sections around it."""

from __future__ import annotations

import time

from reviewer.c.escapes import escapes
from reviewer.c.flow import Kind
from reviewer.c.ownership import How, endings
from reviewer.c.readers import never_a_reader, outside_reader, own_section
from reviewer.c.uses import Touch, uses_in
from reviewer.c.walks import drops_in, link_of, locks_around
from tests.written import function


def _body(statements: str) -> str:
    inner = "".join(f"\t{line}\n" for line in statements.splitlines())
    return f"int f(struct box *p, struct sk_buff *skb, int n)\n{{\n{inner}}}\n"


def _endings(statements: str, *hows: How) -> list[tuple[str, str]]:
    found = endings(function(_body(statements)), *(hows or tuple(How)))
    return [(ending.name, ending.how.value) for ending in found]


def _uses(statements: str) -> list[tuple[str, Touch]]:
    made = function(_body(statements))
    start = next(endings(made, *How))
    return [(u.text, u.touch) for u in uses_in(made).after(start.call.node, start.name)]


def test_a_free_a_hand_off_and_a_put_end_the_hold() -> None:
    calls = "kfree(p);\nnetif_rx(skb);\nkref_put(&p->ref, gone);\nbox_put(p);\nbox_free_skb(skb);\n"
    assert _endings(calls) == [
        ("p", "freed"),
        ("skb", "handed off"),
        ("p", "put"),
        ("p", "put"),
        ("skb", "named"),
    ]


def test_functions_that_only_sound_like_a_put_end_nothing() -> None:
    calls = "skb_put(skb, 4);\npm_runtime_put(p);\nput_user(n, p);\n__sock_put(p);\n"
    assert _endings(calls) == []


def test_a_member_of_an_object_is_not_the_object() -> None:
    assert _endings("kfree(p->name);\nkfree(&p->x);\nkfree(global);\n") == []


def test_what_only_one_branch_of_an_if_directive_does_is_not_said() -> None:
    text = "#ifdef CONFIG_BOX\nkfree(p);\n#else\nbox_note(p);\n#endif\nn = p->n;\n"
    assert _endings(text) == []


def test_a_function_inside_of_an_if_directive_is_read_as_usual() -> None:
    text = _body("kfree(p);\nreturn 0;\nn = p->n;\n")
    made = function(f"#ifdef CONFIG_BOX\n{text}#else\n{text.replace('f(', 'g(', 1)}#endif\n")
    start = next(endings(made, How.FREED))
    assert list(uses_in(made).after(start.call.node, "p")) == []


def test_uses_are_told_apart() -> None:
    text = "kfree(p);\nn = p->a;\np->b = 1;\nlist_del(&p->c);\nbox_note(p);\nreturn p;\n"
    assert _uses(text) == [
        ("p->a", Touch.READ),
        ("p->b", Touch.WRITE),
        ("p->c", Touch.INSIDE),
        ("p", Touch.PASSED),
        ("p", Touch.RETURNED),
    ]


def test_types_sizes_and_tests_are_no_uses() -> None:
    text = "kfree(p);\nn = sizeof(*p) + struct_size(p, items, n);\nif (p == other)\n\tn = 1;\n"
    assert _uses(text + "q = list_first_entry(head, typeof(*p), node);\n") == []


def test_a_pointer_that_is_filled_anew_is_no_use() -> None:
    assert _uses("kfree(p);\nwhile (box_next(n, &p) == 0)\n\tn += p->n;\n") == []


def test_no_reader_calls_a_function_that_sleeps() -> None:
    made = function(_body("n = rcu_dereference(p->q);\nmutex_lock(&p->lock);\n"))
    sleeper = never_a_reader(made)
    assert sleeper is not None
    assert sleeper.name == "mutex_lock"
    assert own_section(made) is None
    assert outside_reader(made, made.calls[0].node)


def test_a_function_that_leaves_its_callers_section_may_be_a_reader() -> None:
    text = "rcu_read_unlock();\nmsleep(1);\nrcu_read_lock();\n"
    assert never_a_reader(function(_body(text))) is None


def test_a_pointer_that_outlives_its_section_is_found_with_its_first_use() -> None:
    text = "rcu_read_lock();\np = rcu_dereference(x->q);\nrcu_read_unlock();\nreturn p->n;\n"
    (found,) = escapes(function(_body(text)), frozenset({Kind.RCU}))
    assert (found.name, found.how, found.use.text) == ("p", "rcu_dereference()", "p->n")


def test_a_reference_makes_it_ours() -> None:
    text = "rcu_read_lock();\np = rcu_dereference(x->q);\nbox_get(p);\nrcu_read_unlock();\n"
    assert not list(escapes(function(_body(text + "return p->n;\n")), frozenset({Kind.RCU})))


def test_a_walk_is_known_by_the_struct_and_member_it_follows() -> None:
    made = function(
        "int f(struct head *h)\n{\n\tstruct box *b, *t;\n\n\tspin_lock(&h->lock);\n"
        "\tlist_for_each_entry_safe(b, t, &h->boxes, node) {\n\t\tspin_unlock(&h->lock);\n"
        "\t\twork(b);\n\t\tspin_lock(&h->lock);\n\t}\n\tspin_unlock(&h->lock);\n}\n"
    )
    walk = next(call for call in made.calls if call.loop)
    link = link_of(made, walk)
    assert link is not None
    assert (link.struct, link.member) == ("box", "node")
    (held,) = locks_around(made, walk)
    assert [call.name for call in drops_in(made, walk, held)] == ["spin_unlock"]


def test_a_thousand_frees_are_asked_in_time() -> None:
    made = function(_body("".join(f"kfree(p);\nn = q{i}->n;\n" for i in range(1000))))
    began = time.process_time()
    for ending in endings(made, How.FREED):
        next(uses_in(made).after(ending.call.node, ending.name), None)
    assert time.process_time() - began < 4
