"""An assertion that a lock is held is content when somebody else holds it.

`mutex_is_locked()` and its kin say that some task holds the lock, not which one, so that the
assertion misses the very mistake it is there for. Without SMP `spin_is_locked()` is always false.
`lockdep_assert_held()` knows the holder, and costs nothing when lockdep is off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.callees import function_named
from reviewer.model import Confidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_ASKS = frozenset({"mutex_is_locked", "spin_is_locked", "rwsem_is_locked"})
_ASSERTS = ("WARN_ON", "WARN_ON_ONCE", "BUG_ON", "VM_BUG_ON", "VM_WARN_ON", "VM_WARN_ON_ONCE")


def check(source: Source) -> Iterator[Finding]:
    """The first `WARN_ON(!mutex_is_locked(..))` of a file that the patch does not only rewrite."""
    before = source.before
    for function in source.touched_with(_ASKS) if before is not None else ():
        old = function_named(before, function.name) if before and function.name else None
        for call in function.calls:
            asked = call.name in _ASKS and (old is None or call.name not in old.words)
            if asked and call.arguments and _is_asserted(function, call.node):
                yield _finding(function, call)
                return


def _finding(function: Function, call: Call) -> Finding:
    lock = call.arguments[0]
    return Finding(
        span=call.span,
        message=f"this is content when somebody else holds {lock}; "
        "lockdep_assert_held() asks whether this task does",
        function=function.name,
        fix=Fix(f"use lockdep_assert_held({lock})"),
    )


def _is_asserted(function: Function, node: Node) -> bool:
    """Whether it is the negation of the call that an assertion gets, and nothing else."""
    negated = node.parent
    if negated is None or function.text(negated)[:1] != "!":
        return False
    arguments = negated.parent
    above = arguments.parent if arguments is not None else None
    called = above.child_by_field_name("function") if above is not None else None
    return called is not None and function.text(called) in _ASSERTS


rule = Rule(
    title="A lock that anybody may hold satisfies the assertion",
    severity=Severity.NOTE,
    confidence=Confidence.HUNCH,
    since="0.1",
    check=check,
    triggers=_ASKS,
    compares=True,
    links=("https://docs.kernel.org/locking/lockdep-design.html",),
)
