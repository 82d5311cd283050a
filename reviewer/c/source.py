"""One side of one file of a patch, as its units and the functions in them. What rules read."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, cast

from reviewer.c.function import function_of
from reviewer.c.unit import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

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
    earlier: Callable[[], Source] | None = field(default=None, repr=False, compare=False)
    together: Callable[[], Iterable[Source]] | None = field(default=None, repr=False, compare=False)

    @cached_property
    def before(self) -> Source | None:
        """The same file before the patch, read when first asked for; None on the old side.

        For rules that set `compares`. It has no units when the patch adds the file.
        """
        return None if self.earlier is None else self.earlier()

    @cached_property
    def patch(self) -> tuple[Source, ...]:
        """Every C file that the patch touches, on this side and this one too. Read when asked."""
        return (self,) if self.together is None else tuple(self.together())

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

    @cached_property
    def function_units(self) -> tuple[Unit, ...]:
        """The units that are functions, also those that the grammar cannot read."""
        return tuple(unit for unit in self.units if unit.kind is Kind.FUNCTION)

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """The functions in the order of the file; those the grammar cannot read are not there."""
        return tuple(self._functions(self.function_units))

    def functions_with(self, *words: str) -> Iterator[Function]:
        """The functions whose text contains all of these: cheap also in a large file."""
        units = self.function_units
        for word in words:
            units = tuple([unit for unit in units if word in unit.text])
        return self._functions(units)

    @cached_property
    def _named(self) -> Mapping[str, list[Unit]]:
        named: dict[str, list[Unit]] = {}
        for unit in self.function_units:
            if unit.name is not None and unit.name in unit.text:
                named.setdefault(unit.name, []).append(unit)
        return named

    @cached_property
    def _naming(self) -> Mapping[str, list[Unit]]:
        known = frozenset(self._named)
        naming: dict[str, list[Unit]] = {}
        for unit in self.function_units:
            for word in known & unit.words:
                naming.setdefault(word, []).append(unit)
        return naming

    def functions_calling(self, name: str) -> Iterator[Function]:
        """The functions that may call what has that name: they have it in their text."""
        if name in self._named:
            return self._functions(self._naming[name])
        return self.functions_with(name)

    def functions_named(self, name: str) -> Iterator[Function]:
        """The functions of that name."""
        return self._functions(self._named.get(name, ()))

    def functions_naming(self, words: AbstractSet[str]) -> Iterator[Function]:
        """The functions that have one of these identifiers or keywords in their text."""
        units = (unit for unit in self.function_units if not words.isdisjoint(unit.words))
        return self._functions(units)

    def functions_where(self, fits: Callable[[str], bool]) -> Iterator[Function]:
        """The functions whose text fits."""
        return self._functions(unit for unit in self.function_units if fits(unit.text))

    @cached_property
    def touched_units(self) -> tuple[Unit, ...]:
        """The functions that the patch touches: of hunks all, of a whole file the changed ones."""
        return tuple(unit for unit in self.function_units if unit.changed or not self.whole)

    @cached_property
    def touched(self) -> tuple[Function, ...]:
        """The functions of `touched_units` that the grammar can read. What rules go through."""
        return tuple(self._functions(self.touched_units))

    def touched_with(self, words: AbstractSet[str]) -> Iterator[Function]:
        """Those of `touched` that have one of these words: cheap where few of a large file do."""
        units = (unit for unit in self.touched_units if not words.isdisjoint(unit.words))
        return self._functions(units)

    def touched_where(self, fits: Callable[[Unit], bool]) -> Iterator[Function]:
        """Those of `touched` whose unit fits: what does not need not be parsed."""
        return self._functions(unit for unit in self.touched_units if fits(unit))

    def function_at(self, line: int) -> Function | None:
        """The function that shows this line of the file."""
        for function in self.functions:
            if function.first_line <= line <= function.last_line and line in function.unit.lines:
                return function
        return None
