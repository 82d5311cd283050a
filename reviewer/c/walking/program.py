"""The statements that the walk over lock states runs: what is left of C for that purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tree_sitter import Node

    from reviewer.c.syntax import Call
    from reviewer.c.walking.branch import Condition


class Steps(NamedTuple):
    """An expression or declaration: the items [low, high)."""

    low: int
    high: int


class Decide(NamedTuple):
    """An expression statement that locks in one operand of `&&`, `||` or `?:`."""

    test: Condition


class If(NamedTuple):
    """`if .. else if .. else ..`; `hidden`: a condition is not in the mail."""

    arms: tuple[tuple[Condition, Statement], ...]
    other: Statement | None
    hidden: bool
    start: int
    end: int


class Loop(NamedTuple):
    """Any loop; `call` is the iterator macro, whose bare identifiers in `assigned` change."""

    test: Condition | None
    header: tuple[int, int]
    step: tuple[int, int]
    body: Statement
    after: bool  # do .. while: the test comes after the body
    call: Call | None
    assigned: frozenset[str]
    start: int
    end: int


class Scoped(NamedTuple):
    """scoped_guard(): the body runs once, under the guard; break and continue leave it."""

    call: Call
    header: tuple[int, int]
    body: Statement
    start: int
    end: int


class Switch(NamedTuple):
    """`switch`; the cases are in the body."""

    low: int
    high: int
    body: Statement
    default: bool
    start: int
    end: int


class Block(NamedTuple):
    """Statements in order; guards end with it."""

    body: tuple[Statement, ...]
    start: int
    end: int


class Label(NamedTuple):
    """A target of goto."""

    name: str
    offset: int


class Case(NamedTuple):
    """`case` or `default` of the innermost switch."""

    default: bool


class Goto(NamedTuple):
    """`goto name`"""

    name: str
    node: Node


class Return(NamedTuple):
    """`return`, after the items [low, high)."""

    node: Node
    low: int
    high: int


class Break(NamedTuple):
    """`break`"""

    offset: int


class Continue(NamedTuple):
    """`continue`"""


class Gap(NamedTuple):
    """Something that the mail, or a parse error, hides."""

    offset: int


class Suppose(NamedTuple):
    """The text shows by what follows that the expression is nonzero: `err = f(); goto out;`."""

    expression: str


Statement = (
    Steps
    | Decide
    | If
    | Loop
    | Scoped
    | Switch
    | Block
    | Label
    | Case
    | Goto
    | Return
    | Break
    | Continue
    | Gap
    | Suppose
)
