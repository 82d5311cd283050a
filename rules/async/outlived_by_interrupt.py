"""What an interrupt handler uses is taken down while the interrupt is still enabled.

`devm_request_irq()` frees the interrupt only after `remove()` has returned, so until then the
handler runs at any time: also after `remove()` has unregistered or freed what it works on. Disable
or free the interrupt first.

It is fine where the resource is managed by devm as well and was requested before the interrupt.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.callees import function_named
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Access, Call

_REQUESTS = re.compile(r"devm_request_(?:threaded_|any_context_)?irq\Z")
_QUIETS = re.compile(r"disable_irq|free_irq|synchronize_irq|irq_disable|disable_.*interrupt|mask")
_TAKES_DOWN = re.compile(
    r"(?:^|_)(?:unregister|destroy|kfree|release|exit|remove)(?:_|\Z)|\Akfree|_free\Z"
)
_REMOVES = re.compile(r"_(?:remove|disconnect|unbind)\Z")
_MANAGED = re.compile(r"(?:pm_runtime|clk|regulator|reset|gpiod?|of_node|fwnode|device)_")


def check(source: Source) -> Iterator[Finding]:
    """A remove() that takes down a member which the handler of a managed interrupt uses."""
    removers = [f for f in source.touched if f.name and _REMOVES.search(f.name)]
    for remover in removers:
        if any(_QUIETS.search(call.name) for call in remover.calls):
            continue
        for request, handler in _handlers(source):
            found = _taken_down(remover, handler)
            if found is not None:
                yield _finding(remover, *found, request, handler)
                break


def _handlers(source: Source) -> Iterator[tuple[Call, Function]]:
    for function in source.functions_with("devm_request_"):
        for call in function.calls:
            if _REQUESTS.match(call.name) and not call.cut:
                for argument in call.arguments[2:4]:
                    handler = function_named(source, argument.lstrip("&"))
                    if handler is not None:
                        yield call, handler


def _taken_down(remover: Function, handler: Function) -> tuple[Call, Access] | None:
    """The call that ends the life of a member, and the handler's use of it."""
    uses = {(use.struct, use.field): use for use in handler.accesses if use.struct}
    members = {(use.struct, use.field): use.text for use in remover.accesses if use.struct}
    for call in remover.calls:
        if not _TAKES_DOWN.search(call.name) or _MANAGED.match(call.name) or not call.arguments:
            continue
        for key, text in members.items():
            if key in uses and call.arguments[0] in (text, f"&{text}"):
                return call, uses[key]
    return None


def _finding(
    remover: Function, call: Call, use: Access, request: Call, handler: Function
) -> Finding:
    return Finding(
        span=call.span,
        message=f"the interrupt is still enabled here: {handler.name}() may run and use "
        f"{use.field} while or after {call.name}() takes it down",
        function=remover.name,
        evidence=(
            Evidence(use.span, f"{handler.name}() uses it here"),
            Evidence(request.span, f"{request.name}() frees it only after remove()"),
        ),
        fix=Fix("call disable_irq() or devm_free_irq() before, or let devm undo both in order"),
    )


rule = Rule(
    title="An interrupt handler outlives what it uses",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(
        {"devm_request_irq", "devm_request_threaded_irq", "devm_request_any_context_irq"}
    ),
    links=("https://docs.kernel.org/driver-api/driver-model/devres.html",),
)
