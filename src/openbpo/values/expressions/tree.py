"""
The tree of an expression: frozen nodes, each with the 1-based column where it is read.

Two trees are equal when they say the same; where they say it does not count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TypeAlias

from openbpo.values.expressions.types import Basic

FLIPPED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}  # sides changed

Scalar: TypeAlias = str | Decimal | bool | date | datetime | timedelta | None


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that is written out; its type keeps `true` and 1 apart."""

    value: Scalar
    type: Basic
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A value that is given at run time."""

    name: str
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Negate:
    """Unary minus."""

    operand: Node
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two operands of `+`, `-`, `*`, `/` or `**`; the column is the operator's."""

    operator: str
    left: Node
    right: Node
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Compare:
    """Two operands of `=`, `!=`, `<`, `<=`, `>` or `>=`; the column is the operator's."""

    operator: str
    left: Node
    right: Node
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Between:
    """`x between low and high`: both bounds belong to it."""

    operand: Node
    low: Node
    high: Node
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Range:
    """`[low..high]`; a round or a turned bracket leaves its bound out."""

    low: Node
    high: Node
    low_included: bool
    high_included: bool
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Items:
    """A list that is written out: `["a", "b"]`."""

    items: tuple[Node, ...]
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Test:
    """A comparison without its left side, as in `x in (< 5, > 10)`."""

    operator: str
    operand: Node
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class In:
    """`x in (...)`: true when one of the tests is. A plain value tests by equality."""

    operand: Node
    tests: tuple[Node, ...]
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more operands."""

    operands: tuple[Node, ...]
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Or:
    """One of two or more operands."""

    operands: tuple[Node, ...]
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function by its FEEL name, words parted by one space: `starts with`."""

    function: str
    arguments: tuple[Node, ...]
    column: int = field(default=0, compare=False)


Node: TypeAlias = (
    Literal
    | Name
    | Negate
    | Arithmetic
    | Compare
    | Between
    | Range
    | Items
    | Test
    | In
    | And
    | Or
    | Call
)


def parts(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below this one, in the order in which they are written."""
    match node:
        case Literal() | Name():
            return ()
        case Negate(operand) | Test(_, operand):
            return (operand,)
        case Arithmetic(_, left, right) | Compare(_, left, right):
            return (left, right)
        case Between(operand, low, high):
            return (operand, low, high)
        case Range(low, high):
            return (low, high)
        case In(operand, tests):
            return (operand, *tests)
        case Items(nodes) | And(nodes) | Or(nodes) | Call(_, nodes):
            return nodes


def walk(root: Node) -> Iterator[tuple[Node, int]]:
    """Yield each node with its depth (the root has 1) in written order, without recursion."""
    waiting = [(root, 1)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting.extend((part, depth + 1) for part in reversed(parts(node)))


def names_read(root: Node) -> tuple[str, ...]:
    """Return the names that the expression reads, in the order of their first appearance."""
    return tuple(dict.fromkeys(node.name for node, _ in walk(root) if isinstance(node, Name)))


def is_null(node: Node) -> bool:
    """Return whether the node is the word `null` itself."""
    return isinstance(node, Literal) and node.value is None
