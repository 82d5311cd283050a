"""The file names of a diff: unquoted, without prefix, and refused when they lead elsewhere."""

from __future__ import annotations

import re

NOWHERE = "/dev/null"
LONGEST = 4096
"""Characters of the longest name that is looked at (PATH_MAX)."""

_ESCAPE = re.compile(r'\\([0-3][0-7]{2}|[abtnvfr"\\])')
_ESCAPES = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, '"': 34, "\\": 92}
_PREFIX = re.compile(r"[abciow12]/")  # a/ b/, diff.mnemonicPrefix, and `git diff --no-index`
_DATE = re.compile(r" (?:\d{4}-\d\d-\d\d|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z]).*", re.DOTALL)
_KEPT_COPY = (".orig", ".old", "~")


def unquote(name: str) -> str:
    """A name as git wrote it, out of its C-style quotes; bytes that are no UTF-8 are replaced."""
    if len(name) < 2 or name[0] != '"' or name[-1] != '"':
        return name
    raw = bytearray()
    at = 1
    for escape in _ESCAPE.finditer(name, 1, len(name) - 1):
        raw += name[at : escape.start()].encode("utf-8", "replace")
        code = escape[1]
        raw.append(_ESCAPES[code] if code in _ESCAPES else int(code, 8))
        at = escape.end()
    raw += name[at:-1].encode("utf-8", "replace")
    return raw.decode("utf-8", "replace")


def relative(old: str, new: str) -> tuple[str, str]:
    """Both names of a file as they stand after `---` and `+++`, relative to the source tree.

    The name of the side on which the file does not exist is that of the other side.
    """
    source, target = _bare(old), _bare(new)
    if source == NOWHERE or target == NOWHERE:
        there = target if source == NOWHERE else source
        there = there[2:] if _PREFIX.match(there) else there
        return there, there
    if _PREFIX.match(source) and _PREFIX.match(target):
        source, target = source[2:], target[2:]
    else:
        source, target = _without_top(source, target)
    for suffix in _KEPT_COPY:
        if source == target + suffix:
            return target, target
    return source, target


def refusal(path: str) -> str | None:
    """Why nothing may be looked up under this name, or None when it is a plain relative path."""
    if not path:
        return "empty"
    if len(path) > LONGEST:
        return f"longer than {LONGEST} characters"
    if not path.isprintable() or "\\" in path:
        return "not printable"
    if path.startswith("/"):
        return "absolute"
    parts = path.split("/")
    if ".." in parts:
        return "leads out of the source tree"
    if "" in parts or "." in parts:
        return "not in its plain form"
    if any(part.rstrip(" .").lower() in (".git", "git~1") for part in parts):
        return "inside the git directory"
    return None


def shown(text: str, width: int = 100) -> str:
    """The text cut to `width`, everything that is not printable escaped: fit for a message."""
    cut = text if len(text) <= width else text[: width - 3] + "..."
    return "".join(each if each.isprintable() else _escaped(each) for each in cut)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "replace").decode("ascii")


def _bare(name: str) -> str:
    """Without quotes, a time stamp that lost its tab, and a leading `./`."""
    if len(name) > LONGEST:
        return name
    plain = unquote(name) if name.startswith('"') else _DATE.sub("", name).rstrip(" ")
    return plain[2:] if plain.startswith("./") else plain


def _without_top(source: str, target: str) -> tuple[str, str]:
    """Names of a plain diff without the directory of the kernel tree (`-p1`), if they show one."""
    top, _, inside = source.partition("/")
    new_top, _, new_inside = target.partition("/")
    if not inside or not new_inside:
        return source, target
    same = inside in (new_inside, *(new_inside + suffix for suffix in _KEPT_COPY))
    if same and (top != new_top or top.startswith("linux")):
        return inside, new_inside
    return source, target
