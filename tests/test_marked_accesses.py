"""Accesses that say they are concurrent, GFP flags, and memory that user space has mapped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reviewer.c.gfp import flags_of, may_sleep, parameter
from reviewer.c.marked import Place, marked, plain_stores
from reviewer.c.source import Source
from reviewer.c.structs import structs_of
from reviewer.c.units import units_of_text
from reviewer.c.usermapped import is_user_mapped, is_user_program, payloads
from reviewer.model import Side

if TYPE_CHECKING:
    from reviewer.c.function import Function


def _function(code: str) -> Function:
    units = units_of_text(code, ())
    source = Source("fs/demo.c", Side.NEW, units, structs_of(units, "fs/demo.c", Side.NEW), True)
    return source.functions[0]


def test_a_field_is_one_place_whatever_the_variable_is_called() -> None:
    function = _function(
        "struct demo { int state; };\n"
        "void f(struct demo *a, struct demo *b)\n{\n"
        "\tif (READ_ONCE(a->state))\n\t\tb->state = 1;\n}\n"
    )
    loads = [place for place, _ in marked(function, frozenset({"READ_ONCE"}))]
    stores = [place for place, _ in plain_stores(function)]
    assert loads == stores == [Place("demo", "state")]


def test_without_the_struct_the_place_is_the_expression_with_empty_subscripts() -> None:
    function = _function("void f(void)\n{\n\tdemo_limit[READ_ONCE(demo_next)] = 3;\n}\n")
    assert [place for place, _ in plain_stores(function)] == [Place(None, "demo_limit[]")]


def test_an_exchange_marks_what_its_first_argument_points_to() -> None:
    function = _function("void f(void)\n{\n\tcmpxchg(&demo_owner, 0, 1);\n}\n")
    assert [place for place, _ in marked(function, frozenset())] == [Place(None, "demo_owner")]


@pytest.mark.parametrize(
    ("flags", "sleeps"),
    [
        ("GFP_KERNEL", True),
        ("GFP_NOFS | __GFP_NOFAIL", True),
        ("GFP_ATOMIC", False),
        ("GFP_KERNEL & ~__GFP_DIRECT_RECLAIM", False),
        ("atomic ? GFP_ATOMIC : GFP_KERNEL", False),
        ("gfp", False),
    ],
)
def test_flags_may_sleep_only_when_the_text_is_clear(flags: str, sleeps: bool) -> None:
    assert may_sleep(flags) is sleeps


def test_the_flags_of_an_allocator_and_of_the_caller_are_told_apart() -> None:
    function = _function("void *f(int n, gfp_t gfp)\n{\n\treturn kmalloc(n, GFP_KERNEL);\n}\n")
    assert parameter(function) == "gfp"
    assert flags_of(function.calls[0]) == "GFP_KERNEL"


def test_a_pointer_into_the_command_of_an_sqe_is_followed() -> None:
    function = _function(
        "int f(struct io_uring_cmd *cmd)\n{\n"
        "\tconst struct demo_req *req = io_uring_sqe_cmd(cmd->sqe);\n\n"
        "\treturn req->slot + cmd->flags;\n}\n"
    )
    known = payloads(function)
    shared = [a.text for a in function.accesses if is_user_mapped(function, a, known)]
    assert list(known) == ["req"]
    assert shared == ["req->slot"]


def test_until_linux_6_5_a_command_had_a_pointer_to_its_payload() -> None:
    function = _function(
        "int f(struct io_uring_cmd *ioucmd)\n{\n"
        "\tstruct demo_req *req = (struct demo_req *)ioucmd->cmd;\n\n\treturn req->slot;\n}\n"
    )
    assert list(payloads(function)) == ["req"]


def test_a_program_that_fills_the_ring_is_let_alone() -> None:
    assert is_user_program("tools/testing/demo.c")
    assert not is_user_program("io_uring/rw.c")
