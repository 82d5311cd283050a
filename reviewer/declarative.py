"""Rules written as data: a TOML file with C patterns becomes a `Rule`.

    title = "..."                  severity = "note" | "warning" | "error"
    since = "0.1"                  confidence = "hunch" | "likely" | "certain"
    explanation = "..."            message = "... $A ... in $FUNCTION()"
    match = "swap($A, $B)"         or a list of alternatives; see reviewer/c/pattern.py
    needs = "hunk" | "file"        links = ["https://..."]
    fix.title = "..."              fix.safety = "safe" | "suggest" | "sketch"
    once = true                    of the matches in one function the first finding only
    other.swap = "exchange"        for each function that `match` calls one that goes with it: its
                                   counterpart, or what replaces it. Binds `$OTHER`
    Where every pattern of `match` is a call, `$CALL` is bound to the name of the function.

    where.A  what must be true of the expression `$A`, all of it; `any = [{...}, {...}]`: of one
        shared = true              reached through a pointer, or at file scope
        local = true               a local variable, or an object that the function allocates
        type = "struct idr"        glob or globs on the declared type without its stars
        pointer = true | false     whether the declared type is a pointer
        variable = true | false    whether it is the name of a parameter or local variable
        declared = "__rcu"         a field or variable that is declared so
        read_under = "rcu"|"srcu"  the same field is used inside a reader section elsewhere
        name, not_name             glob or globs on the text
        contains = "f($A)"         a pattern, or alternatives, that something in it matches
    when     what must be true around the match, all of it
    unless   what keeps the rule silent, any of it
        holding = ["rcu", ...]     when: held on every path; unless: on some, or not known
        note = "$LOCK is held"     in `when`: what the evidence says of the lock; `$TAKEN` is the
                                   name of the function that takes it
        function = ["*_init"]      globs on the name of the function
        calls = ["synchronize_*"]  globs on what the function calls, as far as it is in view; or
                                   patterns with the variables of the match: "get($P)"
        setup = true               the name says that it sets up or tears down an object: nobody
                                   else can reach it yet, or any more
        parameter = "struct rcu_head"  globs on the types of its parameters, without stars
        comment = ["*pairs*"]      globs on rows of a comment beside the match or close above
        tested = true              the value of the match is only used as a truth value
        context = ["hardirq", ...] the function is registered to run so, in view; also "softirq",
                                   "rcu", "completion", "bh", "irqs-off", "process"; "atomic": all
                                   but process; "interrupt". In `when` it binds `$CONTEXT`
    beside   what must stand elsewhere in the function, with the variables of the match
        match = "f($A)"            a pattern, or alternatives; what they all bind is bound, and
                                   where all are calls `$BESIDE`, "f()"
        note = "tested here"       what the evidence says of it
        before = true              it stands in front of the match
    after    what is wrong on the paths that lead on from the match; the finding is there, and the
        match is its evidence. One of these:
        use = "P"                  `$P` is followed, or passed to a call; binds `$USE`, the code
                                   that does, and `$USED`: "p->x is read", "p goes to f()"
        follow = "P"               `$P` is followed; binds the same
        unchecked = "P"            `$P` is followed and was not tested before; binds the same
                                   "RESULT" in place of a variable is what the match returns
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

from reviewer.c.flow import Kind
from reviewer.c.reach import Reach
from reviewer.declared import conditions, paths
from reviewer.declared.around import read_around
from reviewer.declared.beside import read_beside
from reviewer.declared.evaluation import Spec, check_of
from reviewer.declared.keys import Table, nearest
from reviewer.declared.reading import called, check_names, read_patterns
from reviewer.declared.said import Said
from reviewer.errors import RuleError
from reviewer.model import Confidence, Fix, Safety, Severity
from reviewer.rule import Need, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reviewer.c.pattern import Pattern
    from reviewer.declared.conditions import Where

LONGEST_FILE = 64 * 1024
LONGEST_TITLE = 60

_KEYS = (
    *("title", "severity", "confidence", "since", "explanation", "message", "match", "once"),
    *("where", "when", "unless", "beside", "after", "other", "fix", "links", "needs"),
)
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
    patterns = read_patterns(table, "match")
    bound = frozenset.intersection(*(pattern.variables for pattern in patterns))
    when = read_around(table.table("when"), bound)
    beside = read_beside(table.table("beside")) if "beside" in table else None
    after = paths.read_after(table.table("after"), bound) if "after" in table else None
    other = _other(table.table("other"), patterns) if "other" in table else {}
    known = bound | {"FUNCTION"} | _names_of_calls(patterns) | ({"OTHER"} if other else set())
    if beside is not None:
        known |= beside.binds
        check_names(table.table("beside"), "note", known)
    known |= {"LOCK"} if when.holding else set()
    known |= {"CONTEXT"} if when.context else set()
    if after is not None:
        check_names(table.table("after"), "note", known)
        known |= after.binds
    check_names(table, "message", known)
    return Spec(
        patterns=tuple((pattern, _call_names(pattern, other)) for pattern in patterns),
        where=_where(table.table("where"), bound),
        when=when,
        unless=read_around(table.table("unless"), bound),
        beside=beside,
        after=after,
        once=table.true("once") if "once" in table else False,
        message=table.text("message"),
        fix=_fix(table.table("fix"), known) if "fix" in table else None,
    )


def _call_names(pattern: Pattern, other: Mapping[str, str]) -> Said:
    name = called(pattern)
    return Said((), {"CALL": name, "OTHER": other.get(name, "")}) if name is not None else Said()


def _names_of_calls(patterns: tuple[Pattern, ...]) -> frozenset[str]:
    return frozenset({"CALL"}) if all(map(called, patterns)) else frozenset()


def _other(table: Table, patterns: tuple[Pattern, ...]) -> dict[str, str]:
    """For each function that `match` calls the one that goes with it."""
    names = [name for pattern in patterns if (name := called(pattern)) is not None]
    table.only(names, "function, or not called by `match`")
    for name in names:
        table.text(name)
    if len(names) < len(patterns):
        raise RuleError(f"{table.file}: {table.at}: wanted only calls in `match`")
    return {name: table.text(name) for name in names}


def _fix(table: Table, known: frozenset[str]) -> Fix:
    table.only(("title", "safety"))
    check_names(table, "title", known)
    return Fix(table.text("title"), table.choice("safety", _SAFETIES, Safety.SKETCH.value))


def _where(table: Table, bound: frozenset[str]) -> tuple[tuple[str, Where], ...]:
    table.only(bound, "metavariable, or not bound by every pattern of `match`")
    return tuple((name, _all_of(table.table(name))) for name in table.values)


_CONDITIONS: dict[str, Callable[[Table, str], Where]] = {
    "shared": lambda table, key: _reach(table, key, Reach.SHARED),
    "local": lambda table, key: _reach(table, key, Reach.LOCAL),
    "type": lambda table, key: conditions.typed(table.texts(key)),
    "pointer": lambda table, key: conditions.pointer(table.flag(key)),
    "variable": lambda table, key: conditions.variable(table.flag(key)),
    "contains": lambda table, key: conditions.contains(read_patterns(table, key)),
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


def _triggers(spec: Spec) -> frozenset[str]:
    """Words of which one must occur. None at all when nothing that must match has a word."""
    beside = spec.beside.words if spec.beside is not None else (None,)
    globs = any(set("*?[") & set(name) for name in spec.when.calls)
    for words in (
        [pattern.trigger for pattern, _ in spec.patterns],
        beside,
        () if globs else spec.when.calls,
    ):
        if None not in words:
            return frozenset(word for word in words if word is not None)
    return frozenset()
