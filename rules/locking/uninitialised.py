"""A lock, completion or work is used, and nothing initialises it.

A mutex or spinlock that was not initialised may work for a while when its memory happens to be
zero, but lockdep complains on first use, and a wait queue, completion or work crashes.

The rule speaks of a member that the patch adds to a struct: code that the patch leaves alone cannot
initialise it. The struct of a .c file is the business of that file; for one of a header all files
of the patch are looked through.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from reviewer.c.unit import Kind
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity, Side
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.structs import Field
    from reviewer.c.syntax import Call

_INITS: Mapping[str, str] = {
    "spinlock_t": "spin_lock_init",
    "raw_spinlock_t": "raw_spin_lock_init",
    "rwlock_t": "rwlock_init",
    "struct mutex": "mutex_init",
    "struct rw_semaphore": "init_rwsem",
    "struct completion": "init_completion",
    "wait_queue_head_t": "init_waitqueue_head",
    "struct wait_queue_head": "init_waitqueue_head",
    "struct work_struct": "INIT_WORK",
    "struct delayed_work": "INIT_DELAYED_WORK",
    "struct timer_list": "timer_setup",
    "struct hrtimer": "hrtimer_setup",
    "struct srcu_struct": "init_srcu_struct",
    "struct tasklet_struct": "tasklet_setup",
}
_USES = re.compile(
    r"lock|mutex|down_|up_|wait|complet|wake|(?:queue|schedule)_|_work|timer|guard|tasklet|srcu"
)
_WITH_FUNCTION = frozenset(
    {
        "struct work_struct",
        "struct delayed_work",
        "struct timer_list",
        "struct hrtimer",
        "struct tasklet_struct",
    }
)
_MOST = 50  # new members of one file; each is looked for in all of it
_MEMBER = re.compile(r"&(\w+)->")
_SETS_UP = re.compile(r"INIT_\w+|init_\w+|\w+_init|\w+_setup|xa_init\w*")
_INIT = re.compile(r"(?<!re)init|INIT|setup|SETUP|UNLOCKED|memcpy|autocancel")


def check(source: Source) -> Iterator[Finding]:
    """Members that the patch adds, uses, and does not initialise."""
    if source.side is Side.OLD:
        return
    for field in islice(_added(source), _MOST):
        files: tuple[Source, ...] = (source,)
        if source.path.endswith(".h"):
            # What a new struct, or a work with its function, lacks may come later in the series.
            if _is_new(source, field.struct) or field.type.name in _WITH_FUNCTION:
                continue
            files = source.patch
        word = re.compile(rf"\b{field.name}\b")
        units = [unit for file in files for unit in file.units if word.search(unit.text)]
        if any(unit.kind is not Kind.STRUCT and _initialises(unit.text, word) for unit in units):
            continue
        if any(re.search(rf"\b{field.name};", gone) for gone in _gone(files)):
            continue
        use = _use(files, field)
        if use is None:
            continue
        setup = _setup(source, field) if _is_new(source, field.struct) else None
        yield _finding(source, field, use, setup)


def _added(source: Source) -> Iterator[Field]:
    """The members of such a type on rows that the patch adds to a struct of this file."""
    changed: set[int] = set()
    for unit in source.units:
        if unit.kind is Kind.STRUCT:
            changed |= {line for row in unit.changed if (line := unit.lines[row]) is not None}
    for fields in source.structs.fields.values() if changed else ():
        for field in fields.values():
            plain = field.type.name in _INITS and not field.type.pointer
            here = field.span is not None and field.span.path == source.path
            if plain and here and field.span is not None and field.span.line in changed:
                yield field


def _gone(files: Iterable[Source]) -> Iterator[str]:
    """What the patch takes away of each file: a member that it only moves is not new."""
    return (unit.gone for file in files for unit in file.units if unit.gone)


def _initialises(text: str, word: re.Pattern[str]) -> bool:
    """Whether a statement that names the member sets it up."""
    for found in word.finditer(text):
        start = max(text.rfind(sign, 0, found.start()) for sign in ";{}")
        end = text.find(";", found.end())
        if _INIT.search(text, start + 1, end if end > 0 else len(text)):
            return True
    return False


def _use(files: Iterable[Source], field: Field) -> Call | None:
    """A call on a changed row that needs it to be initialised; None when an old row has one too.

    Of a member that is really new, all uses are.
    """
    own = re.compile(rf"&[\w.>\[\]()-]+(?:->|\.){field.name}(?:\[[^\[\]]*\])?\Z")
    found: Call | None = None
    for function in (each for file in files for each in file.functions_with(field.name)):
        for call in function.calls:
            named = [each for each in call.arguments if own.match(each)]
            if not named or _of_another(function, named[0], field):
                continue
            if call.node.start_point[0] not in function.unit.changed:
                return None
            if _USES.search(call.name) and not call.name.startswith("reinit"):
                found = found or call
    return found


def _of_another(function: Function, argument: str, field: Field) -> bool:
    """Whether the text shows that it is a member of another struct."""
    base = re.fullmatch(r"&(\w+)(?:->|\.)\w+", argument)
    variable = function.variables.get(base[1]) if base else None
    struct = variable.type.struct if variable else None
    return struct is not None and struct != field.struct


def _is_new(source: Source, struct: str) -> bool:
    """Whether the patch adds the whole struct."""
    return any(
        unit.kind is Kind.STRUCT
        and unit.name == struct
        and all(line is None or row in unit.changed for row, line in enumerate(unit.lines))
        for unit in source.units
    )


def _setup(source: Source, field: Field) -> Call | None:
    """The last call on a changed row that initialises another member of the struct."""
    found: Call | None = None
    for function in source.functions_with(field.struct):
        for call in function.calls:
            member = _MEMBER.match(call.arguments[0]) if call.arguments else None
            if member is None or call.node.start_point[0] not in function.unit.changed:
                continue
            variable = function.variables.get(member[1])
            struct = variable.type.struct if variable else None
            if struct == field.struct and _SETS_UP.match(call.name):
                found = call
    return found


def _finding(source: Source, field: Field, use: Call, setup: Call | None) -> Finding:
    """In the function that sets the other members up, if the file has it; else at the member."""
    evidence = [Evidence(use.span, "it is used here")]
    span, function = field.span, None
    assert span is not None
    if setup is not None:
        evidence.insert(0, Evidence(span, "it is declared here"))
        span = setup.span
        at = source.function_at(span.line)
        function = None if at is None else at.name
    return Finding(
        span=span,
        message=f"{field.name} is used by {use.name}(), but nothing in this patch initialises it",
        function=function,
        evidence=tuple(evidence),
        fix=Fix(f"call {_INITS[field.type.name]}() where the struct is set up"),
    )


rule = Rule(
    title="A lock or work that nothing initialises",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(name.removeprefix("struct ") for name in _INITS),
    links=("https://docs.kernel.org/locking/lockdep-design.html",),
)
