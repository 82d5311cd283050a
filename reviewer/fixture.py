"""Fixtures of rules, as Markdown: `# Title` begins a case, its code blocks are the patch.

    ```diff path=net/demo/peer.c    the whole file before and after; lines begin with ' ', + or -
    ```hunk path=net/demo/peer.c    only what a mail shows, with @@ headers; counts may be left out
    ```c path=net/demo/peer.h       a file that the patch leaves alone, for its structs

A mark is a comment at the end of a line. It is taken away before a rule sees the text.

    /* want: text */                a finding that the patch introduces; `text` is in its message
    /* want preexisting: text */    one that both sides have
    /* want fixed: text */          one that only the old side has
    /* see: text */                 evidence; `text` is in its note

A fixture that could pass without testing anything is a RuleError that names file and line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reviewer.declared.keys import nearest
from reviewer.errors import RuleError
from reviewer.model import Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FENCE = re.compile(r"(`{3,})[ \t]*(.*)\Z")
_PATH = re.compile(r"path=(\S+)\Z")
_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@ ?(.*)\Z")
_MARK = re.compile(r"\s*/\*\s*(want|see)\b([^:*/]*)(?::\s*(.*?))?\s*\*/")
_STATUS = {"": Status.INTRODUCED, **{status.value: status for status in Status}}
_KINDS = ("diff", "hunk", "c")


@dataclass(frozen=True, slots=True)
class Mark:
    """What is expected at a line. `status` is None for evidence."""

    text: str
    status: Status | None


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a block; `old` and `new` are its numbers in the file, None where it is not."""

    number: int  # in the fixture file
    sign: str  # " ", "+" or "-"; "@" for a hunk header
    text: str  # without sign and marks
    old: int | None
    new: int | None
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """A code block: one file of the patch, or a file beside it."""

    kind: str  # "diff", "hunk" or "c"
    path: str
    number: int  # of its fence in the fixture file
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One case of a fixture. `prose` is what stands between its blocks."""

    title: str
    file: str
    number: int  # line of the title
    blocks: tuple[Block, ...] = ()
    prose: tuple[str, ...] = ()

    @property
    def marks(self) -> Iterator[tuple[Block, Line, Mark]]:
        """Every mark with its place."""
        for block in self.blocks:
            for line in block.lines:
                for mark in line.marks:
                    yield block, line, mark

    @property
    def speaks(self) -> bool:
        """Whether a finding is wanted that the patch introduces."""
        return any(mark.status is Status.INTRODUCED for _, _, mark in self.marks)

    @property
    def quiet(self) -> bool:
        """Whether no finding is wanted at all."""
        return all(mark.status is None for _, _, mark in self.marks)


def read_cases(path: Path) -> list[Case]:
    """The cases of one fixture file, in order. RuleError when it is not a good one."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError(f"{path}: cannot be read: {error}") from None
    cases = _cases(text.split("\n"), str(path))
    _check_cases(cases, str(path))
    return cases


def _cases(lines: list[str], file: str) -> list[Case]:
    cases: list[Case] = []
    at = 0
    while at < len(lines):
        line, number = lines[at], at + 1
        at += 1
        if fence := _FENCE.match(line):
            end = _end(lines, at, fence[1], f"{file}:{number}")
            if not cases:
                raise RuleError(f"{file}:{number}: a block before the first `# Title`")
            block = _block(fence[2], lines[at:end], number, file)
            cases[-1] = replace(cases[-1], blocks=(*cases[-1].blocks, block))
            at = end + 1
        elif line.startswith("# ") or line == "#":
            cases.append(Case(line[2:].strip(), file, number))
        elif line.strip() and cases:
            cases[-1] = replace(cases[-1], prose=(*cases[-1].prose, line.strip()))
    return cases


def _end(lines: list[str], at: int, fence: str, where: str) -> int:
    for end in range(at, len(lines)):
        if lines[end].strip() == fence:
            return end
        if lines[end].startswith(fence):
            break
    raise RuleError(f"{where}: the block has no end; wanted a line {fence}")


def _block(info: str, texts: list[str], number: int, file: str) -> Block:
    kind, _, rest = info.strip().partition(" ")
    where = f"{file}:{number}"
    if kind not in _KINDS:
        raise RuleError(f"{where}: unknown kind of block {kind!r}; {nearest(kind, _KINDS)}")
    path = _PATH.match(rest.strip())
    if path is None:
        raise RuleError(f"{where}: wanted `{kind} path=FILE`, found {info.strip()!r}")
    lines = tuple(_lines(kind, texts, number, file))
    if not any(line.text.strip() for line in lines):
        raise RuleError(f"{where}: an empty block")
    if kind != "c" and not any(line.sign in "+-" for line in lines):
        raise RuleError(f"{where}: the patch changes nothing; wanted a line with + or -")
    return Block(kind, path[1], number, lines)


def _lines(kind: str, texts: list[str], number: int, file: str) -> Iterator[Line]:
    old = new = 1
    for row, text in enumerate(texts, number + 1):
        where = f"{file}:{row}"
        if kind == "hunk" and (header := _HUNK.match(text)):
            old, new = int(header[1]), int(header[2])
            yield Line(row, "@", header[3], old, new)
            continue
        if kind == "hunk" and row == number + 1:
            raise RuleError(f"{where}: wanted a hunk header `@@ -1 +1 @@`, found {text[:40]!r}")
        sign, rest = (" ", text) if kind == "c" or not text else (text[0], text[1:])
        if sign not in (" ", "+", "-"):
            raise RuleError(f"{where}: wanted a line that begins with ' ', + or -: {text[:40]!r}")
        code, marks = _marked(rest, sign, kind, where)
        in_old, in_new = sign != "+", sign != "-"
        yield Line(row, sign, code, old if in_old else None, new if in_new else None, marks)
        old, new = old + in_old, new + in_new


def _marked(text: str, sign: str, kind: str, where: str) -> tuple[str, tuple[Mark, ...]]:
    marks = tuple(_mark(match, sign, kind, where) for match in _MARK.finditer(text))
    return (_MARK.sub("", text).rstrip() if marks else text), marks


def _mark(match: re.Match[str], sign: str, kind: str, where: str) -> Mark:
    word, state, text = match[1], match[2].strip(), match[3]
    if not text:
        raise RuleError(f"{where}: wanted `/* {word}: text */`, found {match[0].strip()!r}")
    if word == "see":
        if state:
            raise RuleError(f"{where}: `see` has no status, found {state!r}")
        return Mark(text, None)
    if state not in _STATUS:
        raise RuleError(f"{where}: unknown status {state!r}; {nearest(state, _STATUS)}")
    status = _STATUS[state]
    if kind == "c":
        raise RuleError(f"{where}: `want` in a file that the patch leaves alone")
    if sign == "-" and status is not Status.FIXED:
        raise RuleError(f"{where}: `want` on a removed line; only `want fixed` can be there")
    if sign == "+" and status is Status.FIXED:
        raise RuleError(f"{where}: `want fixed` on an added line, which the old side has not")
    return Mark(text, status)


def _check_cases(cases: list[Case], file: str) -> None:
    titles: dict[str, int] = {}
    bodies: dict[tuple[tuple[str, str, str], ...], int] = {}
    for case in cases:
        where = f"{file}:{case.number}"
        body = tuple((b.path, line.sign, line.text) for b in case.blocks for line in b.lines)
        if not case.title:
            raise RuleError(f"{where}: a case without title")
        if all(block.kind == "c" for block in case.blocks):
            raise RuleError(f"{where}: a case without a `diff` or `hunk` block: {case.title!r}")
        if len({block.path for block in case.blocks}) < len(case.blocks):
            raise RuleError(f"{where}: two blocks of one path: {case.title!r}")
        first = titles.setdefault(case.title, case.number)
        first = min(first, bodies.setdefault(body, case.number))
        if first != case.number:
            raise RuleError(f"{where}: the same case as at line {first}: {case.title!r}")
    if not any(case.speaks for case in cases):
        raise RuleError(f"{file}: no case in which the rule speaks; wanted a `want` mark")
    if not any(case.quiet for case in cases):
        raise RuleError(f"{file}: no case in which the rule is quiet; wanted one without `want`")
