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
        context = ["hardirq", ...] the function is registered to run so, in view; also "softirq",
                                   "rcu", "completion", "bh", "irqs-off", "process"; "atomic": all
                                   but process; "interrupt". In `when` it binds `$CONTEXT`
    after    what is wrong on the paths that lead on from the match; the finding is there, and the
        match is its evidence. One of these:
        use = "P"                  `$P` is followed or passed on; binds `$USE`, the code that does
        unchecked = "P"            `$P` is followed and was not tested before; binds `$USE`
        then = "kfree($P)"         a pattern, or alternatives; what they all bind is bound
        missing = "put($P)"        a way out is reached that passes none of these; binds `$EXIT`
        with, wanted:
        note = "freed here"        what the evidence says of the match
        and, if need be:
        until = ["get($P)"]        patterns that end a path. It also ends where a variable of `use`,
                                   `unchecked`, `then` gets another value or is shown to be NULL
        success = "zero"           the match is a call that has then succeeded: paths on which its
                                   result is not that are left out; or "nonzero", "pointer"

The file is data: nothing in it is run, and there are no regular expressions. What is wrong with it
is a RuleError that names file and key.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from reviewer.c.contexts import Context
from reviewer.c.flow import Kind
from reviewer.c.reach import Reach
from reviewer.declared import conditions, paths
from reviewer.declared.conditions import LOCKS
from reviewer.declared.evaluation import VARIABLE, Around, Spec, check_of
from reviewer.declared.keys import Table, nearest
from reviewer.errors import RuleError
from reviewer.model import Confidence, Fix, Safety, Severity
from reviewer.rule import Need, Rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from reviewer.c.pattern import Pattern
    from reviewer.declared.conditions import Where

LONGEST_FILE = 64 * 1024
LONGEST_TITLE = 60

_KEYS = (
    *("title", "severity", "confidence", "since", "explanation", "message", "match"),
    *("where", "when", "unless", "after", "fix", "links", "needs"),
)
_AROUND = ("holding", "function", "calls", "context")
_CONTEXTS = (*Context, "atomic", "interrupt")
_SEVERITIES = {severity.name.lower(): severity for severity in Severity}
_CONFIDENCES = {confidence.name.lower(): confidence for confidence in Confidence}
_SAFETIES = {safety.value: safety for safety in Safety}
_NEEDS = {need.value: need for need in Need}
_READERS = {"rcu": Kind.RCU, "srcu": Kind.SRCU}
_DECLARED = {"__rcu": conditions.declared_rcu}


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
        check=check_of(spec),
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


def _spec(table: Table) -> Spec:
    patterns = tuple(_pattern(text, table) for text in table.texts("match"))
    bound = frozenset.intersection(*(pattern.variables for pattern in patterns))
    when = _around(table.table("when"))
    after = paths.read_after(table.table("after"), bound) if "after" in table else None
    known = bound | {"FUNCTION"} | (after.binds if after else frozenset())
    if "after" in table:
        _substitutes(table.table("after"), "note", bound | {"FUNCTION"})
    around = {"LOCK": when.holding, "CONTEXT": when.context}
    _substitutes(table, "message", known | {name for name, given in around.items() if given})
    return Spec(
        patterns,
        _where(table.table("where"), bound),
        when,
        _around(table.table("unless")),
        after,
        table.text("message"),
        _fix(table.table("fix"), known) if "fix" in table else None,
    )


def _pattern(text: str, table: Table) -> Pattern:
    return paths.read_pattern(table, "match", text)


def _substitutes(table: Table, key: str, known: frozenset[str]) -> None:
    for name in VARIABLE.findall(table.text(key)):
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


def _around(table: Table) -> Around:
    table.only(_AROUND)
    given = {key: table.texts(key) for key in _AROUND if key in table}
    for word in given.get("holding", ()):
        if word not in LOCKS:
            raise table.error("holding", f"{word!r} is no kind of lock; {nearest(word, LOCKS)}")
    for word in given.get("context", ()):
        if word not in _CONTEXTS:
            raise table.error("context", f"{word!r} is no context; {nearest(word, _CONTEXTS)}")
    return Around(**given)


def _triggers(spec: Spec) -> frozenset[str]:
    """Words of which one must occur. None at all when a pattern has no word of its own."""
    words = [pattern.trigger for pattern in spec.patterns]
    if None not in words:
        return frozenset(word for word in words if word is not None)
    return frozenset(
        spec.when.calls if not any(set("*?[") & set(c) for c in spec.when.calls) else ()
    )
