"""The blocks that a chunk leaves open, and how a chunk is brought to the end of a statement."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reviewer.c.hunks.brackets import Brackets, indent_at, opening_of
from reviewer.c.unit import GAP, Kind

_LAST_WORD = re.compile(r"\b[A-Za-z_]\w*\Z")
_STATEMENT = re.compile(r"[;{}]")
_RECORD = re.compile(r"\b(struct|union|enum)\b[^;(){}=]*\Z")
_NEAR = 300  # characters looked back for what opens a block
_WORD_LENGTH = 48
_HEADS = frozenset({"if", "for", "while", "switch"})
_NEEDS_OPERAND = frozenset("+-*/%=<>&|^!~?,(.[")


@dataclass(frozen=True, slots=True)
class Block:
    """An open brace. `indent` is that of the line where its statement begins."""

    indent: int
    kind: str  # func, if, do, block, init, struct, enum
    tail: str = ""  # closers of the parentheses that stand around it
    outer: bool = False  # an initialiser that is not inside another


def opened_blocks(
    code: str, openers: tuple[int, ...], around: tuple[Block, ...], kind: Kind
) -> tuple[Block, ...]:
    """Blocks of the unmatched braces of a chunk, outermost first."""
    blocks: list[Block] = []
    tail = ""
    parent = around[-1].kind if around else ""
    for at in openers:
        if code[at] != "{":
            tail = (")" if code[at] == "(" else "]") + tail
            continue
        block = _block(code, at, parent, tail, kind, first=not around and not blocks)
        blocks.append(block)
        parent, tail = block.kind, ""
    return tuple(blocks)


def _block(code: str, at: int, parent: str, tail: str, kind: Kind, *, first: bool) -> Block:
    before = code[max(0, at - _NEAR) : at].rstrip()
    if first and not (before.endswith("=") and before[-2:-1] != "="):
        own = {Kind.STRUCT: "struct", Kind.ENUM: "enum", Kind.INITIALISER: "init"}.get(kind, "func")
        return Block(0, own, tail, outer=True)
    last = before[-1:]
    if last == ")":
        close = code.rfind(")", 0, at)
        opening = opening_of(code, close)
        word = _word_before(code, opening)
        indent = indent_at(code, max(0, opening))
        if opening >= 0 and word in {"", "return"}:  # a compound literal
            return Block(indent, "init", tail, outer=parent != "init")
        return Block(indent, "if" if word == "if" else "block", tail)
    indent = indent_at(code, at)
    record = _RECORD.search(before)
    if record is not None:
        return Block(indent, "enum" if record.group(1) == "enum" else "struct", tail)
    if parent == "init" or (last and last in "=,&["):
        return Block(indent, "init", tail, outer=parent != "init")
    return Block(indent, "do" if before.endswith("do") else "block", tail)


def finish(code: str, brackets: Brackets, kind: Kind) -> str:
    """What brings the end of a chunk to the end of its statement, list element or member."""
    text = code.rstrip()
    if not text:
        return ""
    closers, head = _closers(code, brackets)
    listed = kind in {Kind.INITIALISER, Kind.ENUM} and not closers
    operand = "" if listed and text[-1] == "," else _operand(text)
    operand = _ternary(text, operand)
    if closers:
        return operand + closers + (f" {GAP};" if head else _end(kind, ")"))
    return operand + _terminator(text, operand, kind)


def _ternary(text: str, operand: str) -> str:
    """The operand, with the second branch of a `?` that is not shown."""
    if "?" not in text[-_NEAR:]:
        return operand
    statement = _STATEMENT.split(text[-_NEAR:])[-1]
    question = statement.rfind("?")
    return operand + f" : {GAP}" if question >= 0 and ":" not in statement[question:] else operand


def _operand(text: str) -> str:
    last = text[-1]
    if text.endswith(("++", "--")):
        return ""
    if last in _NEEDS_OPERAND:
        return f" {GAP}"
    name = _word_before(text, len(text))
    if name == "case":
        return f" {GAP}:"
    return f" {GAP}" if name in {"goto", "struct", "union", "enum", "sizeof"} else ""


def _closers(code: str, brackets: Brackets) -> tuple[str, bool]:
    """Closers of the parentheses that the chunk ends in; whether they end `if (..)` or its kin."""
    closers = ""
    head = False
    for at in reversed(brackets.openers):
        if code[at] == "{":
            break
        name = _word_before(code, at) if code[at] == "(" else ""
        head = name in _HEADS
        if name == "for":
            closers += ";" * max(0, 2 - code.count(";", at))
        closers += ")" if code[at] == "(" else "]"
    return closers, head


def _terminator(text: str, operand: str, kind: Kind) -> str:
    last = text[-1]
    if kind in {Kind.STRUCT, Kind.INITIALISER, Kind.ENUM}:
        return "" if last in "{;" or (last == "," and not operand) else _end(kind, last)
    if operand.endswith(f" {GAP}:"):
        return f" {GAP};"
    if operand:
        return ";"
    if last in ";{}":
        return ""
    if last == ":":
        return f" {GAP};"
    return f" {GAP};" if _is_head(text) else ";"


def _is_head(text: str) -> bool:
    """Whether the text ends in `if (..)`, `else` or another head whose statement is not shown."""
    word = _word_before(text, len(text))
    if word:
        return word in {"else", "do"}
    return text[-1] == ")" and _word_before(text, opening_of(text, len(text) - 1)) in _HEADS


def _word_before(code: str, offset: int) -> str:
    """The word that ends just before the offset, blanks aside; "" when there is none."""
    low = max(0, offset - _NEAR)
    match = _LAST_WORD.search(code[low : max(0, offset)].rstrip()[-_WORD_LENGTH:])
    return match.group() if match is not None else ""


def _end(kind: Kind, last: str) -> str:
    if kind is Kind.STRUCT:
        return "" if last == "}" else ";"
    if kind in {Kind.INITIALISER, Kind.ENUM}:
        return ","
    return ";"
