"""A pointer into an object is used after the object is gone.

The header that `eth_hdr(skb)` returned, the frame of `alloc_can_skb(dev, &cf)`, the private part of
a network device: all of them are memory of the object. After `kfree_skb(skb)`, `netif_rx(skb)` or
`free_netdev(dev)` they are as good as the object itself, which may be freed. Move the last use
before it.

It is fine where a reference of one's own is held, and where the pointer was set anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.inside import use_inside
from reviewer.c.ownership import FREES, HAND_OFFS, How, endings
from reviewer.c.uses import uses_in
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.ownership import Ending
    from reviewer.c.source import Source
    from reviewer.c.uses import ObjectUse


def check(source: Source) -> Iterator[Finding]:
    """The first use that can follow each free or hand-off of what the pointer leads into."""
    for function in source.touched:
        said: set[int] = set()
        found = list(endings(function, How.FREED, How.HANDED_OFF))
        uses = uses_in(function) if found else None
        for ending in found:
            inside = None if uses is None else use_inside(function, uses, ending)
            if inside is not None and inside[1].node.start_byte not in said:
                said.add(inside[1].node.start_byte)
                yield from _finding(function, ending, *inside)


def _finding(function: Function, ending: Ending, inner: str, use: ObjectUse) -> Iterator[Finding]:
    span = function.span(use.node)
    if span is None:
        return
    gone = "freed" if ending.how is How.FREED else "taken"
    note = "freed" if ending.how is How.FREED else "handed on"
    yield Finding(
        span=span,
        message=f"{use.text} is {use.touch} after {ending.call.name}() has {gone} {ending.name}, "
        f"which {inner} points into",
        function=function.name,
        evidence=(Evidence(ending.call.span, f"{ending.name} is {note} here"),),
        fix=Fix(f"move the last use of {inner} before {ending.call.name}()"),
    )


rule = Rule(
    title="A pointer into an object is used after the object",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=FREES | HAND_OFFS,
    links=("https://docs.kernel.org/networking/skbuff.html",),
)
