"""Struct declarations in view: which fields a struct has, of which type, and which are `__rcu`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reviewer.c.function import CType
    from reviewer.model import Span


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a struct; `span` is None when it comes from the facts tables."""

    struct: str
    name: str
    type: CType
    span: Span | None


@dataclass(frozen=True, slots=True)
class Structs:
    """Fields by struct name and field name."""

    fields: Mapping[str, Mapping[str, Field]]

    def field(self, struct: str, name: str) -> Field | None:
        """The field of that struct, when its declaration is in view."""
        return self.fields.get(struct, {}).get(name)
