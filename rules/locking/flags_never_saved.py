"""The interrupt state is restored from a variable that nothing has set.

`spin_unlock_irqrestore(lock, flags)` writes `flags` to the interrupt state of the CPU. What
`spin_lock_irqsave()` did not save there before, on this path, is what the stack held: interrupts
stay off, or come on where the caller needs them off. The state that a caller saved is in a variable
of the caller, and a function that gets `flags` by value saves into its own copy.

It is fine where the caller passes its flags in, or a macro sets them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.callees import function_named
from reviewer.c.unit import GAP
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call, Variable

_RESTORES = re.compile(r"\w*_?irq_?restore\w*\Z")
_LABEL = re.compile(r"^[ \t]*\w+[ \t]*:(?!:)", re.MULTILINE)
_LOOPS = {"while_statement", "for_statement", "do_statement"}
_INTEGERS = {"unsigned long", "long", "unsigned int", "int", "u32", "u64"}


def check(source: Source) -> Iterator[Finding]:
    """The first use of a local variable, when it is to restore the interrupt state from it."""
    for function in source.touched:
        said: set[str] = set()
        for call in function.calls:
            if not _RESTORES.match(call.name) or call.cut or not call.arguments:
                continue
            flags = call.arguments[-1]
            variable = function.variables.get(flags)
            if variable is None or flags in said:
                continue
            said.add(flags)
            if _is_plain(variable) and _in_view(function, variable, call):
                before = _uses(function, variable, call.node.start_byte)
                if not _may_be_set(source, function, flags, before) and not _later(function, call):
                    yield _finding(function, call, variable)


def _is_plain(variable: Variable) -> bool:
    """A number of the function itself, with no value from its declaration."""
    plain = not (variable.parameter or variable.static) and variable.initial is None
    return plain and variable.type.name in _INTEGERS and not variable.type.pointer


def _in_view(function: Function, variable: Variable, call: Call) -> bool:
    """Whether all that can set the variable before the call is: a new one is in new rows alone."""
    if variable.node.start_byte > call.node.start_byte:
        return False
    text = function.unit.masked[variable.node.end_byte : call.node.start_byte]
    new = variable.node.start_point[0] in function.unit.changed
    return (new or GAP not in text) and _LABEL.search(text) is None


def _uses(function: Function, variable: Variable, end: int) -> list[int]:
    """Where the variable is named between its declaration and `end`."""
    text = function.unit.masked
    found = re.finditer(rf"(?<![\w.>]){re.escape(variable.name)}\b", text[:end])
    return [match.start() for match in found if match.start() >= variable.node.end_byte]


def _may_be_set(source: Source, function: Function, flags: str, uses: list[int]) -> bool:
    """Whether one of these uses is anything but an argument of a function in view, by value."""
    by_value = 0
    for call in function.calls:
        named = [at for at in uses if call.node.start_byte <= at < call.node.end_byte]
        if named and flags in call.arguments and function_named(source, call.name) is not None:
            by_value += len(named)
    return by_value < len(uses)


def _later(function: Function, call: Call) -> bool:
    """Whether the call is in a loop: an earlier round may have saved the state."""
    node: Node | None = call.node
    while node is not None and node.id != function.node.id:
        if node.type in _LOOPS:
            return True
        node = node.parent
    return False


def _finding(function: Function, call: Call, variable: Variable) -> Finding:
    declared = function.span(variable.node)
    return Finding(
        span=call.span,
        message=f"{variable.name} is restored here, but nothing before has saved the interrupt "
        "state in it",
        function=function.name,
        evidence=(Evidence(declared, "a local variable without a value"),) if declared else (),
        fix=Fix("pass the flags of the caller in, or let whoever saved the state restore it"),
    )


rule = Rule(
    title="Interrupt flags are restored that nothing saved",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(
        {
            "spin_unlock_irqrestore",
            "raw_spin_unlock_irqrestore",
            "read_unlock_irqrestore",
            "write_unlock_irqrestore",
            "local_irq_restore",
            "xa_unlock_irqrestore",
        }
    ),
    links=("https://docs.kernel.org/locking/spinlocks.html",),
)
