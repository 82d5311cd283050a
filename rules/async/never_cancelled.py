"""A work or timer is started, and its object is freed with nothing that stops it.

What was queued runs when its time has come, whether the device is still bound or not: on memory
that `kfree()` or devm has given to somebody else. Cancel it, with the form that waits, before.

The rule speaks where the whole file is in view and declares the struct itself, so that no other
file can reach the member. It is fine where the callback holds a reference to the object.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.callees import calls_below, function_named
from reviewer.c.owned import declares, member_of
from reviewer.c.stops import callbacks, member, started, tears_down
from reviewer.c.unit import Kind
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Need, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_SETUPS: Mapping[str, str] = {
    "INIT_WORK": "cancel_work_sync",
    "INIT_DELAYED_WORK": "cancel_delayed_work_sync",
    "INIT_DEFERRABLE_WORK": "cancel_delayed_work_sync",
    "timer_setup": "timer_shutdown_sync",
    "hrtimer_setup": "hrtimer_cancel",
    "tasklet_setup": "tasklet_kill",
}
_FREES = frozenset({"kfree", "kvfree", "vfree", "kfree_sensitive", "kmem_cache_free"})
_MANAGED = frozenset({"devm_kzalloc", "devm_kmalloc", "devm_kcalloc"})
_ENDS = _FREES | _MANAGED
_STOPS_ALL = re.compile(
    r"destroy_workqueue|flush_workqueue|drain_workqueue|flush_scheduled|autocancel"
    r"|devm_alloc\w*workqueue|suppress_bind_attrs|builtin_\w*driver"
)
_WAITS = re.compile(r"wait|drain|flush")
_KEEPS = re.compile(
    r"(?:^|_)(?:put|free|kfree|release|destroy|unref|complete|complete_all|wake_up\w*)(?:_|\Z)"
)
_CONTAINERS = re.compile(r"\b(?:container_of|from_\w+|timer_container_of)\s*\([^()]*\)")
_HARMLESS = re.compile(
    r"INIT_\w*WORK|\w*setup\w*|work_pending|delayed_work_pending|timer_pending|dev_\w+"
)


def check(source: Source) -> Iterator[Finding]:
    """Members of a struct of this file that are started, never stopped, and freed."""
    for function in source.touched:
        for call in function.calls:
            if call.name not in _SETUPS or call.cut or not call.argument_nodes:
                continue
            target = member_of(function, call.arguments[0])
            if target is None or target.struct is None or not declares(source, target.struct):
                continue
            start = _only_started(source, target.field)
            freed = _freed(source, target.struct) if start is not None else None
            if start is not None and freed is not None and _forgets(source, target.field):
                yield _finding(function, call, target.field, start, freed)


def _only_started(source: Source, name: str) -> Call | None:
    """The first call that starts it; None when something in the file may stop it."""
    first: Call | None = None
    uses = 0
    word = re.compile(rf"(?:->|\.)\s*{re.escape(name)}\b")
    for unit in source.units:
        if unit.kind is not Kind.STRUCT:
            if _STOPS_ALL.search(unit.text):
                return None
            uses += len(word.findall(_CONTAINERS.sub("", unit.text)))
    for function in source.functions_with(name):
        for call in function.calls:
            if _CONTAINERS.match(f"{call.name}()"):
                continue
            passed = sum(member(text) == name for text in call.arguments)
            starts = passed and started(call) == name
            if passed and not starts and not _HARMLESS.fullmatch(call.name):
                return None
            uses -= passed if starts or _HARMLESS.fullmatch(call.name) else 0
            first = first or (call if starts else None)
    return first if uses <= 0 else None


def _freed(source: Source, struct: str) -> Call | None:
    """The call that ends the life of such an object when the device goes."""
    for function in source.functions_naming(_ENDS):
        torn = tears_down(function) and not any(_WAITS.search(c.name) for c in function.calls)
        for call in function.calls:
            if torn and call.name in _FREES and _is_pointer(function, call.arguments[-1:], struct):
                return call
        for store in function.assignments:
            name = store.value.partition("(")[0]
            if name in _MANAGED and _is_pointer(function, (store.target,), struct):
                return next(c for c in function.calls if c.name == name)
    return None


def _is_pointer(function: Function, texts: tuple[str, ...], struct: str) -> bool:
    variable = function.variables.get(texts[0]) if texts else None
    return variable is not None and variable.type.pointer == 1 and variable.type.struct == struct


def _forgets(source: Source, name: str) -> bool:
    """Whether the callback is in view, and neither it nor its callees drop a reference."""
    found = list(callbacks(source, name))
    for callback in found:
        function = function_named(source, callback)
        if function is None:
            return False
        calls = calls_below(source, function, 2)
        if any(_KEEPS.search(call.name) for call in calls):
            return False
    return bool(found)


def _finding(function: Function, call: Call, name: str, start: Call, freed: Call) -> Finding:
    managed = freed.name in _MANAGED
    when = "devm frees" if managed else f"{freed.name}() frees"
    return Finding(
        span=call.span,
        message=f"nothing in this file stops {name} before {when} the object that it lies in",
        function=function.name,
        evidence=(
            Evidence(start.span, "it is started here"),
            Evidence(freed.span, "freed when the device is unbound" if managed else "freed here"),
        ),
        fix=Fix(f"call {_SETUPS[call.name]}() before the object is freed"),
    )


rule = Rule(
    title="A work or timer that nothing stops",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(_SETUPS),
    needs=Need.FILE,
    links=("https://docs.kernel.org/core-api/workqueue.html",),
)
