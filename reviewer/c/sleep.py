"""Calls that can sleep, as far as the name and the arguments tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from reviewer.c.callees import callers_of, function_named, may_have_released
from reviewer.c.facts import PERHAPS, acquirers_of, gfp_argument, guard_class, sleeps
from reviewer.c.flow import Kind
from reviewer.c.gfp import may_sleep
from reviewer.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.flow import Held
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

# include/linux/gfp_types.h: these contain __GFP_DIRECT_RECLAIM.
_STATEMENTS = frozenset({"expression_statement", "declaration", "return_statement", "if_statement"})
_PERHAPS = frozenset({"conditional_expression", "binary_expression", "compound_statement"})
_FLAGS = re.compile(r"GFP_(?:KERNEL|KERNEL_ACCOUNT|USER|NOIO|NOFS)\b(?!.*[?~])")
_NOT_PASSED = re.compile(
    r"(?:__)?(?:xa|xas|idr|ida)_|gfp|might_|INIT_|[Tt]race_|_init\Z|WARN|BUG|[A-Z0-9_]+\Z"
)
_SLEEPING_LOCKS = frozenset({Kind.MUTEX, Kind.RWSEM})
_TELLING_TYPES = frozenset({"bool", "gfp_t"})
_TELLING = re.compile(r"sleep|atomic|block|wait|sync|context|gfp|flag")
_LAST_REFERENCE = re.compile(r"(?:\A|_)i?put(?:_|\Z)")
_CALLERS = 8  # of a function that are looked at
_LEVELS = 3  # of callees in view that are followed
_MADE = re.compile(
    r"\b(?:xa_init(?:_flags)?\s*\([^;]{1,120}|DEFINE_XARRAY\w*\([^;]{1,120})|XA_FLAGS_\w+"
)
_PLAINLY = re.compile(r"\bxa_(?:lock|alloc(?:_cyclic)?|store|insert|erase|cmpxchg)\s*\(")
_OF_XARRAY: frozenset[str] = frozenset({"xa_unlock", "xas_unlock"})  # their families


@dataclass(frozen=True, slots=True)
class Sleep:
    """A call that can sleep where it must not."""

    call: Call
    why: str  # "kzalloc() with GFP_KERNEL can sleep"
    depth: int  # how many calls below it the sleeping one is out of view; 0: what sleeps is shown
    held: Held  # the lock that forbids it
    acquire: Call  # where that was taken
    inner: tuple[Call, ...] = ()  # in callees in view, down to the one that sleeps
    caller: tuple[str, Call] | None = None  # who holds the lock and calls the function

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The call of the function by who holds the lock, and the calls inside of the callees."""
        above = () if self.caller is None else (_called_by(*self.caller),)
        steps = zip((self.call, *self.inner), self.inner, strict=False)
        return (*above, *(_called_by(upper.name, lower) for upper, lower in steps))


def _called_by(name: str, call: Call) -> Evidence:
    return Evidence(call.span, f"{name}() calls {call.name}()")


def sleeps_under(source: Source, function: Function, kinds: frozenset[Kind]) -> Iterator[Sleep]:
    """The calls that can sleep while a lock of these kinds is held on every path to them.

    Also where a caller in view holds it.
    """
    yield from _sleeps_for_caller(source, function, kinds)
    if not function.takes_locks or acquirers_of(kinds).isdisjoint(function.words):
        return
    in_view = source.fact(_in_view)
    for call in function.calls:
        reason = None if call.cut else why_sleeps(source, call)
        if reason is None and (call.name not in in_view or call.name == function.name):
            continue
        if reason is None and not sleeps_in(source, call):
            continue  # asked first: the flow of locks is dearer
        held = _forbids(source, function, call, kinds)
        if held is None or held.acquire is None:
            continue
        inner = sleeps_in(source, call, held.family) if reason is None else ()
        if inner:
            reason = f"{call.name}() calls {inner[-1].name}(), which can sleep", 0
        if reason and not may_have_released(source, function, held, call.node):
            why, depth = reason
            yield Sleep(call, why, depth, held, held.acquire, inner)


def _sleeps_for_caller(
    source: Source, function: Function, kinds: frozenset[Kind]
) -> Iterator[Sleep]:
    """The first call on the main path that can sleep, when a caller in view holds such a lock.

    Of callers that the patch touches nothing is said: it is said there.
    """
    if not source.whole or function.name is None or not function.static or function.has_gap:
        return
    touched = source.fact(_touched)
    for caller, call in islice(callers_of(source, function.name), _CALLERS):
        if caller.name in touched or call.cut or acquirers_of(kinds).isdisjoint(caller.words):
            continue
        held = _forbids(source, caller, call, kinds)
        if (
            held is None
            or held.acquire is None
            or may_have_released(source, caller, held, call.node)
        ):
            continue
        path = _way_down(source, function, held.family, _LEVELS)
        reason = can_sleep(path[-1]) if path else None
        if reason is not None:
            above = caller.name or ""
            yield Sleep(path[0], reason[0], 0, held, held.acquire, path[1:], (above, call))
            return


def touched_under(source: Source, kinds: frozenset[Kind]) -> Iterator[Function]:
    """The functions that the patch touches of which `sleeps_under` can have something to say.

    In hunks no caller is seen that is not touched itself.
    """
    return iter(source.touched) if source.whole else source.touched_with(acquirers_of(kinds))


def _in_view(source: Source) -> frozenset[str | None]:
    return frozenset(unit.name for unit in source.function_units)


def _touched(source: Source) -> frozenset[str | None]:
    return frozenset(each.name for each in source.touched)


def sleeps_in(
    source: Source, call: Call, family: str | None = None, levels: int = _LEVELS
) -> tuple[Call, ...]:
    """The calls from a callee in view down to one that can sleep.

    Each is on the main path, or the last on some path of a function that nobody can tell not to
    sleep. Empty when there is none, or when the callee gives back a lock of the family.
    """
    known = source.fact(_known)
    key = (call.name, family, levels)
    if key not in known:
        known[key] = ()  # what calls itself says nothing new of itself
        callee = function_named(source, call.name) if levels > 0 else None
        if callee is not None and not (callee.has_gap or callee.has_error):
            known[key] = _way_down(source, callee, family, levels)
    return known[key]


def _known(_: Source) -> dict[tuple[str, str | None, int], tuple[Call, ...]]:
    return {}


def _way_down(
    source: Source, function: Function, family: str | None, levels: int
) -> tuple[Call, ...]:
    if family is not None and family in function.unit.text:
        return ()  # it may give the lock of its caller back
    for call in function.calls:
        if call.cut or call.loop or not on_main_path(function, call):
            continue
        reason = why_sleeps(source, call)
        if reason is not None and reason[1] == 0:
            return (call,)
        below = () if reason is not None else sleeps_in(source, call, family, levels - 1)
        if below:
            return (call, *below)
    if is_told(function) or "unlock" in function.unit.text:
        return ()
    for call in function.calls:
        reason = None if call.cut or call.loop else why_sleeps(source, call)
        if reason is not None and reason[1] == 0:
            return (call,)
    return ()


def is_told(function: Function) -> bool:
    """Whether a parameter may say if the function is to sleep."""
    return any(
        each.type.name in _TELLING_TYPES or _TELLING.search(each.name)
        for each in function.parameters
    )


def on_main_path(function: Function, call: Call) -> bool:
    """Whether the call is in a statement of the function itself: only a way out can pass it by."""
    return _statement_in(call.node) == function.node.child_by_field_name("body")


def _statement_in(node: Node) -> Node | None:
    """What holds the statement of a call that is evaluated whenever the statement is reached."""
    if node.type == "while_statement":
        return node.parent  # a scoped guard
    above = node.parent
    while above is not None and above.type not in _STATEMENTS:
        if above.type in _PERHAPS:
            return None
        above = above.parent
    return above.parent if above is not None else None


def why_sleeps(source: Source, call: Call) -> tuple[str, int] | None:
    """As `can_sleep`; a static function of the file is not the one that the tables know."""
    found = can_sleep(call)
    own = found is not None and call.name in source.fact(_static)
    return None if own and sleeps(call.name) is not None else found


def _static(source: Source) -> frozenset[str]:
    return frozenset(
        unit.name
        for unit in source.function_units
        if unit.name is not None and unit.masked.lstrip().startswith("static ")
    )


def can_sleep(call: Call) -> tuple[str, int] | None:
    """Why the call can sleep, and how many calls below it that happens; None: not known to.

    Whoever passes GFP_KERNEL to a function says that it may sleep in there.
    """
    if call.guard:
        lock = guard_class(call.arguments[0]) if call.arguments else None
        sleeping = lock is not None and lock.kind in _SLEEPING_LOCKS and not lock.result
        return (f"{call.name}({call.arguments[0]}) can sleep", 0) if sleeping else None
    allocation = gfp_argument(call.name)
    if allocation is not None:
        flags = call.arguments[allocation] if allocation < len(call.arguments) else ""
        if may_sleep(flags):
            return f"{call.name}() with {flags} can sleep", 0
        return None
    depth = sleeps(call.name)
    if depth is not None:
        # A put sleeps with the last reference only.
        unsure = depth == PERHAPS or _LAST_REFERENCE.search(call.name) is not None
        return f"{call.name}() can sleep", max(depth, 1) if unsure else 0
    flags = next((text for text in call.arguments if _FLAGS.match(text)), "")
    if not flags or call.loop or _NOT_PASSED.search(call.name):
        return None
    return f"{call.name}() with {flags} can sleep", 0


def _forbids(source: Source, function: Function, call: Call, kinds: frozenset[Kind]) -> Held | None:
    """The lock taken first of those under which the call must not sleep.

    `__xa_store()` and its kin drop the lock of the XArray while they allocate.
    """
    dropped = _OF_XARRAY if call.name.startswith("__xa_") else frozenset()
    held = [
        lock
        for lock in function.flow.at(call.node).must
        if lock.kind in kinds and lock.atomic and lock.acquire is not None
        if lock.family not in dropped or _keeps_irqs_off(source, function, lock.acquire)
    ]
    return min(held, key=lambda lock: lock.acquire.span.line if lock.acquire else 0, default=None)


def _keeps_irqs_off(source: Source, function: Function, taken: Call) -> bool:
    """Whether interrupts stay off while the lock of an XArray taken so is dropped.

    They do unless the array was made with XA_FLAGS_LOCK_IRQ. That it was not tells how it is made,
    or the plain lock that the patch takes away here.
    """
    if "_irq" not in taken.name:
        return False
    made = [text for unit in source.units for text in _MADE.findall(unit.text)]
    if any("LOCK_IRQ" in text for text in made):
        return False
    return bool(made) or _PLAINLY.search(function.unit.gone) is not None
