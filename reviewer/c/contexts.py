"""In which context a function runs, as far as its registration is in view."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

from reviewer.c.callees import callers_of
from reviewer.c.entered import ASSERTS, entered_with_spinlock
from reviewer.c.facts import callback_contexts, spinlocked_functions
from reviewer.c.place import Place
from reviewer.c.unit import Kind
from reviewer.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Access
    from reviewer.c.unit import Unit

_NAME = re.compile(r"&?\s*(?:\([^()]*\)\s*)?([A-Za-z_]\w*)\Z")
_MEMBER = re.compile(r"\.\s*(\w+)\s*=\s*&?([A-Za-z_]\w*)\s*[,}\n]")
_FILE_SCOPE = (Kind.INITIALISER, Kind.DECLARATION, Kind.MACRO)
_POWER = re.compile(
    r"(?:^|_)(?:resume|suspend|reset_resume|pre_reset|post_reset|freeze|thaw|poweroff|restore)"
    r"(?:_(?:early|late|noirq))?\Z"
)
_RETURNED = re.compile(r"\A\s*(?:(?:static|inline|__\w+)\s+)*")  # what stands before the type
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
    ATOMIC = "atomic"  # it must not sleep, and no more is known
    PROCESS = "process"

    @property
    def atomic(self) -> bool:
        """Whether code there must not sleep."""
        return self is not Context.PROCESS

    @property
    def interrupts(self) -> bool:
        """Whether it can come while a task of the same CPU is in the middle of something."""
        return self.atomic and self not in {Context.ATOMIC, Context.IRQS_OFF}

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
    Context.ATOMIC: "where it must not sleep",
    Context.PROCESS: "in process context",
}


@dataclass(frozen=True, slots=True)
class Registered:
    """A function with the context that it runs in.

    `depth`: calls between the callback and it; `above`: the functions on the way, its caller last.
    """

    function: str
    context: Context
    by: str  # "request_irq()", ".ndo_start_xmit"
    evidence: tuple[Evidence, ...]  # the registration, then the calls that lead to the function
    depth: int = 0
    above: tuple[str, ...] = ()

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
    known = source.fact(_contexts)
    key = (function, depth)
    if key not in known:
        known[key] = _context_of(source, function, function.name, depth)
    return known[key]


def _contexts(_: Source) -> dict[tuple[Function, int], Registered | None]:
    return {}


def _context_of(source: Source, function: Function, name: str, depth: int) -> Registered | None:
    found = source.fact(registered).get(name, ())
    own = next((each for each in found if each.context.atomic), next(iter(found), None))
    own = own or _by_signature(function) or _by_lock(source, function)
    if own is not None or depth <= 0 or not function.static:
        return own
    may_call = source.functions_calling(name)
    if not any(_runs_atomic(source, each, name, depth - 1) for each in may_call):
        return None  # asked first: to read what all of them call is dearer
    for caller, call in islice(callers_of(source, name), _CALLERS):
        above = context_of(source, caller, depth - 1) if caller.name != name else None
        if above is not None and above.context.atomic:
            step = Evidence(call.span, f"{caller.name}() calls it here")
            return replace(
                above,
                function=name,
                evidence=(*above.evidence, step),
                depth=above.depth + 1,
                above=(*above.above, above.function),
            )
    return None


def _runs_atomic(source: Source, caller: Function, name: str, depth: int) -> bool:
    above = context_of(source, caller, depth) if caller.name != name else None
    return above is not None and above.context.atomic


@cache
def _type_words() -> frozenset[str]:
    """The words that a function has one of whose parameters tell where it runs."""
    types = (name.split(",") for how, name in callback_contexts() if how == "types")
    structs = ([text[7:] for text in each if text.startswith("struct ")] for each in types)
    return frozenset(max(each, key=len) for each in structs)


def _by_signature(function: Function) -> Registered | None:
    """The context that its parameters tell: who takes a struct timer_list is a timer's callback."""
    if _type_words().isdisjoint(function.words):
        return None
    parameters = function.parameters
    if not parameters or function.name is None:
        return None
    types = ",".join(each.type.name for each in parameters)
    for name, context in callback_contexts().get(("types", types), ()):
        if name.startswith("="):
            fits = _RETURNED.sub("", function.unit.masked).startswith(f"{name[1:]} {function.name}")
        else:
            fits = name == "*" or re.search(name, function.name) is not None
        if fits and parameters[0].type.pointer == 1:
            span = function.span(parameters[0].node) or function.span(function.node)
            note = f"the parameters are those of a callback that runs {_WORDS[Context(context)]}"
            evidence = (Evidence(span, note),) if span is not None else ()
            return Registered(function.name, Context(context), "its parameters", evidence)
    return None


def _by_lock(source: Source, function: Function) -> Registered | None:
    """Whoever is entered with a spinlock held must not sleep."""
    entered = entered_with_spinlock(source, function)
    if entered is None or function.name is None:
        return None
    evidence = () if entered[1] is None else (entered[1],)
    return Registered(function.name, Context.ATOMIC, "the asserts of the kernel", evidence)


def manages_power(function: Function) -> bool:
    """Whether the name says that it suspends, resumes or resets a device: no I/O may be needed."""
    return function.name is not None and _POWER.search(function.name) is not None


@cache
def atomic_words() -> frozenset[str]:
    """A file that has none of these words shows no callback that runs in atomic context."""
    words = {*ASSERTS, *spinlocked_functions()}
    for (how, name), rows in callback_contexts().items():
        places = [place for place, context in rows if Context(context).atomic]
        if how == "types" and places:
            words.add(max(name.replace("struct ", "").split(","), key=len))
        elif how == "member":
            words.update(word for struct in places for word in (struct, f"{struct}_init"))
        elif places:
            words.add(name)
    return frozenset(words)


def registered(source: Source) -> Mapping[str, tuple[Registered, ...]]:
    """The callbacks that the units in view register, by name. Ask through `Source.fact`."""
    found: dict[str, list[Registered]] = {}
    for unit in source.units:
        if unit.kind in _FILE_SCOPE and len(unit.text) <= _LONGEST:
            for each in _at_file_scope(unit, source):
                found.setdefault(each.function, []).append(each)
    names, written = _registrars()
    for function in source.functions_naming(names):
        for each in _in_function(function) if written.search(function.unit.text) else ():
            found.setdefault(each.function, []).append(each)
    return {name: tuple(each) for name, each in found.items()}


@cache
def _registrars() -> tuple[frozenset[str], re.Pattern[str]]:
    """The words that a function which registers a callback has one of, and how they stand there."""
    names: dict[bool, list[str]] = {True: [], False: []}
    for how, name in sorted(callback_contexts()):
        if how != "types":
            names[how == "call"].append(name)
    calls, fields = "|".join(names[True]), "|".join(names[False])
    written = re.compile(rf"\b(?:{calls})\s*\(|(?:->|\.)\s*(?:{fields})\s*=[^=]")
    return frozenset((*names[True], *names[False])), written


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
        for how in ("member", "name"):
            for struct, context in known.get((how, access.field), ()):
                if _is_of(function, access, struct, how == "name"):
                    yield _made(name[1], context, access.text, Evidence(store.span, ""))


def _is_of(function: Function, access: Access, struct: str, unseen: bool) -> bool:
    """Whether the field is of that struct; when the text does not show of which, `unseen`.

    `hrtimer_init(&x->timer, ...)` shows that x->timer is a struct hrtimer.
    """
    if access.struct is not None:
        return access.struct == struct
    base = f"&{access.base}"
    return unseen or any(
        call.name.startswith(f"{struct}_") and base in call.arguments[:1] for call in function.calls
    )


def _at_file_scope(unit: Unit, source: Source) -> Iterator[Registered]:
    known = callback_contexts()
    place = Place(unit, source.path, source.side)
    head = unit.masked.lstrip()[:400]
    for match in _MEMBER.finditer(unit.text):
        rows = (*known.get(("member", match[1]), ()), *known.get(("name", match[1]), ()))
        for struct, context in rows:
            span = place.rows_span(*[unit.text.count("\n", 0, match.start())] * 2)
            if span is not None and re.search(rf"\b{struct}\b", head):
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
