"""An allocation with 0 instead of GFP flags.

0 names no context: the allocation neither reclaims memory nor wakes those who do, and may not touch
the reserves that GFP_ATOMIC may, so it fails early and often. Say what the context allows:
GFP_KERNEL where it may sleep, GFP_ATOMIC or GFP_NOWAIT where it may not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.gfp import flags_of
from reviewer.model import Confidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.source import Source

_ALLOCATORS = frozenset(
    {
        *(f"{kv}{how}" for kv in ("k", "kv") for how in ("malloc", "zalloc", "calloc")),
        *("kmalloc_array", "kvmalloc_array", "kmalloc_node", "kzalloc_node", "kvmalloc_node"),
        *("kmem_cache_alloc", "kmem_cache_zalloc", "alloc_skb", "alloc_page", "alloc_pages"),
        *("devm_kmalloc", "devm_kzalloc", "devm_kcalloc", "devm_kmalloc_array"),
        *("kmemdup", "kstrdup", "kstrndup", "devm_kmemdup", "devm_kstrdup"),
    }
)


def check(source: Source) -> Iterator[Finding]:
    """Calls of the common allocators with a literal 0 for the flags."""
    for function in source.touched:
        for call in function.calls:
            if call.name in _ALLOCATORS and flags_of(call) == "0":
                yield Finding(
                    span=call.span,
                    message=f"{call.name}() gets 0 for its GFP flags: it can neither reclaim nor "
                    "use the reserves, and fails early",
                    function=function.name,
                    fix=Fix("use GFP_KERNEL where it may sleep, else GFP_ATOMIC or GFP_NOWAIT"),
                )


rule = Rule(
    title="An allocation with 0 for its GFP flags",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_ALLOCATORS,
    links=("https://docs.kernel.org/core-api/memory-allocation.html",),
)
