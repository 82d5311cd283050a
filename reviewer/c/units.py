"""From hunks, or from a whole file, to units: the items of one side, each parsed alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.hunks.between import joined
from reviewer.c.hunks.build import Plan, build, plan_of, too_much
from reviewer.c.hunks.chunk import chunks_of_hunk, last_heading, same_heading
from reviewer.c.hunks.cut import Item, cut
from reviewer.c.hunks.faults import faults
from reviewer.c.hunks.header import UNKNOWN, item_header
from reviewer.c.hunks.lazy import LazyUnit
from reviewer.c.hunks.lexical import Code, blank, read_text
from reviewer.c.unit import Kind, Unit

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from reviewer.diff.patch import Hunk
    from reviewer.model import Side

_OTHER_KINDS = (Kind.FUNCTION, Kind.STRUCT, Kind.ENUM, Kind.INITIALISER)
_RETRIED = 40_000  # characters; a larger unit is not built a second time


def units_of_hunks(hunks: Sequence[Hunk], side: Side) -> tuple[Unit, ...]:
    """The units of one side of a file, in the order of its hunks.

    Hunks that show the same function are one unit with a gap between them. Never raises.
    """
    plans: list[Plan] = []
    expected = ""
    for hunk in joined(hunks):
        fresh = True
        for chunk in chunks_of_hunk(hunk, side):
            joins = fresh and chunk.head and bool(plans) and plans[-1].open
            if joins and same_heading(expected, hunk.section):
                plans[-1] = Plan(plans[-1].header, (*plans[-1].chunks, chunk))
            else:
                plans.append(plan_of(chunk))
            fresh = False
        expected = last_heading(hunk.rows, hunk.section)
    return tuple(unit for plan in plans for unit in _checked(plan))


def _checked(plan: Plan) -> list[Unit]:
    """The unit of a plan; built otherwise when the grammar cannot read it and can read that."""
    unit = build(plan)
    if unit.kind is Kind.MACRO or (len(plan.chunks) == 1 and not plan.chunks[0].head):
        return [unit]
    if len(unit.text) > _RETRIED or not unit.tree.root_node.has_error:
        return [unit]
    if plan.chunks[0].head:
        unit = _other_kind(plan, unit)
    if len(plan.chunks) > 1 and unit.tree.root_node.has_error:
        return _split(plan, unit)
    return [unit]


def _other_kind(plan: Plan, unit: Unit) -> Unit:
    """The reading with fewest faults; what a header named as a function must then have none."""
    best, least = unit, faults(unit).score
    for kind in _OTHER_KINDS:
        if kind is unit.kind:
            continue
        other = build(plan, kind)
        score = faults(other).score
        if score < least and (plan.header.kind is not Kind.FUNCTION or score == (0, 0)):
            best, least = other, score
    return best


def _split(plan: Plan, unit: Unit) -> list[Unit]:
    """Each chunk as a unit of its own, when that reads better."""
    parts: list[Unit] = []
    for at, chunk in enumerate(plan.chunks):
        header = plan.header if at == 0 or plan.header.opening else UNKNOWN
        if at and not plan.header.opening:
            parts.extend(_checked(plan_of(chunk)))
        else:
            parts.append(build(Plan(header, (chunk,))))
    scores = [faults(part).score for part in parts]
    nodes, rows = sum(score[0] for score in scores), sum(score[1] for score in scores)
    return parts if (nodes, rows) < faults(unit).score else [unit]


def units_of_text(text: str, changed: Container[int]) -> tuple[Unit, ...]:
    """The items of a whole file. `changed` holds line numbers. Masked and parsed when asked for."""
    code = read_text(text, changed)
    return tuple(_whole(code, item, changed) for item in cut(code.code, True, code.text))


def _whole(code: Code, item: Item, changed: Container[int]) -> Unit:
    first, last = code.row(item.start), code.row(item.end - 1) + 1
    piece = code.code[item.start : item.end]
    kind, name = item_header(piece, closed=True)
    rows = range(last - first)
    unread = frozenset(row for row in rows if first + row in code.unread)
    if too_much(piece):
        kind, piece, unread = Kind.MACRO, blank(piece), frozenset(rows)
    return LazyUnit(
        kind,
        name,
        code.text[item.start : item.end],
        piece,
        tuple(range(first + 1, last + 1)),
        frozenset(row for row in rows if first + row + 1 in changed),
        frozenset(row for row in rows if first + row in code.alternatives),
        unread,
    )
