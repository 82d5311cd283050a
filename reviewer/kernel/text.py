"""One file of the kernel as its function definitions, with what each does on every path.

Nothing is parsed: a tree has 60,000 files. Kernel code is laid out by column, so a statement of the
function itself begins after one tab, and what is indented deeper belongs to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from sys import intern
from typing import TYPE_CHECKING

from reviewer.c.facts import guard_class
from reviewer.c.hunks.cut import cut
from reviewer.c.hunks.header import item_header
from reviewer.c.hunks.lexical import read_text
from reviewer.c.locks import lock_key
from reviewer.c.unit import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

ALLOCATES = "GFP_KERNEL"
"""Stands among the calls for an allocation that may sleep."""

_STATEMENT = re.compile(r"\n\t(?=[^\s#])")
_CALLED = re.compile(r"(?<![>.\w])([A-Za-z_]\w*)\s*\(")
_ALLOCATION = re.compile(r"\w*(?:alloc|dup)\w*\s*\([^?]*(?<![~\w])GFP_KERNEL\b")
_LEAVES = re.compile(r"\b(?:return|goto)\b")
_CONDITIONAL = frozenset({"if", "else", "for", "while", "do", "switch", "case", "default"})
_TESTED = frozenset({"if", "while", "switch"})
_KEYWORDS = frozenset({*_CONDITIONAL, "return", "sizeof", "typeof", "__typeof__", "defined"})
_UNLESS_NULL = re.compile(
    r"if\s*\((?:unlikely\()?\s*(?:!\s*\w+|\w+\s*==\s*NULL|IS_ERR\w*\(\w+\))\s*\)"
)
_DECIDES = re.compile(r"&&|\|\||\?")
_GUARD = re.compile(r"(?:scoped_)?guard\((\w+)[),]")
_ASSERT = re.compile(
    r"(?:lockdep_assert_held(?:_once|_write|_read)?|assert_(?:raw_)?spin_locked)\s*\((.*)\);",
    re.DOTALL,
)
_RTNL = re.compile(r"(?:ASSERT_RTNL|lockdep_assert_rtnl)\(\);")
_MUST_HOLD = re.compile(r"__must_hold(?:_shared)?\(([^()]*(?:\([^()]*\))?[^()]*)\)")
_WHOLE_CALL = re.compile(r"(\w+)\(([\w\s,>&.-]*)\);\s*\Z")
_RELEASES = re.compile(r"free|destroy|release|delete")
_LAST_NAME = re.compile(r"(\w+)\s*(?:\[[^\]]*\]\s*)*\Z")
_ROOT = re.compile(r"[A-Za-z_]\w*")
_PLACED = re.compile(r"\$\d+(?:(?:->|\.)\w+)*|[a-z_]\w*|rtnl")
_TAKES = re.compile(r"(?:^|_)(?:try)?lock(?:_|$)|preempt_disable|(?:irq|bh)_(?:disable|save)|^down")
_GIVES_BACK = re.compile(r"unlock|preempt_enable|(?:irq|bh)_(?:enable|restore)|^up(?:_|$)")
_LONGEST = 20_000  # characters of a function that are read


@dataclass(frozen=True, slots=True)
class Definition:
    """A function. `calls` and `needs` are what it does before it may return."""

    name: str
    local: bool  # static in a .c file: the name means nothing elsewhere
    calls: tuple[str, ...]
    needs: tuple[str, ...] = ()  # locks its caller holds; "$0->lock" is of its first parameter
    frees: tuple[tuple[str, int, int], ...] = ()  # callee, its argument, own parameter
    gfp: int | None = None  # which parameter is the gfp_t


def definitions(text: str, header: bool) -> Iterator[Definition]:
    """The functions that a file defines, in its order. Never raises."""
    code = read_text(text).code
    for item in cut(code, top=True):
        piece = code[item.start : item.end]
        brace = piece.find("{")
        if brace < 0:
            continue
        kind, name = item_header(piece, closed=True)
        if kind is Kind.FUNCTION and name is not None:
            body = piece[brace + 1 :].rstrip().removesuffix("}")
            yield _definition(name, piece[:brace], body[:_LONGEST], header)


def _definition(name: str, head: str, body: str, header: bool) -> Definition:
    parameters = parameters_of(head, name)
    places = {text: place for place, text in enumerate(parameters) if text}
    calls, needs, frees = _done(body, places)
    needs += [_placed(lock, places, body) for lock in _MUST_HOLD.findall(head)]
    return Definition(
        intern(name),
        "static" in head.split() and not header,
        tuple(dict.fromkeys(_before_release(calls))),
        tuple(dict.fromkeys(lock for lock in needs if lock)),
        tuple(frees),
        gfp_place(head, name),
    )


def parameters_of(head: str, name: str) -> list[str]:
    """The names of the parameters in a signature, "" for one without."""
    return [found[1] if (found := _LAST_NAME.search(each)) else "" for each in _listed(head, name)]


def gfp_place(head: str, name: str) -> int | None:
    """Which parameter of a signature is a gfp_t, from 0; None: none is."""
    for place, each in enumerate(_listed(head, name)):
        if each.lstrip().startswith("gfp_t"):
            return place
    return None


def _listed(head: str, name: str) -> list[str]:
    at = head.find("(", head.find(name) + len(name))
    end = _closing(head, at)
    return head[at + 1 : end].split(",") if 0 <= at < end else []


def _closing(text: str, at: int) -> int:
    """The offset of the parenthesis that closes the one at `at`; -1: it is not there."""
    depth = 0
    for match in re.finditer(r"[()]", text[at:] if at >= 0 else ""):
        depth += 1 if match[0] == "(" else -1
        if depth == 0:
            return at + match.start()
    return -1


def _done(
    body: str, places: dict[str, int]
) -> tuple[list[str], list[str], list[tuple[str, int, int]]]:
    """What a body calls and asserts on every path, and which parameters it frees at last."""
    calls: list[str] = []
    needs: list[str] = []
    frees: list[tuple[str, int, int]] = []
    sure = True  # no path has left the function yet, apart from `if (!p) return;`
    for statement in _STATEMENT.split("\n" + body)[1:] or [body]:
        head = _ROOT.match(statement)
        word = head[0] if head is not None else ""
        leaves = _LEAVES.search(statement) is not None
        if sure:
            calls += _calls(statement, word)
            needs += _asserted(statement, places, body)
        if word not in _CONDITIONAL:
            frees += _freed(statement, places, body)
        if not leaves:
            continue
        sure = False
        if _UNLESS_NULL.match(statement) is None:
            break
    return calls, needs, frees


def _before_release(calls: list[str]) -> Iterator[str]:
    """The calls up to the one that gives back a lock of the caller: then it may well sleep."""
    held = 0
    for name in calls:
        if _GIVES_BACK.search(name):
            held -= 1
        elif _TAKES.search(name):
            held += 1
        if held < 0:
            return
        yield name


def _calls(statement: str, word: str) -> Iterator[str]:
    """The functions that the statement calls whenever it is reached."""
    guarded = _GUARD.match(statement)
    if guarded is not None:
        known = guard_class(guarded[1])
        if known is not None and not known.result:
            yield known.name
        return
    if word in _CONDITIONAL:
        at = statement.find("(")
        statement = statement[at : _closing(statement, at)] if word in _TESTED else ""
    elif "{" in statement:
        return
    decides = _DECIDES.search(statement)
    if decides is not None:
        statement = statement[: decides.start()]
    for match in _CALLED.finditer(statement):
        if match[1] not in _KEYWORDS:
            yield intern(match[1])
    if ALLOCATES in statement and _ALLOCATION.search(statement):
        yield ALLOCATES


def _asserted(statement: str, places: dict[str, int], body: str) -> Iterator[str]:
    if _RTNL.match(statement):
        yield "rtnl"
    found = _ASSERT.match(statement)
    if found is not None:
        yield _placed(found[1], places, body)


def _placed(lock: str, places: dict[str, int], body: str) -> str:
    """The lock with the number of the parameter it is reached through; "" when by another way."""
    key = lock_key(lock)
    root = _ROOT.match(key)
    if root is None:
        return ""
    if root[0] in places:
        key = f"${places[root[0]]}{key[root.end() :]}"
    elif re.search(rf"\*?\b{root[0]}\s*(?:=|;|,)", body):
        return ""  # a local variable
    return key if _PLACED.fullmatch(key) else ""


def _freed(statement: str, places: dict[str, int], body: str) -> Iterator[tuple[str, int, int]]:
    found = _WHOLE_CALL.match(statement)
    if found is None or not _RELEASES.search(found[1]):
        return
    for argument, text in enumerate(found[2].split(",")):
        name = text.strip()
        if name in places and not re.search(rf"(?<![>.\w]){name}\s*(?:=[^=]|\+\+|--)", body):
            yield intern(found[1]), argument, places[name]
