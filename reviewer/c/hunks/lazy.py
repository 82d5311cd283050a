"""Units that are masked when something first asks for it: a file has many, a patch touches few."""

from __future__ import annotations

from functools import cached_property

from reviewer.c.masks.mask import mask
from reviewer.c.unit import Kind, Mark, Unit


class LazyUnit(Unit):
    """A unit of a whole file: masked when something first asks for it."""

    _code: str

    def __init__(
        self,
        kind: Kind,
        name: str | None,
        text: str,
        code: str,
        lines: tuple[int | None, ...],
        changed: frozenset[int],
        alternatives: frozenset[int],
        unread: frozenset[int],
    ) -> None:
        values = {
            "kind": kind,
            "name": name,
            "text": text,
            "lines": lines,
            "changed": changed,
            "alternatives": alternatives,
            "unread": unread,
            "_code": code,
        }
        for key, value in values.items():
            object.__setattr__(self, key, value)

    @cached_property
    def _reading(self) -> tuple[str, tuple[Mark, ...]]:
        return mask(self.text, self._code, self.kind, inside=False)

    @property
    def masked(self) -> str:
        """As in `Unit`."""
        return self._reading[0]

    @property
    def marks(self) -> tuple[Mark, ...]:
        """As in `Unit`."""
        return self._reading[1]
