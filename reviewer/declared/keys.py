"""A table of a TOML file, read with a known set of keys; an error names file and key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from reviewer.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from enum import Enum

    E = TypeVar("E", bound=Enum)

_LONGEST_TEXT = 20_000
_LONGEST_LIST = 200


@dataclass(frozen=True, slots=True)
class Table:
    """The values of one table. `at` is its place in the file, "" for the file itself.

    Every reading raises RuleError when the value is not of the wanted type.
    """

    values: Mapping[str, object]
    file: str
    at: str = ""

    def __contains__(self, key: str) -> bool:
        """Whether the file gives the key."""
        return key in self.values

    def only(self, known: Iterable[str], what: str = "key") -> None:
        """Refuse keys that are not known."""
        wanted = sorted(known)
        for key in self.values:
            if key not in wanted:
                raise self.error(key, f"unknown {what}; {nearest(key, wanted)}")

    def text(self, key: str, default: str | None = None) -> str:
        """A string that is not empty, on one or more lines, without the blanks around it."""
        value = self.values.get(key, default)
        if value is None:
            raise self.error(key, "missing; wanted a string")
        if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
            raise self.error(key, f"wanted a string, not {_shown(value)}")
        if not value.strip() and value != default:
            raise self.error(key, "empty; wanted a text")
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        """A string, or a list of strings that is not empty."""
        value = self.values.get(key)
        if value is None:
            raise self.error(key, "missing; wanted a string or a list of strings")
        items = value if isinstance(value, list) else [value]
        texts = tuple(item.strip() for item in items if isinstance(item, str) and item.strip())
        if len(texts) != len(items) or not 0 < len(items) <= _LONGEST_LIST:
            raise self.error(key, f"wanted a string or a list of strings, not {_shown(value)}")
        return texts

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self.values.get(key)
        if not isinstance(value, bool):
            raise self.error(key, f"wanted true or false, not {_shown(value)}")
        return value

    def true(self, key: str) -> bool:
        """True; false is refused, as what the table would say without the key."""
        if not self.flag(key):
            raise self.error(key, "false says nothing; wanted true, or no such key")
        return True

    def table(self, key: str) -> Table:
        """A table; an empty one when the key is not given."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            raise self.error(key, f"wanted a table, not {_shown(value)}")
        return Table(value, self.file, self._place(key))

    def tables(self, key: str) -> tuple[Table, ...]:
        """A list of tables that is not empty."""
        value = self.values.get(key)
        good = isinstance(value, list) and all(isinstance(item, dict) for item in value)
        if not isinstance(value, list) or not good or not 0 < len(value) <= _LONGEST_LIST:
            raise self.error(key, f"wanted a list of tables, not {_shown(value)}")
        return tuple(
            Table(item, self.file, f"{self._place(key)}[{number}]")
            for number, item in enumerate(value, 1)
        )

    def choice(self, key: str, choices: Mapping[str, E], default: str | None = None) -> E:
        """The member of an enumeration with that name."""
        name = self.text(key, default)
        if name not in choices:
            raise self.error(key, f"{name!r} is none of its values; {nearest(name, choices)}")
        return choices[name]

    def error(self, key: str, what: str) -> RuleError:
        """An error that names file and key."""
        return RuleError(f"{self.file}: {self._place(key)}: {what}")

    def _place(self, key: str) -> str:
        return f"{self.at}.{key}" if self.at else key


def nearest(found: str, wanted: Iterable[str]) -> str:
    """What was probably meant, else all that there is: "the nearest is 'title'"."""
    import difflib  # only wanted when something is wrong

    names = sorted(wanted)
    close = difflib.get_close_matches(found, names, n=1, cutoff=0.5)
    return f"the nearest is {close[0]!r}" if close else f"wanted one of {', '.join(names)}"


def _shown(value: object) -> str:
    return "nothing" if value is None else repr(value)[:60]
