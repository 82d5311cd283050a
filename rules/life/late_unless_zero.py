"""A reference that can fail is taken on an object that nothing keeps until then.

`kref_get_unless_zero()` and its kin read the counter of the object: when they find zero, the memory
must still be there. A look-up such as `xa_load()` or `idr_find()` keeps it only inside of its own
RCU section, which is over when it returns. Look up and take the reference in one section of
`rcu_read_lock()`, or under the lock of those who remove entries.

It is fine where the caller holds that lock or section, which a comment or lockdep_assert_held()
should then say.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.after import reachable
from reviewer.c.escapes import LOOKUPS, finds_under_rcu
from reviewer.c.uses import takes_if_alive
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Assignment, Call

_OWN_SECTION = frozenset({"rhashtable_lookup_get_insert_key", "rhashtable_lookup_get_insert_fast"})
_FINDS = LOOKUPS | _OWN_SECTION
_CALLER_KEEPS = re.compile(r"__\w+|\w*(?:_locked|_unlocked|_rcu|_nolock|_under_\w+)")


def check(source: Source) -> Iterator[Finding]:
    """The gets that can fail, of what was found with nothing held from the look-up on."""
    for function in source.touched:
        if _CALLER_KEEPS.fullmatch(function.name or "__"):
            continue
        gets = [call for call in function.calls if takes_if_alive(call.name) and call.arguments]
        calls = {call.node.id: call for call in function.calls} if gets else {}
        for store in function.assignments:
            found = calls.get(store.value_node.id)
            if found is None or not store.target.lstrip("*").isidentifier():
                continue
            if found.name in _FINDS or finds_under_rcu(found.name):
                yield from _late(function, store, found, gets)


def _late(
    function: Function, store: Assignment, found: Call, gets: list[Call]
) -> Iterator[Finding]:
    name = store.target.lstrip("*")
    ours = [get for get in gets if _is_on(get, name) and _bare(function, get)]
    if not ours or not _bare(function, found):
        return
    after = {each.id for each in reachable(function, store.node, of=name)}
    get = next((get for get in ours if get.node.id in after), None)
    if get is not None:
        yield _finding(function, name, found, get)


def _bare(function: Function, call: Call) -> bool:
    return function.flow.at(call.node).surely_none


def _is_on(get: Call, name: str) -> bool:
    return re.match(rf"&?\(?{re.escape(name)}\b(?:->\w+)*\)?\Z", get.arguments[0]) is not None


def _finding(function: Function, name: str, found: Call, get: Call) -> Finding:
    return Finding(
        span=get.span,
        message=f"{get.name}() reads the counter of {name}, which nothing has kept since "
        f"{found.name}(): with no RCU section or lock around both, {name} can be freed in between",
        function=function.name,
        evidence=(Evidence(found.span, f"{found.name}() finds it here"),),
        fix=Fix(f"hold rcu_read_lock() from {found.name}() to {get.name}()"),
    )


rule = Rule(
    title="A reference is taken too late after a look-up",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_FINDS,
    links=(
        "https://docs.kernel.org/RCU/rcuref.html",
        "https://docs.kernel.org/core-api/xarray.html",
    ),
)
