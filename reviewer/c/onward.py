"""What runs next for sure: the statements from a place on, through gotos, until control ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.unit import GAP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tree_sitter import Node

    from reviewer.c.function import Function

JUMPS = frozenset(
    {"return_statement", "goto_statement", "break_statement", "continue_statement"},
)
BRANCHES = frozenset(
    {"if_statement", "while_statement", "do_statement", "for_statement", "switch_statement"},
)
_SEQUENCES = frozenset({"compound_statement", "labeled_statement", "case_statement"})
_THROUGH = frozenset({"compound_statement", "labeled_statement"})
_ENDS = frozenset({"return_statement", "break_statement", "continue_statement"})
_STEPS = 200  # statements that are followed from one place


def statement_of(node: Node) -> Node:
    """The statement of a sequence that the node is part of; the node itself outside of one."""
    each = node
    while each.parent is not None and each.parent.type not in _SEQUENCES:
        if each.parent.type in ("else_clause", "if_statement") and _is_statement(each):
            break
        each = each.parent
    return each


def _is_statement(node: Node) -> bool:
    return node.type.endswith("_statement") or node.type == "declaration"


def gotos(function: Function) -> Iterator[Node]:
    """The gotos in the order of the text."""
    if "goto" not in function.words:
        return iter(())
    return (node for node in function.fact(_all_statements) if node.type == "goto_statement")


def labels(function: Function) -> Mapping[str, Node]:
    """The labeled statements by the name of the label."""
    return function.fact(_labels)


def _labels(function: Function) -> Mapping[str, Node]:
    return {
        function.text(node.named_children[0]): node
        for node in function.fact(_all_statements)
        if node.type == "labeled_statement" and node.named_children
    }


def _all_statements(function: Function) -> tuple[Node, ...]:
    return tuple(_statements(function.node))


def _statements(root: Node) -> Iterator[Node]:
    pending = [root]
    while pending:
        node = pending.pop()
        if _is_statement(node):
            yield node
        if _is_statement(node) or node.type in ("function_definition", "else_clause", "ERROR"):
            pending.extend(
                child
                for child in reversed(node.named_children)
                if _is_statement(child) or child.type == "else_clause"
            )


def target_of(function: Function, goto: Node) -> Node | None:
    """The labeled statement that a goto leads to; None when it is not in view."""
    label = goto.child_by_field_name("label")
    return None if label is None else labels(function).get(function.text(label))


def onward(
    function: Function, start: Node, named: Mapping[str, Node] | None = None
) -> Iterator[Node]:
    """The statements that run after the statement `start`; `named` are the labels if known.

    Branches and loops are given whole and then passed over: it is for the caller to stop there.
    Ends at a return, a break, the end of a loop, and at what the mail does not show.
    """
    seen: set[int] = set()
    node: Node | None = start
    jumped = start.type == "goto_statement"
    for _ in range(_STEPS):
        if node is None or node.type in _ENDS:
            return
        if jumped:
            label = node.child_by_field_name("label")
            named = labels(function) if named is None else named
            node = None if label is None else named.get(function.text(label))
            node = None if node is None else _first(function, node)
        else:
            node = _next(function, node)
        if node is None or node.id in seen or _hides(function, node):
            return
        seen.add(node.id)
        jumped = node.type == "goto_statement"
        yield node


def _next(function: Function, node: Node) -> Node | None:
    """The statement after this one in its sequence, or after the block that ends with it.

    A block whose head the mail hides may be the body of a loop.
    """
    while True:
        sibling = node.next_named_sibling
        while sibling is not None and sibling.type == "comment":
            sibling = sibling.next_named_sibling
        above = node.parent
        if above is None:
            return None
        if sibling is not None and above.type in _SEQUENCES:
            return None if sibling.type == "case_statement" else _first(function, sibling)
        if above.type not in ("if_statement", "else_clause", *_THROUGH):
            return None
        head = above.child_by_field_name("condition")
        if head is not None and _hides(function, head):
            return None
        node = above


def _first(function: Function, node: Node) -> Node | None:
    """The first statement of a label or block, the statement itself otherwise."""
    while node.type in _THROUGH:
        skipped = 1 if node.type == "labeled_statement" else 0
        inner = [child for child in node.named_children[skipped:] if child.type != "comment"]
        if not inner:
            return _next(function, node)
        node = inner[0]
    return node


def never_passed(branch: Node) -> bool:
    """Whether both arms of an if statement end in a jump: what stands behind it does not follow."""
    pending = [branch]
    while pending:
        node = pending.pop()
        inner = [child for child in node.named_children if child.type != "comment"]
        if node.type == "if_statement":
            arms = [node.child_by_field_name(arm) for arm in ("consequence", "alternative")]
            if any(arm is None for arm in arms):
                return False
            pending.extend(arm for arm in arms if arm is not None)
        elif node.type in ("compound_statement", "else_clause", "labeled_statement") and inner:
            pending.append(inner[-1])
        elif node.type not in JUMPS:
            return False
    return True


def _hides(function: Function, node: Node) -> bool:
    return GAP in function.unit.masked[node.start_byte : node.end_byte]


def follows(first: Node, second: Node) -> bool:
    """Whether `second` can only be reached over `first`, as their blocks and order tell.

    True when it stands behind, in the block of `first` or deeper, and nothing at that level jumps
    away between them. What loops and labels add to that is not asked.
    """
    step: Node | None = statement_of(first)
    while step is not None and step.start_byte <= second.start_byte:
        if step.start_byte <= second.start_byte < step.end_byte and step.id != first.id:
            return step.start_byte > first.start_byte
        if step.type in JUMPS:
            return False
        step = step.next_named_sibling
    return False
