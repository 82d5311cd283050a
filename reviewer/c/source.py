"""One side of one file of a patch, as its units and the functions in them. What rules read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, cast

from reviewer.c.function import function_of
from reviewer.c.unit import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from reviewer.c.function import Function
    from reviewer.c.structs import Structs
    from reviewer.c.unit import Unit
    from reviewer.model import Side

T = TypeVar("T")


@dataclass(frozen=True)
class Source:
    """One side of one file. `whole` says that the units are the entire file, without gaps."""

    path: str
    side: Side
    units: tuple[Unit, ...]
    structs: Structs  # struct declarations in view: this file and the headers of the patch
    whole: bool = False

    @cached_property
    def _facts(self) -> dict[object, object]:
        return {}

    def fact(self, make: Callable[[Source], T]) -> T:
        """What `make` says of this source, made when first asked. `make` is a module's function."""
        if make not in self._facts:
            self._facts[make] = make(self)
        return cast("T", self._facts[make])

    @cached_property
    def _made(self) -> dict[int, Function | None]:
        return {}

    def _function(self, unit: Unit) -> Function | None:
        """The function of a unit, made once: to find it in a unit costs a parse."""
        if id(unit) not in self._made:
            made = function_of(unit, self.path, self.side, self.structs)
            self._made[id(unit)] = made
        return self._made[id(unit)]

    def _functions(self, units: Iterable[Unit]) -> Iterator[Function]:
        return (made for unit in units if (made := self._function(unit)) is not None)

    @property
    def function_units(self) -> tuple[Unit, ...]:
        """The units that are functions, also those that the grammar cannot read."""
        return tuple(unit for unit in self.units if unit.kind is Kind.FUNCTION)

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """The functions in the order of the file; those the grammar cannot read are not there."""
        return tuple(self._functions(self.function_units))

    def functions_with(self, *words: str) -> Iterator[Function]:
        """The functions whose text contains all of these: cheap also in a large file."""
        return self.functions_where(lambda text: all(word in text for word in words))

    def functions_where(self, fits: Callable[[str], bool]) -> Iterator[Function]:
        """The functions whose text fits."""
        return self._functions(unit for unit in self.function_units if fits(unit.text))

    @property
    def touched_units(self) -> tuple[Unit, ...]:
        """The functions that the patch touches: of hunks all, of a whole file the changed ones."""
        return tuple(unit for unit in self.function_units if unit.changed or not self.whole)

    @cached_property
    def touched(self) -> tuple[Function, ...]:
        """The functions of `touched_units` that the grammar can read. What rules go through."""
        return tuple(self._functions(self.touched_units))

    def function_at(self, line: int) -> Function | None:
        """The function that shows this line of the file."""
        for function in self.functions:
            if function.first_line <= line <= function.last_line and line in function.unit.lines:
                return function
        return None
