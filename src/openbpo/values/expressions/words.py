"""Reads an expression back in plain words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, assert_never

from openbpo.values.expressions.tree import (
    FLIPPED,
    And,
    Arithmetic,
    Between,
    Call,
    Compare,
    In,
    Items,
    Literal,
    Name,
    Negate,
    Node,
    Or,
    Range,
    Scalar,
    Test,
    is_null,
)
from openbpo.values.expressions.types import BOOLEAN, DATE, DATE_TIME, ListOf, Type

_VERBS = {
    "=": "is",
    "!=": "is not",
    "<": "is below",
    "<=": "is at most",
    ">": "is above",
    ">=": "is at least",
}
_VERBS_OF_TIME = _VERBS | {
    "<": "is before",
    "<=": "is not after",
    ">": "is after",
    ">=": "is not before",
}
_OPPOSITE = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_SIGNS = {"+": "+", "-": "−", "*": "×", "/": "÷", "**": "to the power of"}
_VALUE_CALLS = frozenset({"lower case", "upper case", "string length"})
_CALLS: Mapping[str, str] = {
    "contains": "{0} contains {1}",
    "starts with": "{0} starts with {1}",
    "ends with": "{0} ends with {1}",
    "lower case": "{0} in lower case",
    "upper case": "{0} in upper case",
    "string length": "the length of {0}",
}


def in_words(node: Node, names: Mapping[str, Type], groups: AbstractSet[str] = frozenset()) -> str:
    """
    Return the condition or value in words; what could be misread is put in parentheses.

    A name among `groups` says to which group something belongs: it is said alone.
    """
    words = _Words(names, groups)
    return words.condition(node)


class _Words:
    def __init__(self, names: Mapping[str, Type], groups: AbstractSet[str]) -> None:
        self.names = names
        self.groups = groups

    def condition(self, node: Node) -> str:
        """Return a node that stands as a sentence: a lone name is said to be true."""
        if isinstance(node, Name) and self.names[node.name] == BOOLEAN:
            return self.value(node) if node.name in self.groups else f"{self.value(node)} is true"
        return self.value(node)

    def part(self, node: Node) -> str:
        """Return a part of a sentence, in parentheses when it has parts of its own."""
        words = self.condition(node)
        return f"({words})" if _has_parts(node) else words

    def operand(self, node: Node) -> str:
        """Return a value inside a larger one."""
        is_short = isinstance(node, Literal | Name) or _is_value_call(node)
        return self.value(node) if is_short else f"({self.value(node)})"

    def value(self, node: Node) -> str:
        """Return the words of any node."""
        return _WORDS[type(node)](self, node)

    def name(self, node: Name) -> str:
        return node.name.replace("_", " ").strip() or node.name

    def negate(self, node: Negate) -> str:
        return f"−{self.operand(node.operand)}"

    def arithmetic(self, node: Arithmetic) -> str:
        sign = _SIGNS[node.operator]
        return f"{self.operand(node.left)} {sign} {self.operand(node.right)}"

    def conjunction(self, node: And) -> str:
        return " and ".join(self.part(operand) for operand in node.operands)

    def disjunction(self, node: Or) -> str:
        return " or ".join(self.part(operand) for operand in node.operands)

    def between(self, node: Between) -> str:
        within = Range(node.low, node.high, low_included=True, high_included=True)
        return f"{self.side(node.operand)} {self.range(within)}"

    def membership(self, node: In) -> str:
        return f"{self.side(node.operand)} {self.tests(node.tests)}"

    def side(self, node: Node) -> str:
        """Return one side of a comparison: sums stay bare, conditions are grouped."""
        return self.value(node) if isinstance(node, Arithmetic | Negate) else self.operand(node)

    def compare(self, node: Compare) -> str:
        left, right, sign = node.left, node.right, node.operator
        if isinstance(left, Literal) and not isinstance(right, Literal):
            left, right, sign = right, left, FLIPPED[sign]
        return f"{self.side(left)} {self.verb(sign, right)}"

    def verb(self, sign: str, right: Node) -> str:
        """Return the rest of a comparison: `is at least 5`, `is missing`."""
        if is_null(right):
            return "is missing" if sign == "=" else "is given"
        verbs = _VERBS_OF_TIME if self.is_time(right) else _VERBS
        return f"{verbs[sign]} {self.side(right)}"

    def is_time(self, node: Node) -> bool:
        kind = self.names[node.name] if isinstance(node, Name) else getattr(node, "type", None)
        return kind in {DATE, DATE_TIME}

    def range(self, node: Range) -> str:
        low = self.verb(">=" if node.low_included else ">", node.low)
        high = self.verb("<=" if node.high_included else "<", node.high)
        return f"{low} and {high.removeprefix('is ')}"

    def tests(self, tests: Sequence[Node]) -> str:
        """Return the tests: the plain values together, each other one on its own."""
        flat = _flat(tests)
        values = [test for test in flat if self.is_plain(test)]
        phrases = [self.equal_to(values)] if values else []
        phrases += [self.other_test(test) for test in flat if not self.is_plain(test)]
        return " or ".join(phrases)

    def is_plain(self, test: Node) -> bool:
        return not (isinstance(test, Test | Range) or is_null(test) or self.is_list(test))

    def is_list(self, test: Node) -> bool:
        return isinstance(test, Name) and isinstance(self.names[test.name], ListOf)

    def equal_to(self, values: Sequence[Node]) -> str:
        if len(values) == 1:
            return self.verb("=", values[0])
        return f"is one of {self.listed(values)}"

    def other_test(self, test: Node) -> str:
        if is_null(test):
            return "is missing"
        return f"is in {self.value(test)}" if self.is_list(test) else self.value(test)

    def listed(self, nodes: Sequence[Node]) -> str:
        return ", ".join(self.side(node) for node in nodes)

    def call(self, node: Call) -> str:
        if node.function == "not":
            return self.negated(node.arguments[0])
        return _CALLS[node.function].format(*(self.operand(part) for part in node.arguments))

    def negated(self, node: Node) -> str:
        """Return the opposite: of a comparison its own, of a name `is false`, else `not (...)`."""
        if isinstance(node, Compare):
            return self.compare(Compare(_OPPOSITE[node.operator], node.left, node.right))
        if isinstance(node, Name):
            words = self.value(node)
            return f"not {words}" if node.name in self.groups else f"{words} is false"
        return f"not ({self.condition(node)})"


_WORDS: Mapping[type[Node], Callable[[_Words, Any], str]] = {
    Literal: lambda _, node: literal_in_words(node.value),
    Name: _Words.name,
    Negate: _Words.negate,
    Arithmetic: _Words.arithmetic,
    Compare: _Words.compare,
    And: _Words.conjunction,
    Or: _Words.disjunction,
    Between: _Words.between,
    In: _Words.membership,
    Items: lambda words, node: words.listed(node.items),
    Call: _Words.call,
    Test: lambda words, node: words.verb(node.operator, node.operand),
    Range: _Words.range,
}


def _flat(tests: Sequence[Node]) -> list[Node]:
    found: list[Node] = []
    for test in tests:
        found.extend(test.items if isinstance(test, Items) else [test])
    return found


def _is_value_call(node: Node) -> bool:
    return isinstance(node, Call) and node.function in _VALUE_CALLS


def _has_parts(node: Node) -> bool:
    """Return whether the words of a node have an `and` or an `or` of their own."""
    if isinstance(node, In):
        return any(isinstance(test, Test | Range) or is_null(test) for test in _flat(node.tests))
    return isinstance(node, And | Or | Between)


def literal_in_words(value: Scalar) -> str:
    """Return a value as a reader writes it."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            return f"“{value}”"
        case Decimal():
            return format(value, "f")
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S} UTC"
        case date():
            return value.isoformat()
        case timedelta():
            return _duration_in_words(value)
    assert_never(value)


def _duration_in_words(length: timedelta) -> str:
    """Return `1 day 4 hours`; the parts that are zero are left out."""
    minus, rest = ("−", -length) if length < timedelta(0) else ("", length)
    minutes, seconds = divmod(rest.seconds, 60)
    exact_seconds = Decimal(seconds) + Decimal(rest.microseconds) / 1_000_000
    counts = {"day": rest.days, "hour": minutes // 60, "minute": minutes % 60}
    said = [_counted(count, unit) for unit, count in counts.items() if count]
    if exact_seconds or not said:
        said.append(_counted(exact_seconds.normalize(), "second"))
    return minus + " ".join(said)


def _counted(count: int | Decimal, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}"
