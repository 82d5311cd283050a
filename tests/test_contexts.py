"""In which context a function runs."""

from __future__ import annotations

import pytest

from reviewer.c.callees import function_named
from reviewer.c.contexts import Context, Registered, context_of, manages_power
from tests.written import body, function, source

_WORK = "static void work(struct box *b)\n{\n\tuse(b);\n}\n"


def where(text: str, name: str = "work", depth: int = 1) -> Registered | None:
    file = source(text)
    found = function_named(file, name)
    assert found is not None
    return context_of(file, found, depth)


def context(setup: str, name: str = "work") -> Context | None:
    found = where(f"{_WORK}int setup(struct box *b)\n{{\n\t{setup}\n\treturn 0;\n}}\n", name)
    return None if found is None else found.context


def test_an_interrupt_handler_and_its_thread_are_told_apart() -> None:
    setup = "request_threaded_irq(b->irq, work, thread, 0, NULL, b);"
    assert context(setup) is Context.HARDIRQ
    assert context("request_threaded_irq(b->irq, hard, work, 0, NULL, b);") is Context.PROCESS
    assert context(setup, "setup") is None


@pytest.mark.parametrize(
    ("setup", "wanted"),
    [
        ("timer_setup(&b->timer, work, 0);", Context.SOFTIRQ),
        ("netif_napi_add(b->dev, &b->napi, work);", Context.SOFTIRQ),
        ("INIT_WORK(&b->work, work);", Context.PROCESS),
        ("call_rcu(&b->rcu, work);", Context.RCU),
        (
            "usb_fill_bulk_urb(b->urb, b->dev, b->pipe, b->buf, b->len, work, b);",
            Context.COMPLETION,
        ),
        ("usb_fill_control_urb(u, d, p, s, b->buf, b->len, work, b);", Context.COMPLETION),
        ("struct urb *urb = b->urb; urb->complete = work;", Context.COMPLETION),
        ("b->ops->complete = work;", None),
        ("run(work);", None),
    ],
)
def test_a_registration_in_view_tells_the_context(setup: str, wanted: Context | None) -> None:
    assert context(setup) is wanted


def test_the_evidence_is_the_registration() -> None:
    found = where(f"{_WORK}void setup(struct box *b)\n{{\n\ttimer_setup(&b->t, work, 0);\n}}\n")
    assert found is not None
    (evidence,) = found.evidence
    assert evidence.span.line == 7
    assert evidence.note == "work() is registered here with timer_setup()"
    assert found.words == "in softirq"


def test_an_operation_of_a_table_runs_where_the_core_calls_it() -> None:
    table = "static const struct net_device_ops ops = {\n\t.ndo_start_xmit = work,\n};\n"
    found = where(_WORK + table)
    assert found is not None
    assert (found.context, found.by) == (Context.BH, ".ndo_start_xmit")
    assert where(_WORK + table.replace("net_device_ops", "box_ops")) is None


def test_a_macro_at_file_scope_registers_too() -> None:
    found = where(_WORK + "static DEFINE_TIMER(box_timer, work);\n")
    assert found is not None
    assert found.context is Context.SOFTIRQ


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("static void work(struct timer_list *t)", Context.SOFTIRQ),
        ("static int work(struct napi_struct *napi, int budget)", Context.SOFTIRQ),
        ("static void work(struct rcu_head *head)", Context.RCU),
        ("static void work(struct work_struct *work)", Context.PROCESS),
        ("static enum hrtimer_restart work(struct hrtimer *t)", Context.ATOMIC),
        ("static void work(struct hrtimer *t)", None),
        ("static void work(struct led_classdev *c, enum led_brightness b)", Context.ATOMIC),
        ("static int work(struct led_classdev *c, enum led_brightness b)", None),
        ("static void work(struct urb *urb)", None),  # the name does not say complete
        ("static void work(struct timer_list *t, int n)", None),
    ],
)
def test_parameters_tell_a_callback_without_its_registration(
    header: str, wanted: Context | None
) -> None:
    found = where(f"{header}\n{{\n\tuse(b);\n}}\n")
    assert (None if found is None else found.context) is wanted


@pytest.mark.parametrize(
    ("setup", "wanted"),
    [
        ("b->led.brightness_set = work;", Context.ATOMIC),  # whatever struct it is of
        ("b->ops.event = work;", None),
        ("hrtimer_init(&b->t, 0, 0); b->t.function = work;", Context.HARDIRQ),
        ("b->t.function = work;", None),
    ],
)
def test_a_field_registers_where_the_text_shows_what_it_is_of(
    setup: str, wanted: Context | None
) -> None:
    assert context(setup) is wanted


def test_an_operation_that_must_not_sleep_is_atomic_and_interrupts_nobody() -> None:
    table = "static const struct ieee80211_ops ops = {\n\t.set_tim = work,\n};\n"
    found = where(_WORK + table)
    assert found is not None
    assert found.context is Context.ATOMIC
    assert found.context.atomic
    assert not found.context.interrupts
    assert Context.SOFTIRQ.interrupts


def test_what_a_handler_calls_runs_where_the_handler_does() -> None:
    text = (
        f"{_WORK}static void tick(struct timer_list *t)\n{{\n\twork(box_of(t));\n}}\n"
        "void setup(struct box *b)\n{\n\ttimer_setup(&b->t, tick, 0);\n}\n"
    )
    found = where(text)
    assert found is not None
    assert (found.context, found.depth, len(found.evidence)) == (Context.SOFTIRQ, 1, 2)
    assert where(text, depth=0) is None
    assert where(text.replace("static void work", "void work")) is None


def test_a_function_that_is_registered_twice_must_work_in_both() -> None:
    assert context("INIT_WORK(&b->work, work); timer_setup(&b->t, work, 0);") is Context.SOFTIRQ


def test_a_function_that_calls_itself_is_no_trouble() -> None:
    assert where("static void work(struct box *b)\n{\n\twork(b);\n}\n", depth=9) is None


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("box_resume", True),
        ("box_suspend_noirq", True),
        ("resumed_box", False),
        ("box_probe", False),
    ],
)
def test_the_name_tells_who_suspends_and_resumes(name: str, wanted: bool) -> None:
    found = function(f"int {name}(struct box *b)\n{{\n\treturn 0;\n}}\n")
    assert manages_power(found) is wanted
    assert not manages_power(body("use(b);"))
