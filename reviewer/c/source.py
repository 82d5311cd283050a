"""One side of one file of a patch, as its units and the functions in them. What rules read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reviewer.c.function import Function
    from reviewer.c.structs import Structs
    from reviewer.c.unit import Unit
    from reviewer.model import Side


@dataclass(frozen=True)
class Source:
    """One side of one file. `whole` says that the units are the entire file, without gaps."""

    path: str
    side: Side
    units: tuple[Unit, ...]
    structs: Structs  # struct declarations in view: this file and the headers of the patch
    whole: bool = False

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """The functions in the order of the file."""
        raise NotImplementedError
