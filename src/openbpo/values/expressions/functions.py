"""The functions of the language, and the names of those that full FEEL has besides."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from openbpo.values.expressions.types import BOOLEAN, NUMBER, STRING, Type

MAX_STRING = 10_000  # characters of a result; a longer one is null


@dataclass(frozen=True, slots=True)
class Function:
    """What a function takes and gives; a null argument gives null before it is called."""

    takes: tuple[Type, ...]
    gives: Type
    run: Callable[..., Any]


def bounded(text: str) -> str | None:
    """Return the text, or null when it is too long to be a result."""
    return text if len(text) <= MAX_STRING else None


FUNCTIONS: Mapping[str, Function] = {
    "not": Function((BOOLEAN,), BOOLEAN, operator.not_),
    "contains": Function((STRING, STRING), BOOLEAN, operator.contains),
    "starts with": Function((STRING, STRING), BOOLEAN, str.startswith),
    "ends with": Function((STRING, STRING), BOOLEAN, str.endswith),
    "lower case": Function((STRING,), STRING, lambda text: bounded(text.lower())),
    "upper case": Function((STRING,), STRING, lambda text: bounded(text.upper())),
    "string length": Function((STRING,), NUMBER, lambda text: Decimal(len(text))),
}

FEEL_FUNCTIONS = frozenset(FUNCTIONS) | {
    *("date", "date and time", "time", "number", "string", "duration"),
    *("years and months duration", "substring", "substring before", "substring after"),
    *("replace", "matches", "split", "string join", "list contains", "list replace", "count"),
    *("min", "max", "sum", "mean", "all", "any", "sublist", "append", "concatenate"),
    *("insert before", "remove", "reverse", "index of", "union", "distinct values", "flatten"),
    *("product", "median", "stddev", "mode", "decimal", "floor", "ceiling", "round up"),
    *("round down", "round half up", "round half down", "abs", "modulo", "sqrt", "log", "exp"),
    *("odd", "even", "before", "after", "meets", "met by", "overlaps", "overlaps before"),
    *("overlaps after", "finishes", "finished by", "includes", "during", "starts"),
    *("started by", "coincides", "day of year", "day of week", "month of year"),
    *("week of year", "is", "get value", "get entries", "context", "context put"),
    *("context merge", "sort", "now", "today", "range"),
}
