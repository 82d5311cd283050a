"""The tables of the kernel's API."""

from __future__ import annotations

import subprocess
import sys

import pytest

from reviewer.c import facts
from reviewer.c.flow import Kind


def test_a_lock_call_says_what_it_takes() -> None:
    taken = facts.lock_call("spin_lock_irqsave")
    assert taken is not None
    assert (taken.acquires, taken.kind, taken.family) == (True, Kind.SPIN, "spin_unlock")
    assert (taken.argument, taken.irq, taken.bh, taken.shared) == (0, True, False, False)


def test_a_release_belongs_to_the_family_of_its_acquire() -> None:
    given = facts.lock_call("spin_unlock_irqrestore")
    assert given is not None
    assert (given.acquires, given.family, given.irq) == (False, "spin_unlock", True)


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("mutex_lock", ""),
        ("mutex_trylock", "true"),
        ("mutex_lock_interruptible", "zero"),
        ("down_trylock", "zero"),
        ("down_read_trylock", "true"),
        ("pte_offset_map_lock", "true"),
    ],
)
def test_a_lock_that_may_fail_says_when_it_succeeded(name: str, result: str) -> None:
    found = facts.lock_call(name)
    assert found is not None
    assert found.result == result


def test_every_acquire_has_a_release_of_its_family() -> None:
    calls = facts.lock_calls().values()
    released = {(call.kind, call.family) for call in calls if not call.acquires}
    assert {(call.kind, call.family) for call in calls if call.acquires} == released


@pytest.mark.parametrize(
    ("name", "kind", "bh", "irq"),
    [
        ("hci_dev_lock", Kind.MUTEX, False, False),
        ("filemap_invalidate_lock_shared", Kind.RWSEM, False, False),
        ("txd_lock", Kind.SPIN, True, False),
        ("uart_port_lock_irqsave", Kind.SPIN, False, True),
    ],
)
def test_a_wrapper_of_the_headers_is_the_lock_that_it_wraps(
    name: str, kind: Kind, bh: bool, irq: bool
) -> None:
    found = facts.lock_call(name)
    assert found is not None
    assert (found.kind, found.bh, found.irq, found.argument) == (kind, bh, irq, 0)


def test_rcu_readers_have_no_argument_and_srcu_may_sleep() -> None:
    reader, sleeper = facts.lock_call("rcu_read_lock"), facts.lock_call("srcu_read_lock")
    assert reader is not None
    assert sleeper is not None
    assert (reader.kind, reader.argument) == (Kind.RCU, None)
    assert (sleeper.kind, sleeper.argument) == (Kind.SRCU, 0)


def test_a_guard_class_is_the_acquire_it_stands_for() -> None:
    assert facts.guard_class("rwsem_read") == facts.lock_call("down_read")
    assert facts.guard_class("box_bus") is None


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("msleep", 0),
        ("mutex_lock", 0),
        ("schedule", 0),
        ("wait_event_interruptible", 0),
        ("copy_to_user", 0),
        ("synchronize_rcu", 0),
        ("usb_control_msg", 0),
        ("mutex_trylock", None),
        ("mutex_unlock", None),
        ("kfree", None),
        ("kmalloc", None),
        ("xa_erase_irq", None),
        ("schedule_preempt_disabled", None),
        ("spin_lock", None),
    ],
)
def test_direct_sleepers_are_told_from_those_that_do_not_sleep(
    name: str, level: int | None
) -> None:
    assert facts.sleeps(name) == level


def test_a_function_that_always_calls_a_sleeper_is_further_away() -> None:
    assert facts.sleeps("device_add") == 1
    assert facts.sleeps("hci_dev_lock") == 1  # a macro over mutex_lock()


def test_what_sleeps_on_some_paths_only_is_marked() -> None:
    assert facts.sleeps("blkcg_activate_policy") == facts.PERHAPS


@pytest.mark.parametrize(
    ("name", "argument"),
    [("kmalloc", 1), ("kcalloc", 2), ("idr_alloc", 4), ("usb_submit_urb", 1), ("kfree", None)],
)
def test_the_gfp_argument_is_known_by_position(name: str, argument: int | None) -> None:
    assert facts.gfp_argument(name) == argument


def test_an_rcu_field_is_known_by_its_struct() -> None:
    found = facts.rcu_field("net_device", "ip_ptr")
    assert found is not None
    assert (found.pointee, found.header) == ("struct in_device", "include/linux/netdevice.h")
    assert facts.rcu_field("demo_device", "ip_ptr") is None


@pytest.mark.parametrize(
    ("name", "cursor", "container", "safe", "rcu"),
    [
        ("list_for_each_entry", 0, 1, False, False),
        ("list_for_each_entry_safe_reverse", 0, 2, True, False),
        ("hlist_for_each_entry_rcu", 0, 1, False, True),
        ("hash_for_each_safe", 3, 0, True, False),
        ("xa_for_each", 2, 0, False, False),
        ("idr_for_each_entry", 1, 0, False, False),
        ("for_each_process", 0, None, False, False),
    ],
)
def test_an_iterator_names_its_cursor_and_its_container(
    name: str, cursor: int, container: int | None, safe: bool, rcu: bool
) -> None:
    found = facts.iterator(name)
    assert found is not None
    assert (found.cursor, found.container) == (cursor, container)
    assert (found.safe, found.rcu) == (safe, rcu)
    assert cursor in found.assigned


def test_unknown_names_are_in_no_table() -> None:
    assert facts.lock_call("box_frob") is None
    assert facts.iterator("for_each_box") is None
    assert facts.sleeps("box_frob") is None


def test_no_table_is_read_before_it_is_asked() -> None:
    code = (
        "import sys, time, pathlib\n"
        "from reviewer.c import facts\n"
        "real, read = pathlib.Path.read_text, []\n"
        "def reading(self, *a, **k):\n"
        "    read.append(self.name)\n"
        "    return real(self, *a, **k)\n"
        "pathlib.Path.read_text = reading\n"
        "assert facts.sleeps('msleep') == 0\n"
        "facts.sleeps('mdelay')\n"
        "print(read)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['may_sleep.tsv']"
