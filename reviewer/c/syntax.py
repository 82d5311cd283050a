"""What the text of a function says: types, variables, calls, field accesses, assignments."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

    from reviewer.c.place import Place
    from reviewer.model import Span


class Use(StrEnum):
    """What an expression does with a field."""

    READ = "read"
    WRITE = "write"  # left of an assignment, ++ and --
    ADDRESS = "address"  # operand of & or sizeof: nothing is loaded
    TEST = "test"  # only compared with NULL or tested for truth


@dataclass(frozen=True)
class CType:
    """A declared type: `struct idr __rcu *` is CType("struct idr", 1, rcu=True)."""

    name: str  # without qualifiers: "struct idr", "unsigned int", "u32"
    pointer: int = 0  # levels
    array: bool = False
    rcu: bool = False
    free: str | None = None  # class name of __free(name)

    @property
    def struct(self) -> str | None:
        """The name of the struct or union at the end of the pointers, if it is one by its text."""
        word, _, name = self.name.partition(" ")
        return name if name and word in {"struct", "union"} else None


@dataclass(frozen=True)
class Variable:
    """A parameter or local variable."""

    name: str
    type: CType
    parameter: bool
    static: bool
    node: Node
    initial: Node | None = None


@dataclass(frozen=True)
class Call:
    """A call, an iterator macro or a guard, with its arguments as written (white space folded)."""

    name: str
    arguments: tuple[str, ...]
    node: Node  # the call_expression; of an iterator or scoped_guard, the whole while_statement
    argument_nodes: tuple[Node, ...]
    _place: Place = dataclasses.field(repr=False, compare=False)
    loop: bool = False  # an iterator macro: its body runs 0..n times
    guard: bool = False  # guard(x)(..), scoped_guard(x, ..), CLASS(x, ..)(..): name is "guard" etc.
    statement: bool = False  # the call is a whole statement: its result is not used
    cut: bool = False  # begins or ends outside the hunk: the number of arguments is not known

    @cached_property
    def span(self) -> Span:
        """The lines of it."""
        return self._place.shown(self.node)


@dataclass(frozen=True)
class Access:
    """A field access `base->field` or `base.field`."""

    base: str
    field: str
    text: str  # the whole expression
    use: Use
    struct: str | None  # "fuse_conn" when the text shows the type of `base`, else None
    node: Node
    _place: Place = dataclasses.field(repr=False, compare=False)
    argument_of: str | None = None  # the function that gets exactly this, or its address

    @cached_property
    def span(self) -> Span:
        """The lines of it."""
        return self._place.shown(self.node)


@dataclass(frozen=True)
class Assignment:
    """`target operator value`; also an initialiser of a declaration."""

    target: str
    operator: str  # "=", "+=", ...
    value: str
    node: Node
    target_node: Node
    value_node: Node
    _place: Place = dataclasses.field(repr=False, compare=False)
    declares: bool = False

    @cached_property
    def span(self) -> Span:
        """The lines of it."""
        return self._place.shown(self.node)
