"""The result of a get that can fail is not looked at.

`foo_get_unless_zero()` takes no reference when the last one is gone. Code that goes on all the same
uses an object that is being freed, and later gives back a reference that it never had. Where a
reference is held already, the plain get says so; where none is, the result decides.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.model import Confidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_MAY_FAIL = re.compile(r"(?!atomic)\w*(?:get|hold|inc|ref|pin)_(?:unless|not)_zero")


def check(source: Source) -> Iterator[Finding]:
    """The gets that stand as a statement of their own."""
    for function in source.touched_where(lambda unit: "_zero" in unit.text):
        for call in function.calls:
            if (
                call.statement
                and not call.cut
                and call.arguments
                and _MAY_FAIL.fullmatch(call.name)
            ):
                yield _finding(function, call)


def _finding(function: Function, call: Call) -> Finding:
    what = call.arguments[0]
    return Finding(
        span=call.span,
        message=f"{call.name}({what}) may have taken no reference, and nobody looks: what follows "
        "uses an object that may be on its way out, and its put then drops a reference of others",
        function=function.name,
        fix=Fix("test the result, or use the plain get where a reference is held for sure"),
    )


rule = Rule(
    title="The result of a get that can fail is ignored",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    links=("https://docs.kernel.org/core-api/kref.html",),
)
