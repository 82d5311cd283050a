"""A module passes its own functions to call_rcu(), and its exit does not wait for them.

`synchronize_rcu()` waits for readers, not for callbacks that are still queued. When the module is
unloaded before they have run, the next one jumps into memory that is gone. `rcu_barrier()` in the
exit function waits until all of them have.

It is fine with `kfree_rcu()`, whose callback is not in the module, and in code that is never
unloaded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.callees import calls_below, function_named
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Need, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_CALLS = frozenset({"call_rcu", "call_rcu_hurry"})
_EXIT = re.compile(r"\bmodule_exit\s*\(\s*(\w+)\s*\)")
_WAITS = re.compile(r"rcu_barrier|unregister_pernet|unregister_netdev|rtnl_link_unregister")

_WAITS_NOT = re.compile(
    r"pr_\w+|printk|kfree|kvfree|vfree|kmem_cache_destroy|mempool_destroy|ida_destroy|idr_destroy"
    r"|destroy_workqueue|synchronize_rcu|class_\w+|misc_deregister|debugfs_remove\w*|device_\w+"
    r"|remove_proc_\w+|proc_remove|unregister_chrdev\w*|cdev_del|unregister_\w*notifier"
    r"|(?:pci|platform|usb|i2c|spi|virtio|pnp)_\w*(?:un|de)register\w*|unregister_key_type"
    r"|unregister_filesystem|nf_unregister_\w+|xt_unregister_\w+|rhashtable_destroy|list_\w+"
    r"|mutex_\w+|spin_\w+|timer_\w+|del_timer\w*|cancel_\w+|crypto_\w+|WARN\w*|root_\w+"
)
"""Calls that return while callbacks may be queued, as far as the core is concerned."""

_DEPTH = 2


def check(source: Source) -> Iterator[Finding]:
    """Files with both call_rcu() of a function of theirs and module_exit(), and no barrier."""
    texts = [unit.text for unit in source.units]
    name = next((found[1] for text in texts if (found := _EXIT.search(text))), None)
    if name is None or any(_WAITS.search(text) for text in texts):
        return
    leave = function_named(source, name)
    for function in source.touched if leave is not None else ():
        for call in function.calls:
            if leave is not None and _is_own(source, call):
                yield _finding(function, call, leave, _shows_all(source, leave))
                return


def _shows_all(source: Source, leave: Function) -> bool:
    """Whether all that the exit calls is known not to wait for callbacks."""
    called = calls_below(source, leave, _DEPTH)
    return all(
        _WAITS_NOT.match(call.name) or function_named(source, call.name) is not None
        for call in called
    )


def _is_own(source: Source, call: Call) -> bool:
    """Whether the callback is a function of this file."""
    if call.name not in _CALLS or call.cut or len(call.arguments) != 2:
        return False
    callback = call.arguments[1].lstrip("&")
    return callback.isidentifier() and function_named(source, callback) is not None


def _finding(function: Function, call: Call, leave: Function, sure: bool) -> Finding:
    span = leave.span(leave.node)
    return Finding(
        span=call.span,
        message=f"{call.arguments[1].lstrip('&')}() may be queued still when {leave.name}() "
        "returns and the module goes: nothing in this file waits with rcu_barrier()",
        function=function.name,
        evidence=() if span is None else (Evidence(span, "the exit of the module"),),
        confidence=None if sure else Confidence.HUNCH,
        fix=Fix(f"call rcu_barrier() at the end of {leave.name}()"),
    )


rule = Rule(
    title="A module exit does not wait for RCU callbacks",
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=_CALLS,
    needs=Need.FILE,
    links=("https://docs.kernel.org/RCU/rcubarrier.html",),
)
