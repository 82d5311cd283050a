"""Memory that user space has mapped and can change at any moment: entries of the io_uring rings.

Source of the facts: include/uapi/linux/io_uring.h and include/linux/io_uring/cmd.h of Linux 6.12.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reviewer.c.function import Function
    from reviewer.c.syntax import Access

USER_STRUCTS = frozenset({"io_uring_sqe", "io_uring_buf"})
_ARRAYS = frozenset({"cmd", "big_sqe_cmd"})  # members that are arrays: naming them loads nothing
_SQE = re.compile(r"(?:\w+(?:->|\.))+sqe\Z")
_PAYLOAD = re.compile(
    r"(?:\([\w\s]+\*+\s*\)\s*)?(?:io_uring_sqe(?:128)?_cmd\s*\(.*\)|[\w>.-]*sqe->cmd)\Z", re.DOTALL
)
_OLD_PAYLOAD = re.compile(r"(?:\([\w\s]+\*+\s*\)\s*)?(\w+)->cmd\Z")
_USER_PROGRAMS = ("tools/", "test/", "tests/", "examples/", "src/", "samples/", "man/")


def is_user_program(path: str) -> bool:
    """Whether the file is of a program that fills the ring: there it is its own memory."""
    return path.startswith(_USER_PROGRAMS)


def payloads(function: Function) -> Mapping[str, str]:
    """The variables that point into the command of an SQE, with what they were set to."""
    return {
        store.target: store.value
        for store in function.assignments
        if store.target.isidentifier() and _is_payload(function, store.value[:200])
    }


def _is_payload(function: Function, value: str) -> bool:
    """Until Linux 6.5, `struct io_uring_cmd` had a pointer to it."""
    if _PAYLOAD.match(value):
        return True
    old = _OLD_PAYLOAD.match(value)
    variable = None if old is None else function.variables.get(old[1])
    return variable is not None and variable.type.name == "struct io_uring_cmd"


def is_user_mapped(function: Function, access: Access, known: Mapping[str, str]) -> bool:
    """Whether the field lies in memory that user space shares; `known` are the `payloads`."""
    if access.field in _ARRAYS:
        return False
    if access.struct is not None:
        return access.struct in USER_STRUCTS or access.base in known
    if access.base in known:
        return True
    return _SQE.match(access.base) is not None and _takes_commands(function)


def _takes_commands(function: Function) -> bool:
    """Whether the SQE is that of io_uring: hardware queues have entries of this name too."""
    return "io_uring" in function.path or "io_uring" in function.unit.text
