"""In which context a function runs, as far as its registration is in view."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

from reviewer.c.callees import callers_of
from reviewer.c.facts import callback_contexts
from reviewer.c.place import Place
from reviewer.c.unit import Kind
from reviewer.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.unit import Unit

_NAME = re.compile(r"&?\s*(?:\([^()]*\)\s*)?([A-Za-z_]\w*)\Z")
_MEMBER = re.compile(r"\.\s*(\w+)\s*=\s*&?([A-Za-z_]\w*)\s*[,}\n]")
_FILE_SCOPE = (Kind.INITIALISER, Kind.DECLARATION, Kind.MACRO)
_POWER = re.compile(
    r"(?:^|_)(?:resume|suspend|reset_resume|pre_reset|post_reset|freeze|thaw|poweroff|restore)"
    r"(?:_(?:early|late|noirq))?\Z"
)
_CALLERS = 8  # that are asked for a function which is not registered itself
_LONGEST = 100_000  # characters of a table at file scope that are searched


class Context(StrEnum):
    """Where a function runs. In all but PROCESS it must not sleep."""

    HARDIRQ = "hardirq"
    SOFTIRQ = "softirq"  # timer, tasklet, NAPI
    RCU = "rcu"  # an RCU callback, in softirq
    COMPLETION = "completion"  # of a URB, bio, request: interrupt or softirq
    BH = "bh"  # the caller has bottom halves off
    IRQS_OFF = "irqs-off"
    PROCESS = "process"

    @property
    def atomic(self) -> bool:
        """Whether code there must not sleep."""
        return self is not Context.PROCESS

    @property
    def interrupt(self) -> bool:
        """Whether it can interrupt code that has only bottom halves off."""
        return self in {Context.HARDIRQ, Context.IRQS_OFF, Context.COMPLETION}


_WORDS: Mapping[Context, str] = {
    Context.HARDIRQ: "in an interrupt handler",
    Context.SOFTIRQ: "in softirq",
    Context.RCU: "as an RCU callback, in softirq",
    Context.COMPLETION: "on completion, possibly in an interrupt",
    Context.BH: "with bottom halves off",
    Context.IRQS_OFF: "with interrupts off",
    Context.PROCESS: "in process context",
}


@dataclass(frozen=True, slots=True)
class Registered:
    """A function with the context that it runs in. `depth`: calls between the callback and it."""

    function: str
    context: Context
    by: str  # "request_irq()", ".ndo_start_xmit"
    evidence: tuple[Evidence, ...]  # the registration, then the calls that lead to the function
    depth: int = 0

    @property
    def words(self) -> str:
        """For a message: "in softirq"."""
        return _WORDS[self.context]


def context_of(source: Source, function: Function, depth: int = 1) -> Registered | None:
    """The context of a function that is registered as a callback in view, or called by one.

    Of several the first that is atomic: it must work there too. `depth` calls are followed, and
    only to functions declared static. None: not known.
    """
    if function.name is None:
        return None
    found = source.fact(registered).get(function.name, ())
    own = next((each for each in found if each.context.atomic), next(iter(found), None))
    if own is not None or depth <= 0 or not function.static:
        return own
    for caller, call in islice(callers_of(source, function.name), _CALLERS):
        above = context_of(source, caller, depth - 1) if caller.name != function.name else None
        if above is not None and above.context.atomic:
            step = Evidence(call.span, f"{caller.name}() calls it here")
            return replace(
                above,
                function=function.name,
                evidence=(*above.evidence, step),
                depth=above.depth + 1,
            )
    return None


def manages_power(function: Function) -> bool:
    """Whether the name says that it suspends, resumes or resets a device: no I/O may be needed."""
    return function.name is not None and _POWER.search(function.name) is not None


def registered(source: Source) -> Mapping[str, tuple[Registered, ...]]:
    """The callbacks that the units in view register, by name. Ask through `Source.fact`."""
    found: dict[str, list[Registered]] = {}
    word = _registrars()
    for unit in source.units:
        if unit.kind in _FILE_SCOPE and len(unit.text) <= _LONGEST:
            for each in _at_file_scope(unit, source):
                found.setdefault(each.function, []).append(each)
    for function in source.functions_where(lambda text: word.search(text) is not None):
        for each in _in_function(function):
            found.setdefault(each.function, []).append(each)
    return {name: tuple(each) for name, each in found.items()}


@cache
def _registrars() -> re.Pattern[str]:
    names = {name for how, name in callback_contexts() if how != "member"}
    return re.compile(rf"\b(?:{'|'.join(sorted(names))})\b")


def _in_function(function: Function) -> Iterator[Registered]:
    known = callback_contexts()
    for call in function.calls:
        for place, context in known.get(("call", call.name), ()):
            text = call.arguments[int(place)] if int(place) < len(call.arguments) else ""
            name = _NAME.match(text)
            if name and not call.cut:
                yield _made(name[1], context, f"{call.name}()", Evidence(call.span, ""))
    accesses = {access.node.id: access for access in function.accesses}
    for store in function.assignments:
        access = accesses.get(store.target_node.id)
        name = _NAME.match(store.value) if access is not None else None
        if access is None or name is None or store.operator != "=":
            continue
        for struct, context in known.get(("field", access.field), ()):
            if access.struct == struct:
                yield _made(name[1], context, access.text, Evidence(store.span, ""))


def _at_file_scope(unit: Unit, source: Source) -> Iterator[Registered]:
    known = callback_contexts()
    place = Place(unit, source.path, source.side)
    for match in _MEMBER.finditer(unit.text):
        for struct, context in known.get(("member", match[1]), ()):
            span = place.rows_span(*[unit.text.count("\n", 0, match.start())] * 2)
            if span is not None and struct in unit.text[:400]:
                yield _made(match[2], context, f".{match[1]}", Evidence(span, ""))
    for match in _declared().finditer(unit.text):
        arguments = [text.strip() for text in match[2].split(",")]
        span = place.rows_span(*[unit.text.count("\n", 0, match.start())] * 2)
        for number, context in known[("call", match[1])]:
            name = _NAME.match(arguments[int(number)]) if int(number) < len(arguments) else None
            if span is not None and name is not None:
                yield _made(name[1], context, f"{match[1]}()", Evidence(span, ""))


@cache
def _declared() -> re.Pattern[str]:
    names = [name for how, name in callback_contexts() if how == "call" and name.isupper()]
    return re.compile(rf"\b({'|'.join(sorted(names))})\s*\(([^()\n]*)\)")


def _made(name: str, context: str, by: str, evidence: Evidence) -> Registered:
    note = f"{name}() is registered here with {by}"
    return Registered(name, Context(context), by, (replace(evidence, note=note),))
