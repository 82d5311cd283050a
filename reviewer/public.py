"""What a rule of a user may rely on: modules and their names, kept from release to release.

What is not listed may change at any time, also where it has no underscore before it.
"""

from __future__ import annotations

import importlib
import inspect
import re
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_ADDRESS = re.compile(r"<[^<>]* at 0x[0-9a-f]+>")  # of a default that is a function

PUBLIC: Mapping[str, tuple[str, ...]] = {
    "reviewer.rule": ("Check", "Need", "Rule"),
    "reviewer.model": (
        *("Confidence", "Evidence", "Finding", "Fix", "Safety", "Severity", "Side", "Span"),
        "Status",
    ),
    "reviewer.c.source": ("Source",),
    "reviewer.c.function": ("Function",),
    "reviewer.c.syntax": ("Access", "Assignment", "CType", "Call", "Use", "Variable"),
    "reviewer.c.flow": ("Exit", "ExitKind", "Flow", "Held", "Kind", "Locks"),
    "reviewer.c.reach": ("Objects", "Reach"),
    "reviewer.c.pattern": ("Bound", "Match", "Pattern", "compile_pattern"),
    "reviewer.c.after": ("always", "between", "on_every_path", "reachable", "reassigns"),
    "reviewer.c.callees": ("callers_of", "function_named"),
    "reviewer.c.context": ("sets_up_or_tears_down",),
    "reviewer.c.contexts": ("Context", "Registered", "context_of"),
    "reviewer.library": ("load_directory", "load_rule"),
    "reviewer.testing": ("Case", "annotations_of", "check_case", "read_cases"),
    "reviewer.errors": ("ReviewerError", "RuleError"),
}
"""The public names by module."""


@dataclass(frozen=True, slots=True)
class Described:
    """A public name, and what is said of it."""

    name: str
    what: str
    members: tuple[Described, ...] = ()  # of a class: fields, properties and methods


def described() -> Iterator[tuple[str, tuple[Described, ...]]]:
    """Each module with its public names."""
    for module, names in PUBLIC.items():
        loaded = importlib.import_module(module)
        yield module, tuple(_described(name, getattr(loaded, name)) for name in names)


def _described(name: str, value: object) -> Described:
    if inspect.isclass(value):
        return Described(name, _sentence(value), tuple(_members(value)))
    if inspect.isfunction(value):
        return Described(f"{name}{_signature(value)}", _sentence(value))
    return Described(name, f"a type: `{str(value).replace('collections.abc.', '')}`")


def _sentence(value: object) -> str:
    """The first paragraph of the docstring."""
    return " ".join((inspect.getdoc(value) or "").split("\n\n")[0].split())


def _members(value: type) -> Iterator[Described]:
    if issubclass(value, Enum):
        yield from (Described(each.name, repr(each.value)) for each in value)
    elif is_dataclass(value):
        listed = (each for each in fields(value) if not each.name.startswith("_"))
        yield from (Described(each.name, f"`{each.type}`") for each in listed)
    for name, member in vars(value).items():
        if name.startswith("_"):
            continue
        if isinstance(member, (property, cached_property)):
            yield Described(name, _sentence(member))
        elif inspect.isfunction(member):
            yield Described(f"{name}{_signature(member)}", _sentence(member))


def _signature(function: Callable[..., object]) -> str:
    """As it is written, without `self`; annotations are strings, as everywhere in the package."""
    signature = inspect.signature(function)
    listed = [each for each in signature.parameters.values() if each.name != "self"]
    text = str(signature.replace(parameters=listed)).replace("'", "")
    return _ADDRESS.sub("...", text)
