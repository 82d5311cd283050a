"""An RCU callback does nothing but free its object.

`kfree_rcu()` does the same without a function of one's own: it batches, it can be used with no
`rcu_barrier()` before the module goes, and it says what it does where it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.callees import function_named
from reviewer.model import Confidence, Evidence, Finding, Fix, Safety, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_FREES = frozenset({"kfree", "kvfree"})


def check(source: Source) -> Iterator[Finding]:
    """Calls of call_rcu() whose callback, in view, only frees what contains its head."""
    for function in source.touched_with({"call_rcu"}):
        for call in function.calls:
            if call.name == "call_rcu" and len(call.arguments) == 2 and not call.cut:
                callback = function_named(source, call.arguments[1])
                free = None if callback is None else _only_free(callback)
                if callback is not None and free is not None:
                    yield _finding(function, call, callback, free)


def _only_free(callback: Function) -> Call | None:
    """The call that frees, when the function consists of it and of container_of()."""
    if callback.has_gap or callback.has_error or len(callback.parameters) != 1:
        return None
    body = callback.node.child_by_field_name("body")
    frees = [call for call in callback.calls if call.name in _FREES]
    others = [call for call in callback.calls if call.name not in (*_FREES, "container_of")]
    if body is None or len(frees) != 1 or others or len(callback.assignments) > 1:
        return None
    statements = [each for each in body.named_children if each.type != "comment"]
    plain = all(each.type in ("declaration", "expression_statement") for each in statements)
    value = [store for store in callback.assignments if store.value.startswith("container_of")]
    freed = frees[0].arguments[0] if frees[0].arguments else ""
    owns = freed.startswith("container_of") or any(store.target == freed for store in value)
    return frees[0] if plain and owns else None


def _finding(function: Function, call: Call, callback: Function, free: Call) -> Finding:
    head = call.arguments[0].lstrip("&").strip()
    name, _, member = head.rpartition("->")
    how = f"{free.name}_rcu({name}, {member})" if name else f"{free.name}_rcu()"
    return Finding(
        span=call.span,
        message=f"{callback.name}() does nothing but {free.name}() its object; {how} does that "
        "without a callback",
        function=function.name,
        evidence=(Evidence(free.span, "this is all that the callback does"),),
        fix=Fix(f"write {how} and drop {callback.name}()", Safety.SUGGEST),
    )


rule = Rule(
    title="An RCU callback does nothing but free",
    severity=Severity.NOTE,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"call_rcu"}),
    links=(
        "https://docs.kernel.org/RCU/checklist.html",
        "https://docs.kernel.org/core-api/kernel-api.html",
    ),
)
