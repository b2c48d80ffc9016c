"""The few values of each name among which conditions can tell: one of each kind that they part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from openbpo.values.expressions.syntax import parse
from openbpo.values.expressions.tree import (
    Arithmetic,
    Between,
    Compare,
    In,
    Items,
    Literal,
    Name,
    Node,
    Range,
    Test,
    parts,
    walk,
)
from openbpo.values.expressions.types import BOOLEAN, DATE, NUMBER, STRING, Choice, Type

OTHER = "another"
"""A text that no condition speaks of; made longer until it is."""


def deciding_values(
    conditions: Iterable[str], names: Mapping[str, Type]
) -> dict[str, tuple[object, ...]]:
    """
    Return, for each name that the conditions read and whose type is known, values to try.

    Where every condition compares names with written values only, each answer that the conditions
    can give together is given by some combination of these values. Conditions are well formed.
    """
    written: dict[str, set[object]] = {}
    for text in conditions:
        for node, _ in walk(parse(text)):
            for name, values in _compared(node):
                written.setdefault(name, set()).update(values)
    return {
        name: tuple(_around(names[name], values))
        for name, values in written.items()
        if name in names
    }


def _compared(node: Node) -> list[tuple[str, list[object]]]:
    """Return the names that a node compares, each with the values that it is compared with."""
    if isinstance(node, Name):
        return [(node.name, [])]
    if not isinstance(node, Compare | In | Between | Arithmetic):
        return []
    literals: list[object] = [part.value for part in _leaves(node) if isinstance(part, Literal)]
    return [(part.name, literals) for part in _leaves(node) if isinstance(part, Name)]


def _leaves(node: Node) -> list[Node]:
    """Return what a comparison compares: its sides, the items of its lists, the ends of ranges."""
    found: list[Node] = []
    for part in parts(node):
        if isinstance(part, Range | Items | Test | Arithmetic):
            found.extend(_leaves(part))
        else:
            found.append(part)
    return found


def _around(kind: Type, written: set[Any]) -> Sequence[object]:
    """Return each written value and one between, below and above them."""
    if isinstance(kind, Choice):
        return kind.values
    if kind == BOOLEAN:
        return (False, True)
    if kind == NUMBER:
        return _in_order(
            [v for v in written if isinstance(v, Decimal)], Decimal(1), Decimal(2), Decimal(0)
        )
    if kind == DATE:
        days = [v for v in written if isinstance(v, date) and not isinstance(v, datetime)]
        return _in_order(days, timedelta(days=1), 2, date(2000, 1, 1))
    texts = sorted(v for v in written if isinstance(v, str)) if kind == STRING else []
    return [*texts, max([OTHER, *texts], key=len) + "…"]


def _in_order(written: list[Any], step: Any, half: Any, otherwise: Any) -> list[Any]:
    """Return values in order: what is written, what lies between, and one beyond each end."""
    if not written:
        return [otherwise]
    ordered = sorted(written)
    between = [one + (other - one) / half for one, other in pairwise(ordered)]
    return sorted({*ordered, *between, ordered[0] - step, ordered[-1] + step})
