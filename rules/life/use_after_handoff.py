"""An object is used after it was handed to a new owner.

`napi_gro_receive()`, `submit_bio()`, `blk_mq_end_request()` and their kin pass the object on: the
new owner may be done with it, on another CPU, before the call returns. Read what is needed later
(the length of an skb, the flags of a bio) before the call.

It is fine where a reference of one's own was taken first, and where the paths of the hand-off and
of the use exclude each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.ownership import HAND_OFFS, How, endings
from reviewer.c.uses import Touch, uses_in
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.ownership import Ending
    from reviewer.c.source import Source
    from reviewer.c.uses import ObjectUse

_KEEPS = frozenset(
    {"skb_get", "bio_get", "bio_chain", "bio_inc_remaining", "skb_clone", "skb_unref", "kref_get"}
)
_GIVES_UP = frozenset({"bio_put", "kfree_skb", "consume_skb", "skb_unref"})


def check(source: Source) -> Iterator[Finding]:
    """The first use that can follow each hand-off."""
    for function in source.touched:
        said: set[int] = set()
        for ending in endings(function, How.HANDED_OFF):
            if _keeps_one(function, ending.name):
                continue
            uses = uses_in(function).after(ending.call.node, ending.name)
            use = next((each for each in uses if _counts(each)), None)
            if use is not None and use.node.start_byte not in said:
                said.add(use.node.start_byte)
                yield from _finding(function, ending, use)


def _keeps_one(function: Function, name: str) -> bool:
    """Whether the function takes, or gives up later, a reference of its own."""
    return any(
        name in call.arguments
        for call in function.calls
        if call.name in _KEEPS or call.name in _GIVES_UP
    )


def _counts(use: ObjectUse) -> bool:
    return use.touch is not Touch.RETURNED


def _finding(function: Function, ending: Ending, use: ObjectUse) -> Iterator[Finding]:
    span = function.span(use.node)
    if span is None:
        return
    name, taker = ending.name, f"{ending.call.name}()"
    passed = use.call if use.touch is Touch.PASSED else None
    what = f"{name} goes to {passed.name}()" if passed else f"{use.text} is {use.touch}"
    yield Finding(
        span=span,
        message=f"{what} after {taker} has taken {name}: it may be freed already",
        function=function.name,
        evidence=(Evidence(ending.call.span, f"{name} is handed off here"),),
        fix=Fix(f"read what is needed of {name} before {taker}"),
    )


rule = Rule(
    title="An object is used after it was handed off",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=HAND_OFFS,
    links=(
        "https://docs.kernel.org/networking/kapi.html",
        "https://docs.kernel.org/block/index.html",
    ),
)
