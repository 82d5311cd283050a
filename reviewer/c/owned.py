"""Structs that one .c file declares for itself: no other file can reach their members."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Access


def declares(source: Source, struct: str | None) -> bool:
    """Whether the struct of that name is declared in this very .c file."""
    fields = source.structs.fields.get(struct or "", {})
    spans = [field.span for field in fields.values()]
    return source.path.endswith(".c") and any(s and s.path == source.path for s in spans)


def member_of(function: Function, argument: str) -> Access | None:
    """The field access that an argument is: `x->work` of "&x->work"."""
    text = "".join(argument.split()).removeprefix("&")
    return next((each for each in function.accesses if "".join(each.text.split()) == text), None)
