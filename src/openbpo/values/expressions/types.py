"""The types that an expression and its names can have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Basic:
    """A type without parts, by the name that FEEL gives it."""

    name: str

    def __str__(self) -> str:
        return self.name


STRING = Basic("string")
NUMBER = Basic("number")
BOOLEAN = Basic("boolean")
DATE = Basic("date")
DATE_TIME = Basic("date and time")
DURATION = Basic("duration")
NULL = Basic("null")

ORDERED = frozenset({STRING, NUMBER, DATE, DATE_TIME, DURATION})


@dataclass(frozen=True, slots=True)
class Choice:
    """A string with a closed set of allowed values."""

    values: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("a choice has at least one value")

    def __str__(self) -> str:
        return f"one of {', '.join(self.values)}"


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list whose items all have one type."""

    items: Type

    def __str__(self) -> str:
        return f"list of {self.items}"


@dataclass(frozen=True, slots=True)
class RangeOf:
    """A range such as `[1..5]`; it stands only right of `in`, so no name has this type."""

    bounds: Type

    def __str__(self) -> str:
        return f"range of {self.bounds}"


Type: TypeAlias = Basic | Choice | ListOf | RangeOf


def plain(kind: Type) -> Type:
    """Return the type without its closed set: a choice is a string."""
    return STRING if isinstance(kind, Choice) else kind


def fits(found: Type, wanted: Type) -> bool:
    """Return whether every value of the type found is a value of the type wanted."""
    if isinstance(found, ListOf) and isinstance(wanted, ListOf):
        return fits(found.items, wanted.items)
    if isinstance(found, Choice) and isinstance(wanted, Choice):
        return set(found.values) <= set(wanted.values)
    return found == wanted or (isinstance(found, Choice) and wanted == STRING)
