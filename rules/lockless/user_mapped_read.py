"""A field that user space can change while the kernel looks is read plainly.

An SQE and the entries of a provided buffer ring lie in memory that the application has mapped. The
compiler may load a plainly read field again after the kernel has checked it, and then acts on
another value. Read it once with `READ_ONCE()` into a local variable, check that, and use only that.

It is fine to test fields that must be zero and to refuse the request if they are not: whatever they
become later is not used.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reviewer.c.syntax import Use
from reviewer.c.usermapped import is_user_mapped, is_user_program, payloads
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Access

_LOADS = frozenset({Use.READ, Use.TEST})
_ACCESSORS = frozenset({"READ_ONCE", "WRITE_ONCE", "data_race", "smp_load_acquire"})
_STATEMENTS = ("statement", "declaration")
_UNEVALUATED = ("sizeof_expression", "offsetof_expression", "alignof_expression")


def check(source: Source) -> Iterator[Finding]:
    """Plain reads of shared ring entries whose value is used."""
    if is_user_program(source.path):
        return
    for function in source.touched:
        known = payloads(function)
        plain: dict[str, list[Access]] = {}
        for access in function.accesses:
            if access.use in _LOADS and is_user_mapped(function, access, known):
                plain.setdefault(access.base, []).append(access)
        for base, reads in plain.items():
            yield from _judged(function, reads, base in known)


def _judged(function: Function, reads: list[Access], payload: bool) -> Iterator[Finding]:
    """One finding for all reads of one entry.

    Every field of an SQE is read with READ_ONCE(). Of the command in it, and of buffer entries, a
    single load is common; it is the second load of the same field that can see another value.
    """
    loads = [access for access in reads if not _is_marked(function, access)]
    times = Counter(access.field for access in loads)
    used = [each for each in loads if not _is_tested(each)]
    if payload or any(each.struct == "io_uring_buf" for each in used):
        used = [each for each in used if times[each.field] > 1]
    if used:
        yield _finding(function, used, times[used[0].field] > 1)


def _is_marked(function: Function, access: Access) -> bool:
    """Whether it is an operand of READ_ONCE() or the like, or is not evaluated at all."""
    node = access.node.parent
    while node is not None and not node.type.endswith(_STATEMENTS):
        called = node.child_by_field_name("function")
        if called is not None and function.text(called) in _ACCESSORS:
            return True
        if node.type in _UNEVALUATED or node.type == "subscript_expression":
            return node.type in _UNEVALUATED
        if node.type == "pointer_expression" and node.children[0].type == "&":
            return True
        node = node.parent
    return False


def _is_tested(access: Access) -> bool:
    """Whether it is only a part of the condition of a statement."""
    below, node = access.node, access.node.parent
    while node is not None and not node.type.endswith(_STATEMENTS):
        below, node = node, node.parent
    return node is None or node.child_by_field_name("condition") == below


def _finding(function: Function, reads: list[Access], twice: bool) -> Finding:
    access = reads[0]
    others = [
        other
        for other in function.accesses
        if other.base == access.base and other.argument_of == "READ_ONCE"
    ]
    marked = tuple(Evidence(each.span, "its neighbour is read with READ_ONCE()") for each in others)
    more = tuple(Evidence(each.span, f"{each.text} is read plainly too") for each in reads[1:])
    risk = (
        "it is read twice and the values can differ" if twice else "the compiler may load it twice"
    )
    return Finding(
        span=access.span,
        message=f"{access.text} is in memory that user space can change at any time; {risk}",
        function=function.name,
        evidence=marked[:1] + more[:3],
        fix=Fix(f"read {access.text} once with READ_ONCE(), then check and use that value"),
    )


rule = Rule(
    title="A field that user space can change is read plainly",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"sqe", "io_uring_sqe", "io_uring_buf", "io_uring_sqe_cmd", "io_uring_cmd"}),
    links=(
        "https://docs.kernel.org/dev-tools/kcsan.html",
        "https://docs.kernel.org/core-api/wrappers/memory-barriers.html",
    ),
)
