"""The reference for a work, timer or thread is taken after it was started.

It can run to its end before the next line, and drop the reference that it does not have yet: that
is somebody else's, and may be the last one. Take the reference first, and give it back when the
start says that it was queued already.

It is fine where a lock that the callback needs is held across both.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.locks import IDENTIFIER
from reviewer.c.onward import statement_of
from reviewer.c.reach import Objects
from reviewer.model import Confidence, Evidence, Finding, Fix, Severity
from reviewer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tree_sitter import Node

    from reviewer.c.function import Function
    from reviewer.c.source import Source
    from reviewer.c.syntax import Call

_TIMER = "the timer"
_STARTS: Mapping[str, tuple[int, str]] = {
    "schedule_work": (0, "the work"),
    "schedule_work_on": (1, "the work"),
    "queue_work": (1, "the work"),
    "queue_work_on": (2, "the work"),
    "schedule_delayed_work": (0, "the work"),
    "queue_delayed_work": (1, "the work"),
    "mod_delayed_work": (1, "the work"),
    "kthread_queue_work": (1, "the work"),
    "irq_work_queue": (0, "the work"),
    "mod_timer": (0, _TIMER),
    "add_timer": (0, _TIMER),
    "hrtimer_start": (0, _TIMER),
    "tasklet_schedule": (0, "the tasklet"),
    "tasklet_hi_schedule": (0, "the tasklet"),
    "kthread_run": (1, "the thread"),
    "wake_up_process": (0, "the thread"),
    "task_work_add": (1, "the work"),
    "usb_submit_urb": (0, "the URB"),
}
_COUNTS = frozenset({"kref_get", "refcount_inc", "percpu_ref_get"})
_ATOMIC = frozenset({"atomic_inc", "atomic_long_inc", "atomic_inc_return"})
_COUNTER = re.compile(r"(?:->|\.|_)(?:\w*ref\w*|\w*kref\w*|users?|\w*_users?|usage)\Z")
_GETS = re.compile(r"(?:[a-z]\w*_)?(?:get|hold|grab)\Z")
_ROOT = re.compile(r"&?([A-Za-z_]\w*)(?:->|\Z)")
_STEPS = 2  # statements behind the start that are looked at


def check(source: Source) -> Iterator[Finding]:
    """A start of something in an object, and directly behind it a new reference to the object."""
    for function in source.touched_with(rule.triggers):
        for start in function.calls:
            place, what = _STARTS.get(start.name, (99, ""))
            if start.cut or place >= len(start.arguments):
                continue
            root = _ROOT.match(start.arguments[place])
            count = _counted_behind(function, start, root[1]) if root is not None else None
            if count is None or root is None or _is_new(source, function, root[1]):
                continue
            yield _finding(function, start, count, what, root[1])


def _counted_behind(function: Function, start: Call, root: str) -> Call | None:
    """The first reference that is taken behind the start, where none is taken before it."""
    gets = [call for call in function.calls if _takes(call, root)]
    if not gets or any(call.node.start_byte < start.node.start_byte for call in gets):
        return None
    for node in _behind(start.node):
        for call in gets:
            if node.start_byte <= call.node.start_byte < node.end_byte:
                return call
    return None


def _takes(call: Call, root: str) -> bool:
    if call.cut or len(call.arguments) != 1:
        return False
    text = "".join(call.arguments[0].split())
    if call.name in _COUNTS or (call.name in _ATOMIC and _COUNTER.search(text)):
        return text.startswith(f"&{root}->")
    return text == root and _GETS.match(call.name) is not None


def _behind(node: Node) -> Iterator[Node]:
    """What runs right after the start: the branch that tests it, and the next statements."""
    statement = statement_of(node)
    if statement.type == "if_statement":
        test = statement.child_by_field_name("condition")
        if test is not None and test.start_byte <= node.start_byte < test.end_byte:
            yield statement
    steps = 0
    following = statement.next_named_sibling
    while following is not None and steps < _STEPS:
        if following.type != "comment":
            steps += 1
            yield following
        following = following.next_named_sibling


def _is_new(source: Source, function: Function, root: str) -> bool:
    """Whether the function has just made the object, and holds a reference itself."""
    return root in Objects(function, source).allocated


def _finding(function: Function, start: Call, count: Call, what: str, root: str) -> Finding:
    locks = function.flow.at(start.node)
    locked = any(IDENTIFIER.findall(held.key)[:1] == [root] for held in locks.may)
    return Finding(
        span=count.span,
        message=f"{what} can run before this line: the reference to {root} that it drops is only "
        f"taken after {start.name}()",
        function=function.name,
        evidence=(Evidence(start.span, "it can run from here on"),),
        fix=Fix(f"call {count.name}() before {start.name}(), and undo it if that was for nothing"),
        # Who sets a timer anew often does so under the lock that its handler takes first.
        confidence=Confidence.HUNCH if locked or what == _TIMER else None,
    )


rule = Rule(
    title="The reference is taken after the start",
    severity=Severity.ERROR,
    confidence=Confidence.LIKELY,
    since="0.1",
    check=check,
    triggers=frozenset(_STARTS),
    links=("https://docs.kernel.org/core-api/kref.html",),
)
