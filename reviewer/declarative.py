"""Rules written as data: a TOML file with C patterns becomes a `Rule`.

    title = "..."                  severity = "note" | "warning" | "error"
    since = "0.1"                  confidence = "hunch" | "likely" | "certain"
    explanation = "..."            message = "... $A ... in $FUNCTION()"
    match = "swap($A, $B)"         or a list of alternatives; see reviewer/c/pattern.py
    needs = "hunk" | "file"        links = ["https://..."]
    fix.title = "..."              fix.safety = "safe" | "suggest" | "sketch"

    where.A  what must be true of the expression `$A`, all of it; `any = [{...}, {...}]`: of one
        shared = true              reached through a pointer, or at file scope
        local = true               a local variable, or an object that the function allocates
        type = "struct idr"        glob or globs on the declared type without its stars
        pointer = true | false     whether the declared type is a pointer
        declared = "__rcu"         a field or variable that is declared so
        read_under = "rcu"|"srcu"  the same field is used inside a reader section elsewhere
        name, not_name             glob or globs on the text
    when     what must be true around the match, all of it
    unless   what keeps the rule silent, any of it
        holding = ["rcu", ...]     when: held on every path; unless: on some, or not known
        function = ["*_init"]      globs on the name of the function
        calls = ["synchronize_*"]  globs on what the function calls, as far as it is in view

The file is data: nothing in it is run, and there are no regular expressions. What is wrong with it
is a RuleError that names file and key.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewer import conditions
from reviewer.c.flow import Kind
from reviewer.c.pattern import compile_pattern
from reviewer.c.reach import Objects, Reach
from reviewer.conditions import LOCKS
from reviewer.errors import RuleError
from reviewer.keys import Table, nearest
from reviewer.model import Confidence, Evidence, Finding, Fix, Safety, Severity
from reviewer.rule import Need, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reviewer.c.flow import Held
    from reviewer.c.function import Function
    from reviewer.c.pattern import Match, Pattern
    from reviewer.c.source import Source
    from reviewer.conditions import Answer, Where

LONGEST_FILE = 64 * 1024
LONGEST_TITLE = 60

_KEYS = (
    *("title", "severity", "confidence", "since", "explanation", "message", "match"),
    *("where", "when", "unless", "fix", "links", "needs"),
)
_AROUND = ("holding", "function", "calls")
_SEVERITIES = {severity.name.lower(): severity for severity in Severity}
_CONFIDENCES = {confidence.name.lower(): confidence for confidence in Confidence}
_SAFETIES = {safety.value: safety for safety in Safety}
_NEEDS = {need.value: need for need in Need}
_READERS = {"rcu": Kind.RCU, "srcu": Kind.SRCU}
_DECLARED = {"__rcu": conditions.declared_rcu}
_VARIABLE = re.compile(r"\$([A-Z_][A-Z0-9_]*)")
_NAMELESS = "this function"
_LONGEST_NAME = 80  # characters of one expression in a message
_LONGEST_MESSAGE = 400


@dataclass(frozen=True, slots=True)
class _Around:
    """The keys of `when` or of `unless`."""

    holding: tuple[str, ...] = ()
    function: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Spec:
    """What a file says, checked."""

    patterns: tuple[Pattern, ...]
    where: tuple[tuple[str, Where], ...]
    when: _Around
    unless: _Around
    message: str
    fix: Fix | None


def read_rule(text: str, file: str, rule_id: str = "") -> Rule:
    """Make a rule of the text of a TOML file; `file` is its name in errors."""
    table = _table(text, file)
    table.only(_KEYS)
    spec = _spec(table)
    title = table.text("title")
    if len(title) > LONGEST_TITLE:
        raise table.error("title", f"{len(title)} characters; wanted at most {LONGEST_TITLE}")
    return Rule(
        title=title,
        severity=table.choice("severity", _SEVERITIES),
        confidence=table.choice("confidence", _CONFIDENCES),
        since=table.text("since"),
        check=_check(spec),
        triggers=_triggers(spec),
        needs=table.choice("needs", _NEEDS, Need.HUNK.value),
        links=table.texts("links") if "links" in table else (),
        explanation=table.text("explanation"),
        id=rule_id,
    )


def _table(text: str, file: str) -> Table:
    if len(text) > LONGEST_FILE:
        raise RuleError(f"{file}: {len(text)} characters; a rule has at most {LONGEST_FILE}")
    try:
        return Table(tomllib.loads(text), file)
    except tomllib.TOMLDecodeError as error:
        raise RuleError(f"{file}: not TOML: {error}") from None
    except RecursionError:
        raise RuleError(f"{file}: not a rule: nested too deeply") from None


def _spec(table: Table) -> _Spec:
    patterns = tuple(_pattern(text, table) for text in table.texts("match"))
    bound = frozenset.intersection(*(pattern.variables for pattern in patterns))
    known = bound | {"FUNCTION"}
    when = _around(table.table("when"))
    _substitutes(table, "message", known | ({"LOCK"} if when.holding else frozenset()))
    return _Spec(
        patterns,
        _where(table.table("where"), bound),
        when,
        _around(table.table("unless")),
        table.text("message"),
        _fix(table.table("fix"), known) if "fix" in table else None,
    )


def _pattern(text: str, table: Table) -> Pattern:
    try:
        return compile_pattern(text)
    except RuleError as error:
        raise table.error("match", str(error)) from None


def _substitutes(table: Table, key: str, known: frozenset[str]) -> None:
    for name in _VARIABLE.findall(table.text(key)):
        if name not in known:
            every = [f"${variable}" for variable in known]
            what = f"${name} is not bound by every pattern of `match`"
            raise table.error(key, f"{what}; {nearest(f'${name}', every)}")


def _fix(table: Table, known: frozenset[str]) -> Fix:
    table.only(("title", "safety"))
    _substitutes(table, "title", known)
    return Fix(table.text("title"), table.choice("safety", _SAFETIES, Safety.SKETCH.value))


def _where(table: Table, bound: frozenset[str]) -> tuple[tuple[str, Where], ...]:
    table.only(bound, "metavariable, or not bound by every pattern of `match`")
    return tuple((name, _all_of(table.table(name))) for name in table.values)


_CONDITIONS: dict[str, Callable[[Table, str], Where]] = {
    "shared": lambda table, key: _reach(table, key, Reach.SHARED),
    "local": lambda table, key: _reach(table, key, Reach.LOCAL),
    "type": lambda table, key: conditions.typed(table.texts(key)),
    "pointer": lambda table, key: conditions.pointer(table.flag(key)),
    "declared": lambda table, key: _declared(table, key),
    "read_under": lambda table, key: conditions.read_under(table.choice(key, _READERS)),
    "name": lambda table, key: conditions.named(table.texts(key)),
    "not_name": lambda table, key: conditions.named(table.texts(key), wanted=False),
    "any": lambda table, key: conditions.either([_all_of(each) for each in table.tables(key)]),
}


def _all_of(table: Table) -> Where:
    table.only(_CONDITIONS)
    if not table.values:
        raise RuleError(f"{table.file}: {table.at}: empty; {nearest('', _CONDITIONS)}")
    return conditions.every([_CONDITIONS[key](table, key) for key in table.values])


def _reach(table: Table, key: str, wanted: Reach) -> Where:
    if not table.flag(key):
        raise table.error(key, "false says nothing; wanted true, or `shared` for `local`")
    return conditions.reach(wanted)


def _declared(table: Table, key: str) -> Where:
    if (name := table.text(key)) not in _DECLARED:
        raise table.error(key, f"{name!r} is none of its values; {nearest(name, _DECLARED)}")
    return _DECLARED[name]


def _around(table: Table) -> _Around:
    table.only(_AROUND)
    given = {key: table.texts(key) for key in _AROUND if key in table}
    for word in given.get("holding", ()):
        if word not in LOCKS:
            raise table.error("holding", f"{word!r} is no kind of lock; {nearest(word, LOCKS)}")
    return _Around(**given)


def _triggers(spec: _Spec) -> frozenset[str]:
    """Words of which one must occur. None at all when a pattern has no word of its own."""
    words = [pattern.trigger for pattern in spec.patterns]
    if None not in words:
        return frozenset(word for word in words if word is not None)
    return frozenset(
        spec.when.calls if not any(set("*?[") & set(c) for c in spec.when.calls) else ()
    )


def _check(spec: _Spec) -> Callable[[Source], Iterator[Finding]]:
    def check(source: Source) -> Iterator[Finding]:
        for function in source.touched:
            yield from _findings(spec, Objects(function, source))

    return check


def _findings(spec: _Spec, objects: Objects) -> Iterator[Finding]:
    seen: set[int] = set()
    around: Answer = None
    for pattern in spec.patterns:
        for match in pattern.match(objects.function):
            around = _function_answer(spec, objects) if around is None else around
            if around is None:
                return
            if match.node.id not in seen and (said := _said(spec, match, objects)) is not None:
                seen.add(match.node.id)
                evidence, lock = said
                yield _finding(spec, match, objects.function, (*evidence, *around), lock)


def _function_answer(spec: _Spec, objects: Objects) -> Answer:
    """What `when` and `unless` say of the function, which is the same for all matches in it."""
    function = objects.function
    if spec.when.function and not conditions.is_named(function, spec.when.function):
        return None
    if spec.unless.function and conditions.is_named(function, spec.unless.function) is not False:
        return None
    if spec.unless.calls and conditions.calls(function, spec.unless.calls) is not None:
        return None
    return conditions.calls(function, spec.when.calls) if spec.when.calls else ()


def _said(
    spec: _Spec, match: Match, objects: Objects
) -> tuple[tuple[Evidence, ...], Held | None] | None:
    """What `where` and the locks say of one match: the evidence, and the lock that `when` wants."""
    evidence: tuple[Evidence, ...] = ()
    for name, condition in spec.where:
        answer = condition(match.bindings[name], objects)
        if answer is None:
            return None
        evidence += answer
    if spec.unless.holding and conditions.perhaps_held(
        match, objects.function, spec.unless.holding
    ):
        return None
    if not spec.when.holding:
        return evidence, None
    lock = conditions.held(match, objects.function, spec.when.holding)
    if lock is None:
        return None
    if lock.acquire is not None:
        note = f"{conditions.lock_text(lock)} is held from here"
        evidence += (Evidence(lock.acquire.span, note),)
    return evidence, lock


def _finding(
    spec: _Spec, match: Match, function: Function, evidence: tuple[Evidence, ...], lock: Held | None
) -> Finding:
    texts = {name: bound.text for name, bound in match.bindings.items()}
    texts["FUNCTION"] = function.name or _NAMELESS
    if lock is not None:
        texts["LOCK"] = conditions.lock_text(lock)
    fix = spec.fix and Fix(_substituted(spec.fix.title, texts), spec.fix.safety)
    message = _substituted(spec.message, texts)
    return Finding(match.span, message, function.name, tuple(dict.fromkeys(evidence)), fix)


def _substituted(template: str, texts: dict[str, str]) -> str:
    """One line of at most `_LONGEST_MESSAGE` printable characters."""
    full = _VARIABLE.sub(lambda match: _shortened(texts[match[1]], _LONGEST_NAME), template)
    full = full.replace(f"{_NAMELESS}()", _NAMELESS)
    printable = "".join(c if c.isprintable() else " " for c in full)
    return _shortened(" ".join(printable.split()), _LONGEST_MESSAGE)


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."
