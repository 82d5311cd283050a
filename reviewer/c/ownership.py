"""Calls that end the caller's hold on an object: they free it, drop a reference, or pass it on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call
    from reviewer.c.unit import Unit


class How(StrEnum):
    """What becomes of the object."""

    FREED = "freed"
    HANDED_OFF = "handed off"  # the new owner may have freed it by now
    PUT = "put"  # freed if that was the last reference
    NAMED = "named"  # freed, by the name of the function: `foo_free_req(req)`


@dataclass(frozen=True, slots=True)
class Ending:
    """A call after which the variable `name` is no good any more."""

    call: Call
    name: str
    how: How


_FREED: Mapping[str, int] = {
    **dict.fromkeys(("kfree", "kvfree", "vfree", "kfree_sensitive", "kzfree", "free_netdev"), 0),
    **dict.fromkeys(("kfree_skb", "kfree_skb_reason", "consume_skb", "__kfree_skb"), 0),
    **dict.fromkeys(("dev_kfree_skb", "dev_kfree_skb_any", "dev_kfree_skb_irq"), 0),
    **dict.fromkeys(("dev_consume_skb_any", "dev_consume_skb_irq", "napi_consume_skb"), 0),
    **dict.fromkeys(("ieee80211_free_hw", "wiphy_free", "nlmsg_free", "iio_device_free"), 0),
    **dict.fromkeys(("input_free_device", "blk_mq_free_request", "mempool_free", "free_candev"), 0),
    **dict.fromkeys(("kmem_cache_free", "devm_kfree", "usb_ep_free_request"), 1),
}
"""Which argument, from 0, is freed: the slab, networking, block and USB headers."""

FREES = frozenset(_FREED)
"""The functions that free an argument."""

_HANDED_OFF: Mapping[str, int] = {
    **dict.fromkeys(("netif_rx", "netif_rx_ni", "__netif_rx", "netif_receive_skb"), 0),
    **dict.fromkeys(("dev_queue_xmit", "dev_direct_xmit", "genlmsg_reply", "rtnl_notify"), 0),
    **dict.fromkeys(("rtnl_unicast", "nfnetlink_unicast", "nfnetlink_send"), 0),
    **dict.fromkeys(("nlmsg_unicast", "nlmsg_multicast", "genlmsg_unicast", "netlink_unicast"), 1),
    **dict.fromkeys(("napi_gro_receive", "hci_recv_frame", "hci_send_acl"), 1),
    **dict.fromkeys(("ieee80211_rx", "ieee80211_rx_irqsafe", "ieee80211_rx_ni"), 1),
    **dict.fromkeys(("ieee80211_tx_status", "ieee80211_tx_status_irqsafe"), 1),
    **dict.fromkeys(("ieee80211_tx_status_skb", "ieee80211_free_txskb"), 1),
    **dict.fromkeys(("submit_bio", "submit_bio_noacct", "generic_make_request"), 0),
    **dict.fromkeys(("bio_endio", "bio_io_error", "bio_wouldblock_error"), 0),
    **dict.fromkeys(("blk_mq_complete_request", "blk_mq_end_request", "__blk_mq_end_request"), 0),
    **dict.fromkeys(("blk_end_request_all", "scsi_done", "scsi_done_direct"), 0),
    **dict.fromkeys(("mmc_request_done", "usb_gadget_giveback_request", "usb_hcd_giveback_urb"), 1),
}
"""Which argument now belongs to somebody else, who may be done with it already."""

HAND_OFFS = frozenset(_HANDED_OFF)
"""The functions that pass an argument on to a new owner."""

_PUT: Mapping[str, int] = {
    **dict.fromkeys(("put_device", "kobject_put", "usb_put_dev", "usb_put_intf", "fput"), 0),
    **dict.fromkeys(("kref_put", "sock_put", "dev_put", "of_node_put", "pci_dev_put"), 0),
    **dict.fromkeys(("bio_put", "mmput", "put_task_struct", "put_disk", "put_net"), 0),
    **dict.fromkeys(("usb_free_urb", "usb_put_urb", "usb_put_hcd", "scsi_host_put"), 0),
    **dict.fromkeys(("iput", "dput", "css_put"), 0),
}
PUTS = frozenset(_PUT)
"""The functions that drop a reference on an argument."""

_PUT_NAME = re.compile(
    r"\w+_put(?:_(?!user|data|char|bits|unaligned|u\d|be|le|rq_data)\w+)?\Z|put_\w+\Z"
)
_NOT_A_PUT = re.compile(
    r"skb_put|__sock_put|put_user|put_unaligned|put_unused_fd|nla_put|_put_(?:user|u\d|le|be|data|array|bool|str)"
    r"|nft_|nlmsg_put|genlmsg_put|pm_runtime|_pm_|seq_put|put_cpu|put_online|iov_iter|trace_|copy"
    r"|clk_|module_put|regulator|gpiod?_|reset_control|runtime|autopm|printk|_put_sync|put_char"
)
_TABLES: Mapping[How, frozenset[str]] = {
    How.FREED: FREES,
    How.HANDED_OFF: HAND_OFFS,
    How.PUT: PUTS,
}
_MOST = 100  # of one function; the paths from each are searched
_MEMBER = re.compile(r"&\s*\(?(\w+)\)?\s*->\s*(\w+)\Z")


def endings(function: Function, *hows: How, hidden: bool = False) -> Iterator[Ending]:
    """The calls of these sorts on a plain variable, in source order.

    A reference counter stands for its object: `kref_put(&p->ref, f)`, `put_device(&p->dev)`.
    `hidden`: also on one whose declaration the mail does not show.
    """
    hidden = hidden and function.has_gap
    if any(_may_end(function.unit, how) for how in hows):
        for each in function.fact(_all_endings):
            if each.how in hows and (hidden or each.name in function.variables):
                yield each


def touched_ending(source: Source, *hows: How) -> Iterator[Function]:
    """The functions that the patch touches in which there may be such a call."""
    return source.touched_where(lambda unit: any(_may_end(unit, how) for how in hows))


def _may_end(unit: Unit, how: How) -> bool:
    """Whether a word of the function looks like one: most have none, and need not be read."""
    text = unit.text
    if how is How.NAMED:
        return "free_" in text
    if how is How.PUT and ("_put" in text or "put_" in text):
        return True
    return not _TABLES[how].isdisjoint(unit.words)


def _all_endings(function: Function) -> tuple[Ending, ...]:
    skipped = function.alternatives
    endings = (
        found
        for call in function.calls
        if not (call.cut or call.guard or call.loop or call.node.start_point[0] in skipped)
        and (found := _ending(call)) is not None
    )
    return tuple(islice(endings, _MOST))


def _ending(call: Call) -> Ending | None:
    for table, how in ((_FREED, How.FREED), (_HANDED_OFF, How.HANDED_OFF), (_PUT, How.PUT)):
        position = table.get(call.name)
        if position is not None and position < len(call.arguments):
            name = _object(call.arguments[position], how)
            return None if name is None else Ending(call, name, how)
    if call.arguments and call.statement and _is_free_of(call.name, call.arguments[0]):
        return Ending(call, call.arguments[0], How.NAMED)
    if len(call.arguments) == 1 and _PUT_NAME.match(call.name) and not _NOT_A_PUT.search(call.name):
        name = _object(call.arguments[0], How.PUT)
        return None if name is None else Ending(call, name, How.PUT)
    return None


def _is_free_of(name: str, argument: str) -> bool:
    """Whether the name says that this very argument is freed: `x_free_req(req)`."""
    return (
        len(argument) > 2
        and argument.isidentifier()
        and (name.endswith(f"_free_{argument}") or name == f"free_{argument}")
    )


def _object(argument: str, how: How) -> str | None:
    if argument.isidentifier():
        return argument
    member = _MEMBER.match(argument) if how is How.PUT else None
    return member[1] if member else None
