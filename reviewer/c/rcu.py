"""Pointers that RCU protects: where they are declared so, who reads them, through what."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from reviewer.c.facts import rcu_field, rcu_structs
from reviewer.c.flow import Kind
from reviewer.c.syntax import Use
from reviewer.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Access

_STATEMENTS = ("statement", "declaration", "definition")
_ACCESSORS = ("rcu", "dereference", "typeof", "sizeof", "offsetof", "array_size", "data_race")
ACCESSOR = re.compile(r"\w*rcu\w*(?:dereference|pointer)\w*|RCU_INIT_POINTER|rtnl_dereference")
"""The functions through which an RCU pointer is read or set."""
_COMPARES = frozenset({"==", "!="})
_UPDATERS = frozenset({Kind.SPIN, Kind.MUTEX, Kind.RWSEM, Kind.OTHER})
_ASSERTS = re.compile(r"lockdep_assert_|ASSERT_RTNL\Z|assert_(?:raw_)?spin_locked\Z")
_SEEN = 20  # functions that are asked for an accessor


def declared_rcu(source: Source, access: Access) -> tuple[Evidence, ...] | None:
    """The declaration of the field as `__rcu`, without a place when only the facts know it.

    None when the field is not, or when the struct that it belongs to is not in view.
    """
    if access.struct is None:
        return None
    field = source.structs.field(access.struct, access.field)
    if field is None:
        return () if rcu_field(access.struct, access.field) else None
    # In `T __rcu **array` and `T __rcu *array[2]` the elements are protected, not the field.
    if not field.type.rcu or field.type.pointer > 1 or field.type.array:
        return None
    return (Evidence(field.span, "declared __rcu here"),) if field.span else ()


def may_use_protected(source: Source, function: Function) -> bool:
    """Whether the text names a struct and a field of it that is declared `__rcu`.

    What `declared_rcu` knows of any access has both words, or the struct as the type of a field in
    view. Most functions have not, and need not be read.
    """
    words, (protected, in_fields) = function.words, source.fact(_protected)
    structs = (words & protected.keys()) | in_fields
    return any(not protected[struct].isdisjoint(words) for struct in structs)


def _protected(source: Source) -> tuple[Mapping[str, frozenset[str]], frozenset[str]]:
    """The fields declared `__rcu` by struct, and those structs that a field in view is of."""
    found = dict(rcu_structs())
    types: set[str] = set()
    for struct, fields in source.structs.fields.items():
        own = frozenset(name for name, field in fields.items() if field.type.rcu)
        if own:
            found[struct] = found.get(struct, frozenset()) | own
        types.update(field.type.struct or field.type.name for field in fields.values())
    return found, frozenset(types & found.keys())


def with_accessor(source: Source, access: Access) -> Evidence | None:
    """A use of the same field through an RCU accessor, anywhere in the file.

    It shows that the field is `__rcu` also in the tree that the patch is for.
    """
    for function in islice(source.functions_with(access.field), _SEEN):
        for other in function.accesses:
            if other.field != access.field or other.struct != access.struct:
                continue
            if name := _accessor(function, other.node):
                return Evidence(other.span, f"{name}() is used here")
    return None


def _accessor(function: Function, node: Node) -> str | None:
    """The RCU accessor that gets this expression as an argument, or its address."""
    above = node.parent
    for _ in range(3):
        if above is None:
            return None
        name = above.child_by_field_name("function")
        if name is not None:
            text = function.text(name)
            return text if ACCESSOR.fullmatch(text) else None
        if above.type == "subscript_expression":
            return None
        above = above.parent
    return None


def is_compared(node: Node) -> bool:
    """Whether the pointer is only compared with another one: it is not followed."""
    above = node.parent
    while above is not None and above.type == "parenthesized_expression":
        above = above.parent
    if above is None or above.type != "binary_expression":
        return False
    operator = above.child_by_field_name("operator")
    return operator is not None and operator.type in _COMPARES


def updater_at(function: Function, node: Node) -> bool:
    """Whether a lock may be held here that keeps the pointer as it is.

    What the function asserts further down holds here already: asserts follow the declarations.
    """
    if any(_ASSERTS.match(call.name) for call in function.calls):
        return True
    return any(lock.kind in _UPDATERS for lock in function.flow.at(node).may)


def inside_accessor(function: Function, node: Node) -> bool:
    """Whether the expression is an operand of an RCU accessor or of an unevaluated operator.

    An iterator macro is taken for one: what it does with its arguments is not in view.
    """
    return _in_accessor(function, node) or any(
        argument.start_byte <= node.start_byte < argument.end_byte
        for call in function.calls
        if call.loop
        for argument in call.argument_nodes
    )


def _in_accessor(function: Function, node: Node) -> bool:
    above = node.parent
    while above is not None and not above.type.endswith(_STATEMENTS):
        name = above.child_by_field_name("function")
        if name is not None and any(word in function.text(name).lower() for word in _ACCESSORS):
            return True
        if above.type in ("sizeof_expression", "offsetof_expression"):
            return True
        above = above.parent
    return False


def readers_of(
    source: Source, access: Access, kind: Kind = Kind.RCU
) -> Iterator[tuple[Function, Access]]:
    """The uses of the same field in a reader section, in any function of the file.

    The same field is that of the same struct; where the struct of one is not in view, it is the
    same text. Stores are no uses, nor is `access` itself. A reader that holds another lock beside
    the section is none: that lock may well keep the writer out.
    """
    for function in source.functions_with(access.field, "rcu"):
        for other in function.accesses:
            if other.field == access.field and other.use is not Use.WRITE and _same(access, other):
                locks = function.flow.at(other.node)
                if other.span == access.span or any(each.kind in _UPDATERS for each in locks.may):
                    continue
                if any(lock.kind is kind for lock in locks.must):
                    yield function, other


def _same(one: Access, other: Access) -> bool:
    if one.struct is not None and other.struct is not None:
        return one.struct == other.struct
    return one.text == other.text
