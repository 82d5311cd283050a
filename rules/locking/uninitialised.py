"""A lock, completion or work is used, and nothing initialises it.

A mutex or spinlock that was not initialised may work for a while when its memory happens to be
zero, but lockdep complains on first use, and a wait queue, completion or work crashes.

The rule speaks of a member that the patch adds to a struct which is declared in a .c file: its
initialisation can only be in the same patch, in the same file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.unit import Kind
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity, Side, Span
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
_INIT = re.compile(r"init|INIT|setup|SETUP|UNLOCKED|memcpy|autocancel")


def check(source: Source) -> Iterator[Finding]:
    """Members that the patch adds, uses, and does not initialise."""
    if not source.path.endswith(".c") or source.side is Side.OLD:
        return
    for field in _added(source):
        word = re.compile(rf"(?:->|\.)\s*{field.name}\b")
        texts = [unit.text for unit in source.units if unit.kind is not Kind.STRUCT]
        if any(_initialises(text, field.name) for text in texts):
            continue
        use = _use(source, field.name) if any(map(word.search, texts)) else None
        if use is not None and field.span is not None:
            yield _finding(field, field.span, use)


def _added(source: Source) -> Iterator[Field]:
    """The members of such a type on rows that the patch adds to a struct of this file."""
    changed: set[int] = set()
    for unit in source.units:
        if unit.kind is Kind.STRUCT:
            changed |= {line for row in unit.changed if (line := unit.lines[row]) is not None}
    for fields in source.structs.fields.values():
        for field in fields.values():
            plain = field.type.name in _INITS and not field.type.pointer and not field.type.array
            here = field.span is not None and field.span.path == source.path
            if plain and here and field.span is not None and field.span.line in changed:
                yield field


def _initialises(text: str, name: str) -> bool:
    """Whether a row that names the member, or the call that it is an argument of, sets it up."""
    for found in re.finditer(rf"\b{name}\b", text):
        around = text[max(0, found.start() - 120) : found.end() + 60]
        if _INIT.search(around):
            return True
    return False


def _use(source: Source, name: str) -> Call | None:
    """A call on a changed row that needs it to be initialised; None when an old row has one too.

    Of a member that is really new, all uses are.
    """
    own = re.compile(rf"&[\w.>\[\]()-]+(?:->|\.){name}\Z")
    found: Call | None = None
    for function in source.functions_with(name):
        for call in function.calls:
            if not any(own.match(each) for each in call.arguments):
                continue
            if call.node.start_point[0] not in function.unit.changed:
                return None
            if _USES.search(call.name):
                found = found or call
    return found


def _finding(field: Field, span: Span, use: Call) -> Finding:
    return Finding(
        span=span,
        message=f"{field.name} is used by {use.name}(), but nothing in this patch initialises it",
        evidence=(Evidence(use.span, "it is used here"),),
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
