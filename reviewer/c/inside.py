"""Variables that point into an object: they are as good as the object, and no longer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.after import between, reassigns
from reviewer.c.locks import IDENTIFIER
from reviewer.c.onward import follows
from reviewer.c.uses import Touch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.ownership import Ending
    from reviewer.c.syntax import Assignment
    from reviewer.c.uses import ObjectUse, Uses

_MOST = 40  # assignments that are looked at
_CAST = re.compile(r"\(\s*(?:const\s+)?(?:struct\s+)?\w+(?:\s+const)?\s*\**\s*\)\s*")
_OF_A_BUFFER = re.compile(
    r"skb_(?:put|push|pull|tail_pointer|mac_header|network_header|transport_header)"
    r"|(?:eth|vlan_eth|ip|ipv6|tcp|udp|arp|icmp|icmp6|sctp|dccp|hci_\w+|nlmsg)_hdr"
    r"|(?:[A-Z0-9]+_)*(?:SKB_)?(?:RX|TX)?CB|\w+_skb_cb|bt_cb"
)
_ROOM = re.compile(r"(?:data|head|cb)\Z")
_WITH_FRAME = re.compile(r"alloc_can(?:fd|xl)?_(?:err_)?skb")
_OF_A_DEVICE = {"netdev_priv": "struct net_device", "wiphy_priv": "struct wiphy"}
_KEEPS = frozenset({"skb_get", "skb_clone", "skb_unref", "skb_shared", "skb_share_check"})
_USED = (Touch.READ, Touch.WRITE)


def use_inside(function: Function, uses: Uses, ending: Ending) -> tuple[str, ObjectUse] | None:
    """The first use, after the object is gone, of a variable that points into it.

    With the name of that variable. Nothing when the function may have a reference of its own.
    """
    if any(c.name in _KEEPS and ending.name in c.arguments for c in function.calls):
        return None
    for name, since in _pointers(function, ending):
        way = between(function, since, ending.call.node)
        if any(reassigns(function, node, each) for node in way for each in (ending.name, name)):
            continue
        use = next((u for u in uses.after(ending.call.node, name) if u.touch in _USED), None)
        if use is not None:
            return name, use
    return None


def _pointers(function: Function, ending: Ending) -> Iterator[tuple[str, Node]]:
    """The variables that get an address inside of the object, each where it gets it."""
    declared = function.variables[ending.name].type
    gone = ending.call.node
    stores = [store for store in function.assignments if store.node.start_byte < gone.start_byte]
    for store in stores[-_MOST:]:
        if store.operator != "=" or ending.name not in (
            store.target,
            *IDENTIFIER.findall(store.value),
        ):
            continue
        into = _frame(store) if store.target == ending.name else store.target
        variable = function.variables.get(into)
        if variable is None or not variable.type.pointer or variable.type.array:
            continue
        fits = into != store.target or _points_into(store, ending.name, declared.name)
        if fits and follows(store.node, gone):
            yield into, store.node


def _frame(store: Assignment) -> str:
    """What `skb = alloc_can_skb(dev, &cf)` sets beside: "cf"."""
    name, _, arguments = store.value.partition("(")
    last = arguments.rstrip(") ").rpartition(",")[2].strip()
    if _WITH_FRAME.fullmatch(name.strip()) is None or not last.startswith("&"):
        return ""
    return last[1:].strip()


def _points_into(store: Assignment, name: str, struct: str) -> bool:
    value = store.value.strip()
    while (cast := _CAST.match(value)) is not None:
        value = value[cast.end() :]
    if value.startswith("&"):
        return re.match(rf"&\s*{re.escape(name)}->\w+\Z", value) is not None
    function, opened, arguments = value.partition("(")
    if opened:
        first = re.split(r"[,)]", arguments, maxsplit=1)[0].strip()
        if first != name:
            return False
        if struct == "struct sk_buff":
            return _OF_A_BUFFER.fullmatch(function) is not None
        return _OF_A_DEVICE.get(function) == struct
    base, arrow, field = value.partition("->")
    buffer = base == name and struct == "struct sk_buff"
    return bool(arrow) and buffer and _ROOM.match(field) is not None
