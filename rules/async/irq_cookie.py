"""An interrupt is freed with another cookie than it was requested with.

`free_irq()` finds the handler by the `dev_id` of `request_irq()`. With any other pointer it frees
nothing, warns about an "already-free IRQ", and the handler goes on to run on memory that is gone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call, CType

_REQUESTS: Mapping[str, tuple[int, int]] = {
    "request_irq": (0, 4),
    "request_any_context_irq": (0, 4),
    "request_threaded_irq": (0, 5),
    "devm_request_irq": (1, 5),
    "devm_request_any_context_irq": (1, 5),
    "devm_request_threaded_irq": (1, 6),
}
"""Which arguments are the interrupt and the cookie, from 0: include/linux/interrupt.h."""

_FREES: Mapping[str, tuple[int, int]] = {"free_irq": (0, 1), "devm_free_irq": (1, 2)}
_FIELD = re.compile(r"(?:->|\.)(\w+)(?:\[[^\]]*\])?\Z")
_CONTAINER = re.compile(r"\b(?:container_of|to_\w+)\s*\(")
_NO_CAST = re.compile(r"\A\((?:const )?(?:struct )?\w+ ?\*+\) ?")


@dataclass(frozen=True, slots=True)
class _Cookie:
    """A request or free: the interrupt, and the cookie with its type when that is in view."""

    call: Call
    function: Function
    irq: str
    text: str
    type: CType | None


def check(source: Source) -> Iterator[Finding]:
    """Frees of an interrupt whose every request in view has another cookie."""
    requests = source.fact(_requests)
    for function in source.touched if requests else ():
        for freed in _cookies(function, _FREES):
            fitting = [each for each in requests if _same_irq(each, freed)]
            if fitting and all(_differs(each, freed) for each in fitting):
                yield _finding(fitting[0], freed)


def _requests(source: Source) -> tuple[_Cookie, ...]:
    found = source.functions_with("request_", "irq")
    return tuple(each for function in found for each in _cookies(function, _REQUESTS))


def _cookies(function: Function, known: Mapping[str, tuple[int, int]]) -> Iterator[_Cookie]:
    for call in function.calls:
        places = known.get(call.name)
        if places is None or call.cut or places[1] >= len(call.arguments):
            continue
        irq, text = (_NO_CAST.sub("", call.arguments[place]) for place in places)
        text = text.strip()
        variable = function.variables.get(text)
        yield _Cookie(call, function, irq, text, variable.type if variable else None)


def _same_irq(request: _Cookie, freed: _Cookie) -> bool:
    """Whether it may be the same interrupt: the same text here, the same member elsewhere."""
    if request.function is freed.function:
        return request.irq == freed.irq
    one, other = _FIELD.search(request.irq), _FIELD.search(freed.irq)
    return (one is None or other is None) or one[1] == other[1]


def _differs(request: _Cookie, freed: _Cookie) -> bool:
    """Whether it surely is another pointer: of another struct, or NULL against something."""
    nothing = [each.text in ("NULL", "0") for each in (request, freed)]
    if request.text == freed.text or any(map(_is_derived, (request, freed))):
        return False
    if any(nothing):
        return not all(nothing)
    one, other = request.type, freed.type
    if one is None or other is None or one.pointer != 1 or other.pointer != 1:
        return False
    return one.struct is not None and other.struct is not None and one.struct != other.struct


def _is_derived(cookie: _Cookie) -> bool:
    """Whether it is made of, or the base of, a pointer to what it lies in: both may be equal."""
    word = re.compile(rf"\b{re.escape(cookie.text)}\b")
    return any(
        _CONTAINER.search(store.value)
        and (store.target == cookie.text or word.search(store.value) is not None)
        for store in cookie.function.assignments
    )


def _finding(request: _Cookie, freed: _Cookie) -> Finding:
    return Finding(
        span=freed.call.span,
        message=f"{freed.call.name}() looks for the handler with dev_id {freed.text}, but "
        f"{request.call.name}() was given {request.text}: nothing is freed",
        function=freed.function.name,
        evidence=(Evidence(request.call.span, f"requested with {request.text}"),),
        fix=Fix(f"pass {request.text} to {freed.call.name}()"),
    )


rule = Rule(
    title="free_irq() with another dev_id than request_irq()",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(_FREES),
    links=("https://docs.kernel.org/core-api/genericirq.html",),
)
