"""A static variable inside of a function is changed without a lock.

There is one such variable in the whole system. All devices share it, and all CPUs that run the
function at the same time: updates are lost, and one device gets what was meant for another. Keep
it in the object that it belongs to, or make it an atomic variable.

It is fine in code that runs once, and for a flag that is set once to be silent from then on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.context import sets_up_or_tears_down
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Variable
    from reviewer.c.unit import Unit

_KERNEL = re.compile(
    r"(?:arch|block|certs|crypto|drivers|fs|init|io_uring|ipc|kernel|lib|mm|net|security|sound|virt)/"
)
_TEST = re.compile(r"(?:^|[/_-])(?:self|k)?tests?[/_.-]")
_CHANGES = {"assignment_expression": "left", "update_expression": "argument"}
_PARTS = frozenset({"subscript_expression", "field_expression"})
_FILLS = frozenset(
    {
        *("sprintf", "snprintf", "scnprintf", "vsnprintf", "strcpy", "strncpy", "strscpy"),
        *("memcpy", "memmove", "hex_dump_to_buffer", "copy_from_user"),
    }
)
_COMPARES = frozenset({"<", ">", "<=", ">=", "=="})
_CONSTANT = re.compile(r"(?:true|false|NULL|-?\d\w*)\Z")
_CLOCK = re.compile(r"jiffies|ktime|_clock|_time\b")
_ONCE = re.compile(r"\b__(?:init|exit|meminit|cpuinit)\b")


def check(source: Source) -> Iterator[Finding]:
    """The first variable of a function that is changed where no lock is held."""
    if not _KERNEL.match(source.path) or _TEST.search(source.path):
        return
    for function in source.touched_where(_declares_static):
        statics = {v.name: v for v in function.variables.values() if v.static and not v.type.rcu}
        if not statics or _ONCE.search(_head(function)):
            continue
        alone = sets_up_or_tears_down(function)
        changes: dict[str, list[Node]] = {}
        for name, node in _changes(function):
            if name in statics and (not alone or _numbers(node)):
                changes.setdefault(name, []).append(node)
        for name, nodes in changes.items():
            unlocked = next((n for n in nodes if _is_free(function, n, alone)), None)
            if unlocked is not None and not _is_harmless(function, nodes):
                yield from _finding(function, statics[name], unlocked)
                break


def _declares_static(unit: Unit) -> bool:
    return unit.text.find("static", unit.text.find("{")) > 0 and "static" in unit.words


def _head(function: Function) -> str:
    body = function.node.child_by_field_name("body")
    return function.unit.text[: body.start_byte if body is not None else 0]


def _changes(function: Function) -> Iterator[tuple[str, Node]]:
    """The variables that are stored to, or parts of them, or that a call fills."""
    pending = [function.node]
    while pending:
        node = pending.pop()
        field = _CHANGES.get(node.type)
        target = node.child_by_field_name(field) if field else None
        while target is not None and target.type in _PARTS:
            if b"->" in (target.text or b""):
                break
            target = target.child_by_field_name("argument")
        if target is not None and target.type == "identifier":
            yield function.text(target), node
        pending.extend(reversed(node.named_children))
    for call in function.calls:
        if call.name in _FILLS and call.arguments and not call.cut:
            yield call.arguments[0].lstrip("&"), call.node


def _is_free(function: Function, node: Node, alone: bool) -> bool:
    """Whether no lock is held; what sets a device up takes none in the part that is hidden."""
    locks = function.flow.at(node)
    return locks.surely_none or (alone and locks.reached and not (locks.must or locks.may))


def _numbers(node: Node) -> bool:
    """Whether it counts up to give a number to a caller: devices are set up at the same time."""
    if node.type != "update_expression" or node.parent is None:
        return False
    return node.parent.type in ("argument_list", "assignment_expression", "init_declarator")


def _is_harmless(function: Function, nodes: list[Node]) -> bool:
    """Whether it only says that something was done once, or how often or when it was reported."""
    values = set[str]()
    for node in nodes:
        right, above = node.child_by_field_name("right"), node.parent
        if right is not None:
            values.add(function.text(right))
        sign = above.child_by_field_name("operator") if above is not None else None
        if right is None and sign is not None and sign.type in _COMPARES:
            return True
    once = len(values) == 1 and all(_CONSTANT.match(value) for value in values)
    return (once and len(nodes) == len(values)) or any(_CLOCK.search(value) for value in values)


def _finding(function: Function, variable: Variable, node: Node) -> Iterator[Finding]:
    span, declared = function.span(node), function.span(variable.node)
    if span is None:
        return
    yield Finding(
        span=span,
        message=f"{variable.name} is static, so all devices and CPUs share it, and it is changed "
        "here with no lock held",
        function=function.name,
        evidence=(Evidence(declared, "one for the whole system"),) if declared else (),
        fix=Fix("keep it in the object that it belongs to, or make it atomic"),
    )


rule = Rule(
    title="A static local variable is changed without a lock",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset({"static"}),
    links=("https://docs.kernel.org/kernel-hacking/locking.html",),
)
