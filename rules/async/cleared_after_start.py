"""What is waited for is cleared after the command that brings it about.

The answer can come before the next line: then the flag is set first and cleared afterwards, and
the wait runs into its timeout. Clear the flag, or call `reinit_completion()`, before the command
is sent.

It is fine where the wait is for the next of many events.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.locks import lock_key
from reviewer.c.onward import statement_of
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_WAITS = re.compile(r"wait_event|wait_for_completion")
_TRIGGERS = frozenset(
    {
        *("reinit_completion", "init_completion", "wait_event_timeout", "wait_event"),
        *("wait_event_interruptible", "wait_event_interruptible_timeout", "wait_event_killable"),
    }
)
_CLEARS = re.compile(r"([\w.>-]+)\s*=\s*(?:false|0)\s*;\Z|(?:re)?init_completion\s*\((.*)\)\s*;\Z")
_COMMANDS = re.compile(
    r"(?:^|_)(?:wr|write[lbwq]?|iowrite\d+|send|submit|start|trigger|issue|kick|ring|cmd|command"
    r"|xmit|transmit|post|doorbell|request|transfer|enable|set)(?:_|\Z)"
)
_ROOT = re.compile(r"\w+")
_AROUND = frozenset({"compound_statement", "if_statement", "labeled_statement"})
_BACK = 2  # tests of the result of the command that are stepped over


def check(source: Source) -> Iterator[Finding]:
    """A command, the clearing, and the wait, one right after the other."""
    for function in source.touched_with(_TRIGGERS):
        for wait in function.calls:
            if not _WAITS.match(wait.name) or not wait.arguments or wait.cut:
                continue
            clear = _before(statement_of(wait.node))
            if clear is not None and clear.type == "labeled_statement":
                clear = clear.named_children[-1]
            what = _cleared(function, wait, clear) if clear is not None else None
            if clear is not None and what is not None:
                command = _command(function, clear, what)
                if command is not None:
                    yield from _finding(function, command, clear, what, wait)


def _before(node: Node) -> Node | None:
    """The statement before it, also outside of the branch or label that begins with it."""
    while True:
        before = node.prev_named_sibling
        while before is not None and before.type == "comment":
            before = before.prev_named_sibling
        above = node.parent
        if before is not None and before.type.endswith("_statement"):
            return before
        if above is None or above.type not in _AROUND:
            return before
        node = above


def _cleared(function: Function, wait: Call, clear: Node) -> str | None:
    """What the statement clears, when that is what is waited for."""
    found = _CLEARS.match(function.text(clear)) if clear.type == "expression_statement" else None
    if found is None:
        return None
    what = lock_key(found[1] or found[2])
    if wait.name.startswith("wait_for"):
        return what if found[2] and what == lock_key(wait.arguments[0]) else None
    condition = "".join("".join(wait.arguments[1:2]).split())
    return what if found[1] and re.search(rf"(?<![\w>.]){re.escape(what)}\b", condition) else None


def _command(function: Function, clear: Node, what: str) -> Call | None:
    """The call before it that gets the same object and is named like a command."""
    root = _ROOT.match(what)
    own = "|".join(_names(function, root[0])) if root is not None else ""
    node = _before(clear)
    for _ in range(_BACK + 1):
        if not own or node is None:
            return None
        for call in function.calls:
            inside = node.start_byte <= call.node.start_byte < node.end_byte
            same = any(re.search(rf"\b(?:{own})\b", each) for each in call.arguments)
            if inside and same and _COMMANDS.search(call.name) and not call.loop:
                return call
        node = _before(node) if node.type == "if_statement" else None
    return None


def _names(function: Function, root: str) -> list[str]:
    """The object, and the locals that stand for what it points to: `client = data->client`."""
    aliases = [a.target for a in function.assignments if a.value.startswith(f"{root}->")]
    pointers = {name for name, each in function.variables.items() if each.type.pointer}
    return [root, *(each for each in aliases if each in pointers)]


def _finding(
    function: Function, command: Call, clear: Node, what: str, wait: Call
) -> Iterator[Finding]:
    span = function.span(clear)
    if span is None:
        return
    yield Finding(
        span=span,
        message=f"{what} is only cleared after {command.name}(): when the answer comes before this "
        f"line it is lost, and {wait.name}() waits in vain",
        function=function.name,
        evidence=(Evidence(command.span, "the answer can come from here on"),),
        fix=Fix(f"clear it before the {command.name}()"),
    )


rule = Rule(
    title="Cleared after the command whose answer sets it",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_TRIGGERS,
    links=("https://docs.kernel.org/scheduler/completion.html",),
)
