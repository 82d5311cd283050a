"""What stops and starts work, timers and URBs, and the callbacks behind them."""

from __future__ import annotations

import pytest

from reviewer.c.stops import belongs, callbacks, member, started, tears_down
from reviewer.c.tested import early_exit, reads_of
from tests.written import function, source


def _body(statements: str) -> str:
    inner = "".join(f"\t{line}\n" for line in statements.splitlines())
    return f"int f(struct box *x)\n{{\n{inner}}}\n"


def test_an_argument_names_a_member() -> None:
    assert member("&x->work") == "work"
    assert member("&x->poll.work") == "poll"
    assert member("x->urbs[i]") == "urbs"
    assert member("f(x)") is None or member("f(x)") == "x"


def test_a_callback_is_found_by_the_member_that_it_is_set_up_for() -> None:
    text = "INIT_WORK(&x->work, demo_work);\ntimer_setup(&x->timer, demo_tick, 0);\n"
    view = source(_body(text))
    assert list(callbacks(view, "work")) == ["demo_work"]
    assert list(callbacks(view, "timer")) == ["demo_tick"]
    assert list(callbacks(view, "other")) == []


def test_a_local_variable_stands_for_the_member_that_it_is_stored_to() -> None:
    text = (
        "struct urb *urb;\n"
        "urb = alloc();\nusb_fill_bulk_urb(urb, d, p, b, 64, demo_in, x);\nx->in = urb;\n"
        "urb = alloc();\nusb_fill_bulk_urb(urb, d, p, b, 64, demo_out, x);\nx->out = urb;\n"
    )
    view = source(_body(text))
    assert list(callbacks(view, "in")) == ["demo_in"]
    assert list(callbacks(view, "out")) == ["demo_out"]


def test_a_start_names_what_it_starts() -> None:
    found = function(_body("queue_work(wq, &x->work);\nmod_timer(&x->timer, 1);\nfoo(&x->work);\n"))
    assert [started(call) for call in found.calls] == ["work", "timer", None]


@pytest.mark.parametrize(
    ("name", "quiet"),
    [
        ("demo_remove", True),
        ("demo_suspend_late", True),
        ("demo_prepare_suspend", True),
        ("demo_suspend_one", False),
        ("demo_disconnect", False),
        ("demo_unfreeze", False),
    ],
)
def test_a_name_says_that_nothing_runs_afterwards(name: str, quiet: bool) -> None:
    assert tears_down(function(f"void {name}(struct x *x)\n{{\n}}\n")) is quiet


def test_a_usb_driver_disconnects_for_good() -> None:
    assert tears_down(function("void f_disconnect(struct usb_interface *i)\n{\n}\n"))


def test_a_free_takes_away_what_lies_in_the_object_itself() -> None:
    assert belongs("sa", "&sa->timer")
    assert belongs("prm->req->buf", "prm->req")
    assert not belongs("msg", "&msg->dev->timer")
    assert not belongs("sa", "&sb->timer")


def test_an_early_exit_is_a_test_of_the_expression_itself() -> None:
    text = _body(
        "if (x->a)\nreturn;\nif (!x->b || y)\ngoto out;\nif (x->c == 1)\nreturn;\nout:\nf();\n"
    )
    found = function(text)
    exits = {
        name: [early_exit(found, node, zero) is not None for node in reads_of(found, name)]
        for name, zero in (("x->a", False), ("x->b", True), ("x->c", False))
    }
    assert exits == {"x->a": [True], "x->b": [True], "x->c": [False]}
