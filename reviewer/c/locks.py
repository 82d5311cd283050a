"""From calls to what they do to locks: tables first, then names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reviewer.c.facts import guard_class, lock_call
from reviewer.c.flow import Held, Kind
from reviewer.c.walking.effects import (
    Acquire,
    Asserted,
    Downgrade,
    Hidden,
    NoReturn,
    Release,
    UnknownUnlock,
)

if TYPE_CHECKING:
    from reviewer.c.facts import LockCall
    from reviewer.c.syntax import Call
    from reviewer.c.walking.effects import Effect

IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_FIELD_OR_VARIABLE = re.compile(r"(->|\.)?\s*\b([A-Za-z_]\w*)")
_PARENTHESES = re.compile(r"\(([\w>.-]+)\)")
_LOCK = re.compile(r"(?:^|_)(?:lock|trylock|rlock|wlock)(?:_|$)|\w_mutex_acquire$")
_UNLOCK = re.compile(r"(?:^|_)(?:unlock|runlock|wunlock)(?:_|$)|\w_mutex_release$")
_TRY = re.compile(r"(?<=_)try_(?=(?:\w+_)?lock(?:_|$))|try(?=lock)")
_VARIANT = re.compile(r"_(?:irqsave|irqrestore|irq|bh)(?=_|$)")
_SAVES = re.compile(r"irq_?save")
_NOT_A_LOCK = re.compile(
    r"(?:^|_)(?:lockdep|init|destroy|is|assert|held|locked|unlocked|alloc|free|setup|owner|name|type|"
    r"class|stat|state|contended|nested_lock|map|size|count|test|check|can|has|need|needs|get|set|wait|event|resched|might|prove|pin|unpin|repin)(?:_|$)"
)
_NO_RETURN = {
    "BUG",
    "panic",
    "nmi_panic",
    "do_exit",
    "do_group_exit",
    "make_task_dead",
    "kthread_exit",
    "kthread_complete_and_exit",
    "module_put_and_kthread_exit",
    "unreachable",
    "__builtin_unreachable",
}
_ASSERTED = {
    "lockdep_assert_held": Kind.OTHER,
    "lockdep_assert_held_once": Kind.OTHER,
    "lockdep_assert_held_write": Kind.OTHER,
    "lockdep_assert_held_read": Kind.OTHER,
    "lockdep_assert_held_exclusive": Kind.OTHER,
    "assert_spin_locked": Kind.SPIN,
    "assert_raw_spin_locked": Kind.SPIN,
    "sock_owned_by_me": Kind.MUTEX,
    "device_lock_assert": Kind.MUTEX,
    "mmap_assert_locked": Kind.RWSEM,
    "mmap_assert_write_locked": Kind.RWSEM,
    "rwsem_assert_held": Kind.RWSEM,
    "rwsem_assert_held_write": Kind.RWSEM,
    "lockdep_assert_wiphy": Kind.MUTEX,
    "devl_assert_locked": Kind.MUTEX,
}
_PROTECTED = re.compile(
    r"lockdep_is_held(?:_type)?\(([^(),]+)(?:,\d+)?\)|(lockdep_rtnl_is_held\(\))"
)
_RCU_HELD = re.compile(r"!rcu_read_lock_held\(\)")
_LONGEST = 120


def lock_key(text: str) -> str:
    """An argument as the key of a lock: "&(fc)->lock" is "fc->lock"."""
    key = "".join(text.split()).lstrip("&")
    while key.startswith("(") and key.endswith(")") and key.count("(") == 1:
        key = key[1:-1].lstrip("&")
    return _PARENTHESES.sub(r"\1", key) if "(" in key else key


def names_in(text: str) -> frozenset[str]:
    """The variables of an expression, and its fields with a dot: {"b", ".lock"} of "b->lock"."""
    return frozenset(_names(text))


def _names(text: str) -> list[str]:
    return ["." + match[2] if match[1] else match[2] for match in _FIELD_OR_VARIABLE.finditer(text)]


def variables_in(text: str) -> frozenset[str]:
    """The variables of an expression, without its fields."""
    return frozenset(name for name in _names(text) if name[0] != ".")


def last_name(target: str) -> str:
    """What an assignment changes: a variable, or the last field: ".next" of `p->next[i]`."""
    found = _names(target.split("[", 1)[0])
    return found[-1] if found else ""


def effect_of(call: Call) -> Effect | None:
    """What a call does to locks as far as its own text tells."""
    name = call.name
    if call.guard:
        return _guarded(call)
    known = lock_call(name)
    if known is not None:
        return _known(call, known)
    if name in _NO_RETURN or (name == "BUG_ON" and call.arguments in {("1",), ("true",)}):
        return NoReturn()
    if "lock" in name or "_mutex_" in name or "assert" in name or "ASSERT" in name:
        found = _asserted(call) or _named(call)
        if found is not None:
            return found
    return _other(call)


def _other(call: Call) -> Effect | None:
    name, arguments = call.name, call.arguments
    if name == "downgrade_write" and arguments:
        return Downgrade(lock_key(arguments[0]))
    if name == "rcu_dereference_protected" and len(arguments) == 2:
        match = _PROTECTED.fullmatch("".join(arguments[1].split()))
        if match is not None:
            return _rtnl() if match[2] else _claim(Kind.OTHER, "", lock_key(match[1]))
    warns = name in {"RCU_LOCKDEP_WARN", "WARN_ON", "WARN_ON_ONCE"} and arguments
    if warns and _RCU_HELD.fullmatch("".join(arguments[0].split())):
        return _claim(Kind.RCU, "rcu_read_unlock", "")
    return None


def _key(call: Call, position: int | None) -> str | None:
    """The key of the lock; None when the argument is not in view or too long to be a name."""
    if position is None:
        return ""
    if call.cut or position >= len(call.arguments):
        return None
    key = lock_key(call.arguments[position])
    return key if len(key) <= _LONGEST else None


def _known(call: Call, known: LockCall) -> Effect:
    key = _key(call, known.argument)
    if key is None:
        return Hidden()
    if not known.acquires:
        return Release(known.kind, known.family, key, known.irq, known.bh)
    return _acquire(call, known, key)


def _acquire(call: Call, known: LockCall, key: str, guard: bool = False) -> Acquire:
    # Flags that are no local variable are for the caller, who restores them.
    flags = call.arguments[0 if known.argument is None else 1 :]
    handed = _SAVES.search(call.name) is not None and not (flags and flags[0].isidentifier())
    effects = (known.shared, known.irq, known.bh)
    held = Held(known.kind, known.family, key, *effects, call, guard, handed=handed and not guard)
    result = f"@{call.node.start_byte}" if known.result else ""
    return Acquire(held, names_in(key), call.node.start_byte, result, known.result != "zero")


def _guarded(call: Call) -> Effect | None:
    """guard(class)(lock), CLASS(class, name)(lock), scoped_cond_guard(class, else, lock)."""
    if not call.arguments:
        return None
    skipped = 1 if call.name in {"guard", "scoped_guard"} else 2
    known = guard_class(call.arguments[0])
    key = lock_key(call.arguments[skipped]) if len(call.arguments) > skipped else ""
    if known is None:
        if call.name not in {"guard", "scoped_guard", "scoped_cond_guard"}:
            return None  # CLASS(fd, f)(n): a resource, no lock
        held = Held(Kind.OTHER, call.arguments[0], key, False, False, False, call, True)
        return Acquire(held, names_in(key), call.node.start_byte)
    found = _acquire(call, known, "" if known.argument is None else key, True)
    if call.name == "guard" or not known.result:
        return found._replace(result="")
    return found


def _claim(kind: Kind, family: str, key: str) -> Asserted:
    held = Held(kind, family, key, False, False, False, None, False, True)
    return Asserted(held, names_in(key))


def _rtnl() -> Asserted:
    return _claim(Kind.MUTEX, "rtnl_unlock", "")


def claimed(text: str) -> Asserted:
    """The lock that `__must_hold(text)` names."""
    key = lock_key(text)
    if key in {"RCU", "rcu"}:
        return _claim(Kind.RCU, "rcu_read_unlock", "")
    return _claim(Kind.OTHER, "", key)


def _asserted(call: Call) -> Effect | None:
    name = call.name
    if name in {"ASSERT_RTNL", "lockdep_assert_rtnl"}:
        return _rtnl()
    if name in {"lockdep_assert_irqs_disabled", "lockdep_assert_in_irq"}:
        return _claim(Kind.IRQ, "local_irq_enable", "")
    if name == "lockdep_assert_preemption_disabled":
        return _claim(Kind.PREEMPT, "preempt_enable", "")
    if name in {"lockdep_assert_in_rcu_read_lock", "lockdep_assert_in_rcu_reader"}:
        return _claim(Kind.RCU, "rcu_read_unlock", "")
    kind = _ASSERTED.get(name)
    if kind is None or not call.arguments or call.cut:
        return None
    return _claim(kind, "", lock_key(call.arguments[0]))


def _named(call: Call) -> Effect | None:
    """A lock or unlock function by its name alone: kind OTHER."""
    name = call.name
    last = name.rsplit("->", 1)[-1].rsplit(".", 1)[-1]
    key = lock_key(call.arguments[0]) if call.arguments and not call.cut else ""
    if len(key) > _LONGEST:
        key = ""
    variant = _VARIANT.search(last)
    irq, bh = (
        variant is not None and "irq" in variant[0],
        variant is not None and "bh" in variant[0],
    )
    if _UNLOCK.search(last):
        plain = _VARIANT.sub("", name)
        return UnknownUnlock(plain, key, variables_in(" ".join(call.arguments)), irq, bh)
    if name != last or not _LOCK.search(name) or _NOT_A_LOCK.search(name):
        return None
    family = _LOCK.sub(_undone, _VARIANT.sub("", _TRY.sub("", name, count=1)), count=1)
    held = Held(Kind.OTHER, family, key, False, irq, bh, call)
    result = "" if call.statement else f"@{call.node.start_byte}"
    on_success = True if _TRY.search(name) else None
    return Acquire(held, names_in(key), call.node.start_byte, result, on_success)


def _undone(taking: re.Match[str]) -> str:
    """The word for the release in place of the word for the acquire."""
    if taking[0].endswith("acquire"):
        return taking[0].replace("acquire", "release")
    return taking[0].replace("lock", "unlock")
