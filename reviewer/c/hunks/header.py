"""What an item is, from its first lines: the item's own, or the section header of a hunk."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reviewer.c.masks.words import ATTRIBUTE_CALLS
from reviewer.c.unit import GAP, Kind

_NAMED_MACRO = re.compile(
    r"\s*(?:static\s+)?((?:COMPAT_)?SYSCALL_DEFINE\w*|BPF_CALL_\d|BPF_PROG\w*|KUNIT_\w+|TEST\w*"
    r"|FIXTURE_\w+|XDP_\w+|ASSERT_\w+|\w*SYSCALL\w*)[ \t]*\(\s*(\w+)\s*[,)]"
)
_UPPER_CALL = re.compile(r"\s*(?:static\s+)?[A-Z_][A-Z0-9_]*[ \t]*\(")
_RECORD = re.compile(
    r"\s*(?:(?:typedef|static|const|extern|volatile)\s+)*(struct|union|enum)\b\s*([A-Za-z_]\w*)?[^(=;]*\Z"
)
_FUNCTION_NAME = re.compile(r"\b([A-Za-z_]\w*+)\s*+\(")
_POINTER_NAME = re.compile(r"\(\s*\*+\s*(\w+)")
_VARIABLE = re.compile(r"([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)*\s*(?:=|\{|\Z)")
_LABEL = re.compile(r"\w+[ \t]*:(?!:)")
_ATTRIBUTE_CALL = re.compile(r"\b(__\w+)[ \t]*\((?:[^()]|\([^()]*\))*\)")
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|//.*")
_CUT = 400  # characters of a section header that are read
_SIGNATURE = 4000  # characters before the body that are read


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of the item that a hunk begins in."""

    kind: Kind | None  # None: not known
    name: str | None
    opening: str  # C that opens the item, "" when it must be made up
    unfinished: bool = False  # a signature whose parameters go on in the hunk
    macro: bool = False  # a function made by a macro: SYSCALL_DEFINE2(name, ..)


UNKNOWN = Header(None, None, "")


def item_header(code: str, closed: bool) -> tuple[Kind, str | None]:
    """Kind and name of an item whose beginning is in view."""
    code = code.lstrip()  # a long comment stood there
    brace = code.find("{")
    before = code[: min(brace if brace >= 0 else len(code), _SIGNATURE)]
    plain = _without_attributes(before)
    record = _RECORD.match(plain)
    if brace >= 0 and record is not None:
        return (Kind.ENUM if record.group(1) == "enum" else Kind.STRUCT), record.group(2)
    if brace < 0 and plain.lstrip().startswith("typedef"):
        return Kind.DECLARATION, None
    equals = _top_level_equals(plain)
    if equals >= 0:
        variable = _VARIABLE.search(plain[: equals + 1][-_CUT:])
        return Kind.INITIALISER, variable.group(1) if variable is not None else None
    opening = plain.find("(")
    if brace < 0 and (closed or opening < 0):
        return Kind.DECLARATION, None
    if opening < 0:
        return Kind.DECLARATION, None
    if brace >= 0 and _UPPER_CALL.match(plain) and code.rstrip().endswith("};"):
        return Kind.INITIALISER, None
    return Kind.FUNCTION, _function_name(plain)


def _without_attributes(code: str) -> str:
    if "__" not in code:
        return code
    return _ATTRIBUTE_CALL.sub(
        lambda match: " " if match.group(1) in ATTRIBUTE_CALLS else match.group(), code
    )


def _top_level_equals(code: str) -> int:
    """Offset of the first `=` outside parentheses, or -1."""
    at = code.find("=")
    if at < 0 or code.count("(", 0, at) > code.count(")", 0, at):
        return -1
    return at


def _function_name(signature: str) -> str | None:
    named = _NAMED_MACRO.match(signature)
    if named is not None:
        return named.group(2)
    name = _FUNCTION_NAME.search(signature)
    return name.group(1) if name is not None else None


def read_section(section: str) -> Header:
    """The item that the section header of a hunk names: the last column-0 line above it."""
    line = _COMMENT.sub(" ", section[:_CUT]).strip()
    if not line or line[-1] == ";" or not (line[0].isalpha() or line[0] == "_"):
        return UNKNOWN
    if _LABEL.match(line):
        return Header(Kind.FUNCTION, None, "")
    plain = _without_attributes(line)
    record = _RECORD.match(plain.rstrip("{ \t"))
    if record is not None and plain.count("{") < 2:
        return _record_header(record.group(1), record.group(2))
    if _top_level_equals(plain) >= 0 or plain[-1] == "[":
        return _initialiser_header(plain)
    if "(" not in plain:
        return UNKNOWN
    if '"' in plain:  # a call in column 0
        return Header(Kind.FUNCTION, None, "")
    if _UPPER_CALL.match(plain):
        return _macro_header(plain)
    return _function_header(line, plain)


def _record_header(word: str, name: str | None) -> Header:
    kind = Kind.ENUM if word == "enum" else Kind.STRUCT
    return Header(kind, name, f"{word} {name or GAP} {{")


def _initialiser_header(plain: str) -> Header:
    equals = plain.find("=")
    left = plain[:equals].rstrip() if equals >= 0 else ""
    variable = _VARIABLE.search(left[-_CUT:]) if left else None
    name = variable.group(1) if variable is not None else None
    return Header(Kind.INITIALISER, name, f"{left} = {{" if name is not None else "")


def _macro_header(plain: str) -> Header:
    named = _NAMED_MACRO.match(plain)
    if named is not None:
        opening = f"int {named.group(2)}(int {GAP}) {{"
        return Header(
            Kind.FUNCTION, named.group(2), opening, plain.count("(") > plain.count(")"), True
        )
    if plain.count("(") == plain.count(")"):
        return Header(Kind.FUNCTION, None, "")
    return Header(Kind.MACRO, None, "")


def _function_header(line: str, plain: str) -> Header:
    pointer = _POINTER_NAME.search(plain)
    name = _function_name(plain)
    if name is None or (pointer is not None and plain.find("(") == pointer.start()):
        return Header(Kind.FUNCTION, None, "")
    unfinished = plain.count("(") > plain.count(")") or plain[-1] == ","
    signature = line.rstrip("{ \t")
    if signature.count("(") > signature.count(")"):
        signature = _cut_signature(signature)
    if _FUNCTION_NAME.match(signature):
        signature = "int " + signature
    return Header(Kind.FUNCTION, name, signature + " {", unfinished)


def _cut_signature(signature: str) -> str:
    """Up to the last complete parameter, closed."""
    opening = signature.find("(")
    depth = 0
    last = opening
    for at in range(opening, len(signature)):
        found = signature[at]
        depth += (found == "(") - (found == ")")
        if found == "," and depth == 1:
            last = at
    kept = signature[:last] if last > opening else signature[: opening + 1]
    return kept + ")" * max(0, kept.count("(") - kept.count(")"))
