"""Build a unit: the chunks of one item, repaired, masked and joined with explicit gaps."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reviewer.c.hunks.brackets import unmatched
from reviewer.c.hunks.header import Header, item_header, read_section
from reviewer.c.hunks.opened import Block, finish, opened_blocks
from reviewer.c.hunks.repair import closer, repair
from reviewer.c.masks.mask import mask
from reviewer.c.unit import GAP, Kind, Mark, Unit

if TYPE_CHECKING:
    from reviewer.c.hunks.chunk import Chunk

LARGEST = 400_000
"""Characters; a larger item is not analysed."""

LONGEST_CHAIN = 1000
"""Links of `else if`; the time of the grammar grows with their square."""

UNBALANCED = 1000
"""Brackets without partner; the grammar's time grows with the depth of nesting."""

_ELSE_IF = re.compile(r"\belse\s+if\b")
_CLOSED_BY = re.compile(r"\n\}([^\n]*)\s*\Z")
_LIST_LINE = re.compile(r"\s*(?:\.\w|\{|\[)")
_PARAMETERS = re.compile(
    r"\s*(?:[A-Za-z_][\w ]*[\s*]+\w+|\.\.\.|\w+\s*\*+)\s*(?:\[\w*\])?\s*[,)]|\s*\)"
)
_SIGNATURE_END = re.compile(r"[^;{}]*?\)[^;{}()]*?(\n?[{;])")
_NO_TYPE = re.compile(r"\s*([A-Za-z_]\w*)[ \t]*\(")
_NO_TYPE_YET = re.compile(r"\b(?:static|extern|inline|const|volatile)\Z")
_FUNC = Block(0, "func")
_FIRST_BLOCK = {
    Kind.STRUCT: Block(0, "struct"),
    Kind.ENUM: Block(0, "enum"),
    Kind.INITIALISER: Block(0, "init", outer=True),
}
_HOLDS = {"struct": Kind.STRUCT, "enum": Kind.ENUM, "init": Kind.INITIALISER}
_DEFAULT_OPENING = {
    Kind.FUNCTION: f"void {GAP}fn(void) {{",
    Kind.STRUCT: f"struct {GAP} {{",
    Kind.ENUM: f"enum {GAP} {{",
    Kind.INITIALISER: f"int {GAP}v[] = {{",
}


@dataclass(slots=True)
class _Draft:
    """A unit that is being put together; offsets and rows count from its beginning."""

    text: list[str] = field(default_factory=list)
    masked: list[str] = field(default_factory=list)
    lines: list[int | None] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    changed: set[int] = field(default_factory=set)
    unread: set[int] = field(default_factory=set)
    alternatives: set[int] = field(default_factory=set)
    gone: list[str] = field(default_factory=list)
    length: int = 0

    def synthetic(self, text: str, masked: str = "", marks: tuple[Mark, ...] = ()) -> None:
        """Add a row of our own."""
        if text.strip():
            self._append(text + "\n", (masked or text) + "\n", marks)
            self.lines.append(None)

    def real(self, chunk: Chunk, masked: str, marks: tuple[Mark, ...]) -> None:
        """Add the rows of a chunk."""
        row = len(self.lines)
        self._append(chunk.text, masked, marks)
        self.lines.extend(chunk.numbers)
        self.changed.update(row + at for at in chunk.changed)
        self.unread.update(row + at for at in chunk.unread)
        self.alternatives.update(row + at for at in chunk.alternatives)
        self.gone.append(chunk.gone)

    def _append(self, text: str, masked: str, marks: tuple[Mark, ...]) -> None:
        base = self.length
        self.text.append(text)
        self.masked.append(masked)
        self.length += len(text)
        for mark in marks:
            self.marks.append(replace(mark, start=base + mark.start, end=base + mark.end))

    def unit(self, kind: Kind, name: str | None) -> Unit:
        """The finished unit."""
        return Unit(
            kind,
            name,
            "".join(self.text),
            "".join(self.masked),
            tuple(self.lines),
            tuple(self.marks),
            frozenset(self.changed),
            frozenset(self.alternatives),
            frozenset(self.unread),
            "\n".join(self.gone),
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """The chunks of one item, in order, and what is known of the item."""

    header: Header
    chunks: tuple[Chunk, ...]

    @property
    def open(self) -> bool:
        """Whether the item goes on below what is in view."""
        return not self.chunks[-1].closed


def plan_of(chunk: Chunk) -> Plan:
    """The plan of an item of which `chunk` is the first that is in view."""
    if not chunk.head:
        kind, name = item_header(chunk.code, chunk.closed)
        return Plan(Header(kind, name, ""), (chunk,))
    header = read_section(chunk.section)
    ending = _CLOSED_BY.search("\n" + chunk.code[-200:])
    if ending is None or header.kind is Kind.MACRO:
        return Plan(header, (chunk,))
    rest = ending.group(1).strip()
    if not rest and header.kind is not Kind.FUNCTION:
        header = Header(Kind.FUNCTION, None, "")
    elif rest.endswith(";") and header.kind in {Kind.FUNCTION, None}:
        listed = _LIST_LINE.match(chunk.code) is not None
        header = Header(Kind.INITIALISER if listed else Kind.STRUCT, None, "")
    return Plan(header, (chunk,))


def build(plan: Plan, kind: Kind | None = None) -> Unit:
    """The unit of a plan; as another kind of item than the header says, when one is given."""
    header = plan.header
    if kind is not None and kind is not header.kind:
        header = Header(kind, None, "")
    elif header.kind is None:
        header = Header(Kind.FUNCTION, None, "")
    assert header.kind is not None
    if header.kind is Kind.MACRO or too_much("".join(chunk.code for chunk in plan.chunks)):
        return _unread(plan, header.name)
    draft = _Draft()
    blocks = _begin(draft, plan.chunks[0], header)
    end = _end_of(plan.chunks[0])
    for chunk in plan.chunks[1:]:
        first = chunk.first_line
        hidden = first - end if first is not None and end is not None else 0
        blocks = _continue(draft, chunk, header.kind, blocks, max(0, hidden))
        end = _end_of(chunk)
    if blocks:
        draft.synthetic(" ".join(closer(block, header.kind) for block in reversed(blocks)))
    return draft.unit(header.kind, header.name)


def too_much(code: str) -> bool:
    """Whether an item is too large to be analysed in bounded time."""
    if len(code) > LARGEST:
        return True
    for opening, closing in ("()", "{}", "[]"):
        if abs(code.count(opening) - code.count(closing)) > UNBALANCED:
            return True
    return code.count("else") > LONGEST_CHAIN and len(_ELSE_IF.findall(code)) > LONGEST_CHAIN


def _end_of(chunk: Chunk) -> int | None:
    last = chunk.numbers[-1] if chunk.numbers else None
    return None if last is None else last + 1


def _unread(plan: Plan, name: str | None) -> Unit:
    """A unit that is not analysed: its rows are there, its code is not."""
    draft = _Draft()
    for chunk in plan.chunks:
        rows = frozenset(range(len(chunk.numbers)))
        blank = "\n".join(" " * len(row) for row in chunk.code.split("\n"))
        draft.real(replace(chunk, unread=rows), blank, ())
    return draft.unit(Kind.MACRO, name)


def _begin(draft: _Draft, chunk: Chunk, header: Header) -> tuple[Block, ...]:
    """Add the first chunk; the blocks that are open after it."""
    kind = header.kind
    assert kind is not None
    if not chunk.head:
        return _begin_item(draft, chunk, kind)
    if kind is Kind.FUNCTION and _ends_signature(chunk.code, header):
        return _begin_signature(draft, chunk, header)
    opening = header.opening or _DEFAULT_OPENING.get(kind, _DEFAULT_OPENING[Kind.FUNCTION])
    masked, marks = mask(opening, opening, kind, inside=False)
    draft.synthetic(opening, masked, marks)
    return _continue(draft, chunk, kind, (_FIRST_BLOCK.get(kind, _FUNC),), None)


def _inner(blocks: tuple[Block, ...], kind: Kind) -> Kind:
    """What the innermost open block holds: statements, members or elements."""
    return _HOLDS.get(blocks[-1].kind, Kind.FUNCTION) if blocks else kind


def _begin_item(draft: _Draft, chunk: Chunk, kind: Kind) -> tuple[Block, ...]:
    masked, marks = mask(chunk.text, chunk.code, kind, inside=False)
    if kind is Kind.FUNCTION and _NO_TYPE.match(masked):
        draft.synthetic("int")
    draft.real(chunk, masked, marks)
    if chunk.closed and masked.count("{") == masked.count("}"):
        return ()
    if kind is Kind.DECLARATION:
        if not chunk.closed and masked.strip():
            brackets = unmatched(masked)
            rest = f"int {GAP};" if _NO_TYPE_YET.search(masked[-40:].rstrip()) else f"{GAP};"
            draft.synthetic(finish(masked, brackets, kind) if brackets.openers else rest)
        return ()
    return _leave(draft, masked, kind)


def _leave(draft: _Draft, masked: str, kind: Kind) -> tuple[Block, ...]:
    """End the statement that the chunk breaks off in; the blocks that stay open."""
    brackets = unmatched(masked)
    blocks = opened_blocks(masked, brackets.openers, (), kind)
    if kind is Kind.FUNCTION and "{" not in masked:
        if masked.rstrip().endswith(";"):
            return ()
        ending = finish(masked, brackets, Kind.FUNCTION).removesuffix(";").removesuffix(f" {GAP}")
        draft.synthetic(ending + " {")
        return (_FUNC,)
    if blocks or not masked.rstrip().endswith("}"):
        draft.synthetic(finish(masked, brackets, _inner(blocks, kind)))
    if kind is Kind.INITIALISER and not blocks and not masked.rstrip().endswith(";"):
        draft.synthetic(";")
    return blocks


def _ends_signature(code: str, header: Header) -> bool:
    """Whether the chunk begins within the parameters of the function in the section header."""
    first = code.lstrip()
    if first[:1] == "{" and ("\n" + code)[code.find("{")] == "\n":
        return True
    match = _SIGNATURE_END.match(code[:2000]) if header.unfinished else None
    if match is None or code.count(")", 0, match.end()) <= code.count("(", 0, match.end()):
        return False
    return match.group(1) == "\n{" or _PARAMETERS.match(first) is not None


def _begin_signature(draft: _Draft, chunk: Chunk, header: Header) -> tuple[Block, ...]:
    """Add a chunk that begins with the rest of a signature."""
    signature = _signature(chunk, header)
    masked, marks = mask(signature, signature, Kind.FUNCTION, inside=False)
    draft.synthetic(signature, masked, marks)
    body, found = mask(chunk.text, chunk.code, Kind.FUNCTION, inside=False)
    draft.real(chunk, body, found)
    if chunk.closed:
        return ()
    brackets = unmatched(body)
    blocks = opened_blocks(body, brackets.openers, (), Kind.FUNCTION)
    draft.synthetic(finish(body, brackets, _inner(blocks, Kind.FUNCTION)))
    return blocks


def _signature(chunk: Chunk, header: Header) -> str:
    """What stands before the chunk: the signature, or the part of it in the section header."""
    if not header.unfinished or chunk.code.lstrip()[:1] == "{":
        return (header.opening or _DEFAULT_OPENING[Kind.FUNCTION]).removesuffix("{")
    if header.macro:
        return header.opening.removesuffix(") {") + ","
    complete = header.opening.removesuffix("{").rstrip().removesuffix(")")
    return complete + ("" if complete[-1:] == "(" else ",")


def _continue(
    draft: _Draft, chunk: Chunk, kind: Kind, blocks: tuple[Block, ...], hidden: int | None
) -> tuple[Block, ...]:
    """Add a chunk that begins within the item; the blocks that are open after it."""
    masked, marks = mask(chunk.text, chunk.code, kind, inside=True)
    fitted = repair(masked, kind, blocks or (_FIRST_BLOCK.get(kind, _FUNC),), hidden)
    draft.synthetic(fitted.before)
    draft.real(chunk, masked, marks)
    if fitted.blocks:
        draft.synthetic(finish(masked, fitted.brackets, _inner(fitted.blocks, kind)))
    elif kind is not Kind.FUNCTION and not masked.rstrip().endswith(";"):
        draft.synthetic(";")
    return fitted.blocks
