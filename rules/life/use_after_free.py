"""An object is used after it was freed.

Another CPU may have got the memory already, and what is read or written there is its. Move the last
use before the free, or keep what is needed in a variable.

It is fine where the variable is set anew in between, or where the paths of the free and of the use
exclude each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.ownership import FREES, How, endings, touched_ending
from reviewer.c.uses import Touch, uses_in
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.ownership import Ending
    from reviewer.c.source import Source
    from reviewer.c.uses import ObjectUse


def check(source: Source) -> Iterator[Finding]:
    """The first use that can follow each free."""
    for function in touched_ending(source, How.FREED, How.NAMED):
        said: set[int] = set()
        found = list(endings(function, How.FREED, How.NAMED, hidden=True))
        uses = uses_in(function) if found else None
        for ending in found:
            use = None
            if uses is not None and not _on_purpose(source):
                after = uses.after(ending.call.node, ending.name)
                use = next((each for each in after if _counts(ending, each)), None)
            if use is not None and use.node.start_byte not in said:
                said.add(use.node.start_byte)
                finding = _finding(function, ending, use)
                if finding is not None:
                    yield finding


def _on_purpose(source: Source) -> bool:
    """Whether the file tests what catches such mistakes."""
    return "kasan" in source.path or "kfence" in source.path


def _counts(ending: Ending, use: ObjectUse) -> bool:
    """What is freed by the name of a function only may be the inner parts of the object."""
    if ending.how is How.NAMED:
        return use.touch is Touch.READ
    return use.touch is not Touch.RETURNED


def _finding(function: Function, ending: Ending, use: ObjectUse) -> Finding | None:
    span = function.span(use.node)
    if span is None:
        return None
    name, freed = ending.name, f"{ending.call.name}()"
    passed = use.call if use.touch is Touch.PASSED else None
    if passed is not None and passed.name in FREES:
        message = f"{name} is freed a second time: {freed} above has already freed it"
        fix = Fix(f"set {name} to NULL after the first {freed}, or free it in one place only")
    else:
        what = f"{name} goes to {passed.name}()" if passed else f"{use.text} is {use.touch}"
        message = f"{what} after {freed} has freed {name}"
        fix = Fix(f"move the last use of {name} before {freed}")
    return Finding(
        span=span,
        message=message,
        function=function.name,
        evidence=(Evidence(ending.call.span, f"{name} is freed here"),),
        fix=fix,
    )


rule = Rule(
    title="An object is used after it was freed",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    links=("https://docs.kernel.org/core-api/memory-allocation.html",),
)
