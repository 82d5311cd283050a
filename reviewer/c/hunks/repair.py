"""Repair of a chunk: what must stand before it so that its closers close something, and after it.

Indentation tells which brace a `}` closes. Whatever the hunk does not show is written as `__gap__`;
an unseen condition as `if (__gap__) {`, so that nothing looks unconditional that may not be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from reviewer.c.hunks.brackets import Brackets, indent_at, unmatched
from reviewer.c.hunks.layout import TAB, Layout, first_token, layout
from reviewer.c.hunks.opened import Block, opened_blocks
from reviewer.c.unit import GAP, Kind

NEAR = 6
"""Lines. Over a longer gap no block is taken for the same one: half of such guesses were wrong."""

IF_GAP = f"if ({GAP}) {{"
_GAPS = {Kind.STRUCT: f"int {GAP};", Kind.ENUM: f"{GAP},", Kind.INITIALISER: f"{GAP},"}
_AFTER_BRACE = re.compile(r"\}[ \t]*(?:(else)\b|(while)\b|([;,)]))?")
_NAMED = re.compile(r"\}[ \t]*\*?(?!else\b|while\b)[A-Za-z_]\w*[ \t]*[;=\[,]")
_NEXT_WORD = re.compile(r"\s*(\w+|\S)?")
_REST_OF_MEMBER = re.compile(r"\s*\*?\w+[ \t]*(?::[ \t]*\w+[ \t]*)?[,;]")
_THEN_ELSE = re.compile(r"[^;{}]*;\s*else\b")
_SECOND_BRANCH = re.compile(r"[^?:;{}]*:(?!:)")
_LABEL = re.compile(r"\s*(?:(?:case\b|default\b)|\w+[ \t]*:)")
_CONTROLLED = re.compile(r"\{|(?!else\b)[A-Za-z_]")
_TERNARY = re.compile(r"[?:;{}]")


@dataclass(frozen=True, slots=True)
class Repair:
    """Synthetic text before a chunk, and the blocks that are open after it."""

    before: str
    blocks: tuple[Block, ...]
    brackets: Brackets


def gap(kind: Kind) -> str:
    """What stands for unseen code in an item of that kind."""
    return _GAPS.get(kind, f"{GAP};")


def repair(code: str, kind: Kind, blocks: tuple[Block, ...], hidden: int | None) -> Repair:
    """Fit a chunk that begins within an item whose `blocks` are open.

    `hidden` is the number of lines not shown since the chunk before; None for the first one.
    """
    brackets = unmatched(code)
    braces = [at for at in brackets.closers if code[at] == "}"]
    first = braces[0] if braces else len(code)
    parens = [at for at in brackets.closers if at < first and code[at] != "}"]
    token, operator = first_token(code)
    columns = [indent_at(code, at) for at in braces]
    ends = bool(columns) and columns[-1] == 0
    seen = layout(code, first, bool(parens) or operator, not ends)
    if seen.base is None and braces and seen.first is None and not parens:
        seen = Layout(None, columns[0] + TAB, seen.floor, seen.cases, False)
    kept = blocks if hidden is None else _surviving(blocks, seen.base, columns, hidden)
    text = [*(closer(block, kind) for block in reversed(blocks[len(kept) :])), gap(kind)]
    opened = _reopened(code, kind, kept, braces, columns, seen)
    surplus = len(kept) + len(opened) - len(braces) if ends else 0
    while surplus > 0 and len(kept) > 1:  # the brace in column 0 must close the item
        text.append(closer(kept[-1], kind))
        kept, surplus = kept[:-1], surplus - 1
    opened = opened[: len(opened) - max(0, surplus)]
    text.extend(opener for _, opener in opened)
    inner = opened[-1][0].kind if opened else ""
    holds = {"init": Kind.INITIALISER, "struct": Kind.STRUCT}.get(inner, kind)
    text.append(_partial(code, holds, parens, token, operator, seen))
    stack = (*kept, *(block for block, _ in opened))
    rest = stack[: max(0, len(stack) - len(braces))]
    after = opened_blocks(code, brackets.openers, rest, kind)
    return Repair(" ".join(part for part in text if part), (*rest, *after), brackets)


def closer(block: Block, kind: Kind) -> str:
    """Close a block of which the end is not seen."""
    if block.kind == "do":
        return f"{GAP}; }} while ({GAP});"
    if block.kind == "init":
        end = block.tail + ";" if block.outer else block.tail + ","
        return f"{GAP} }}{end}"
    if block.kind == "struct":
        return f"int {GAP}; }};" if kind is not Kind.INITIALISER else f"int {GAP}; }}"
    if block.kind == "enum":
        return f"{GAP} }};"
    return f"{GAP}; }}{block.tail}" + (";" if block.tail else "")


def _surviving(
    blocks: tuple[Block, ...], base: int | None, columns: list[int], hidden: int
) -> tuple[Block, ...]:
    """The open blocks that the code after a gap is still in."""
    kept = 1
    low = min(columns, default=None)
    for block in blocks[1:]:
        closes = block.indent in columns
        outside = base is not None and block.indent >= base and not closes
        order = low is not None and block.indent > low and not closes
        if hidden > NEAR or outside or order:
            break
        kept += 1
    return blocks[:kept]


def _reopened(
    code: str,
    kind: Kind,
    kept: tuple[Block, ...],
    braces: list[int],
    columns: list[int],
    seen: Layout,
) -> list[tuple[Block, str]]:
    """Blocks that were opened where we cannot see, outermost first, each with its opener."""
    have = [block.indent for block in kept]
    opened: list[tuple[Block, str]] = []
    parent = kept[-1].kind if kept else "block"
    for at, column in zip(reversed(braces), reversed(columns), strict=True):
        if column in have:
            have.remove(column)
            continue
        block, opener = _opener(code, at, column, kind, parent, column in seen.cases)
        opened.append((block, opener))
        parent = block.kind
    missing = len(braces) + (0 if columns and columns[-1] == 0 else 1) - len(kept) - len(opened)
    for _ in range(missing):
        block = Block(TAB, "init" if parent == "init" else "if")
        opened.insert(0, (block, "{" if parent == "init" else IF_GAP))
    if kind is Kind.FUNCTION and kept:
        _unseen_level(kept, columns, seen, opened)
    return opened


def _unseen_level(
    kept: tuple[Block, ...],
    columns: list[int],
    seen: Layout,
    opened: list[tuple[Block, str]],
) -> None:
    """Code two levels deeper than what is open stands under a condition that is not shown."""
    levels = [*columns, *([seen.floor] if seen.floor is not None else [])]
    if not levels or (columns and columns[-1] == 0):
        return
    floor = min(levels)
    outer = [block.indent for block in kept if block.indent < floor]
    if len(outer) < len(kept) or (outer and floor - outer[-1] < 2 * TAB):
        return
    case = not columns and seen.by_case and seen.base == floor
    opener = f"switch ({GAP}) {{" if case else IF_GAP
    opened.insert(0, (Block(floor - TAB, "if"), opener))


def _opener(
    code: str, at: int, column: int, kind: Kind, parent: str, case: bool
) -> tuple[Block, str]:
    match = _AFTER_BRACE.match(code, at)
    after = match.lastgroup if match is not None else None
    following = code[match.end() - 1] if match is not None else ""
    if kind is Kind.STRUCT or parent == "struct":
        return Block(column, "struct"), "struct {"
    if parent == "init" or kind in {Kind.INITIALISER, Kind.ENUM}:
        return Block(column, "init"), "{"
    if match is not None and match.group(1):
        return Block(column, "if"), IF_GAP
    if match is not None and match.group(2):
        return Block(column, "do"), "do {"
    if _NAMED.match(code, at):
        return Block(column, "struct"), "struct {"
    if following == ";" and after is None:
        return Block(column, "init", outer=True), f"int {GAP}v[] = {{"
    if following == "," and after is None:
        return Block(column, "init"), f"{GAP} = {{"
    return Block(column, "if"), f"switch ({GAP}) {{" if case else IF_GAP


def _partial(
    code: str, kind: Kind, parens: list[int], token: str, operator: bool, seen: Layout
) -> str:
    """What makes a statement of the part of one that the chunk begins with."""
    parts = []
    start = 0
    for at in parens:
        parts.append(_paren_opener(code, start, at, kind))
        start = at + 1
    text = "".join(reversed(parts))
    if (parens or operator) and kind is Kind.FUNCTION and _THEN_ELSE.match(code, start):
        text = f"if ({GAP}) {text}"
    if operator or (token == ")" and not text.endswith(f"{GAP}(")):
        end = parens[0] if parens else len(code)
        other = _TERNARY.search(code, 0, end)
        text += f"{GAP} ? {GAP} " if other is not None and other.group() == ":" else f"{GAP} "
        return text
    if parens:
        other = _TERNARY.search(code, 0, parens[0])
        return text + (f"{GAP} ? " if other is not None and other.group() == ":" else "")
    if kind is Kind.STRUCT:
        return "int" if _REST_OF_MEMBER.match(code) is not None else ""
    if kind is not Kind.FUNCTION:
        return ""
    if _SECOND_BRANCH.match(code) and not _LABEL.match(code):
        return f"{GAP} ? "
    if token == "else":
        return f"if ({GAP}) {GAP};"
    deeper = seen.first is not None and seen.base is not None and seen.first > seen.base
    return f"if ({GAP})" if deeper or token == "{" else ""


def _paren_opener(code: str, start: int, at: int, kind: Kind) -> str:
    if code[at] == "]":
        return f"{GAP}["
    if kind is Kind.STRUCT:
        return f"void (*{GAP}fp)("
    semicolons = code.count(";", start, at)
    if semicolons:
        return "for (" if semicolons > 1 else f"for ({GAP};"
    match = _NEXT_WORD.match(code, at + 1)
    following = match.group(1) if match is not None else None
    if kind is Kind.FUNCTION and following and _CONTROLLED.match(following):
        return "if ("
    return f"{GAP}("
