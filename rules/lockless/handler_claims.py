"""A handler that user space calls tests a field and then sets it, with no lock in between.

Any number of tasks can be in a `store`, `write`, `ioctl` or `open` handler at the same time. Two
of them both find the field free, both go on, and the second overwrites what the first has stored.
Do both under a lock, or with `cmpxchg()`.

It is fine where the caller holds a lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.onward import follows
from reviewer.c.reach import Objects, Reach
from reviewer.c.syntax import Use
from reviewer.c.tested import early_exit, reads_of
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Assignment

_FREE = frozenset({"0", "NULL", "false"})
_HANDLERS = (
    ("struct device*", "struct device_attribute*", "char*", "size_t"),  # sysfs store
    ("struct kobject*", "struct kobj_attribute*", "char*", "size_t"),
    ("struct config_item*", "char*", "size_t"),  # configfs store
    ("struct file*", "char*", "size_t"),  # write; of proc, debugfs, nfsd as well
    ("struct file*", "unsigned int", "unsigned long"),  # ioctl
    ("struct inode*", "struct file*"),  # open
)
_TRIGGERS = frozenset({"device_attribute", "kobj_attribute", "config_item", "file"})
_ENDS = ("release", "close", "read", "flush", "show")


def check(source: Source) -> Iterator[Finding]:
    """Early exits on what is then assigned, with no lock held at either."""
    for function in source.touched_with(_TRIGGERS):
        if "return" not in function.words or not _is_handler(function):
            continue
        objects = Objects(function, source)
        read = {access.text for access in function.accesses if access.use is not Use.WRITE}
        for store in function.assignments:
            fits = store.operator == "=" and not store.declares and store.value not in _FREE
            if not fits or store.target not in read:
                continue
            test = _test(function, store)
            if test is not None and objects.reach(store.target_node) is Reach.SHARED:
                yield from _finding(function, test, store)
                break


def _is_handler(function: Function) -> bool:
    if not function.header_shown or (function.name or "").endswith(_ENDS):
        return False
    types = tuple(each.type.name + "*" * each.type.pointer for each in function.parameters)
    return any(types[: len(handler)] == handler for handler in _HANDLERS)


def _test(function: Function, store: Assignment) -> Node | None:
    """The `if` that leaves when it is already set, on the only way to the store."""
    for node in reads_of(function, store.target):
        branch = early_exit(function, node, zero=False)
        if branch is not None and follows(branch, store.node):
            where = (node, store.node)
            if all(function.flow.at(each).surely_none for each in where):
                return branch
    return None


def _finding(function: Function, test: Node, store: Assignment) -> Iterator[Finding]:
    span = function.span(test)
    if span is None:
        return
    yield Finding(
        span=span,
        message=f"nothing keeps two callers apart here: both can find {store.target} free, and the "
        "second overwrites what the first has set",
        function=function.name,
        evidence=(Evidence(store.span, f"{store.target} is set here, with no lock held either"),),
        fix=Fix("test and set it under a lock, or with cmpxchg()"),
    )


rule = Rule(
    title="A handler tests and sets a field without a lock",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_TRIGGERS,
    links=("https://docs.kernel.org/kernel-hacking/locking.html",),
)
