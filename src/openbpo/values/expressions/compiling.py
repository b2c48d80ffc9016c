"""
Turns a checked tree into closures: given the values by name, each answers its part.

Logic has three values, and null (None) is the third: it means that nobody knows. `false and null`
is false, `true or null` is true, otherwise null spreads. A comparison with a value that is null is
null; only the written word `null` asks whether a value is there. Arithmetic is decimal, with 34
digits; what has no value there (a division by zero, an overflow) is null.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, TypeAlias

from openbpo.values.expressions.functions import FUNCTIONS, bounded
from openbpo.values.expressions.literals import MAX_DIGITS
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
    Test,
    is_null,
)
from openbpo.values.expressions.types import (
    BOOLEAN,
    DATE,
    DATE_TIME,
    DURATION,
    NUMBER,
    STRING,
    ListOf,
    Type,
    plain,
)

Values: TypeAlias = Mapping[str, object]
Names: TypeAlias = Mapping[str, Type]
Code: TypeAlias = Callable[[Values], Any]
Question: TypeAlias = Callable[[Any, Values], bool | None]  # asked of the value left of `in`

MAX_EXPONENT = 999

_DECIMAL = Context(prec=MAX_DIGITS, rounding=ROUND_HALF_EVEN, Emin=-6143, Emax=6144, traps=[])
_ZERO = Decimal(0)
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Constant:
    """Code that answers the same whatever the values are."""

    value: Any

    def __call__(self, _values: Values) -> Any:
        return self.value


def compile_tree(node: Node, names: Names) -> Code:
    """Return the code of a tree that was checked against the same names."""
    return _COMPILERS[type(node)](node, names)


def _compile_all(nodes: Sequence[Node], names: Names) -> list[Code]:
    return [compile_tree(node, names) for node in nodes]


# What is given: each value is checked for its type where it is read.


def _reader(name: str, kind: Type) -> Code:
    take = _taker(kind)
    usual = _USUAL.get(plain(kind), Constant)  # no value is a Constant, so all others are taken

    def read(values: Values) -> Any:
        value = values.get(name)
        if value is None or value.__class__ is usual:
            return value
        return take(name, value)

    return read


def _taker(kind: Type) -> Callable[[str, object], Any]:
    """Return what checks a value that is not null, and brings it into the form we compare."""
    if isinstance(kind, ListOf):
        return _list_taker(_taker(kind.items))
    return _TAKE.get(plain(kind), _take_nothing)


def _list_taker(take: Callable[[str, object], Any]) -> Callable[[str, object], Any]:
    def take_list(name: str, value: object) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise _wrong(name, "list", value)
        return tuple(None if item is None else take(name, item) for item in value)

    return take_list


def _take_number(name: str, value: object) -> Decimal:
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, Decimal) and value.is_finite():
        return value
    raise _wrong(name, "finite Decimal or int", value)


def _take_date(name: str, value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise _wrong(name, "date", value)


def _take_date_time(name: str, value: object) -> datetime:
    """Return the moment in UTC, where two clocks that are set back still compare."""
    if isinstance(value, datetime) and value.utcoffset() is not None:
        try:
            return value.astimezone(UTC)
        except OverflowError:
            pass
    raise _wrong(name, "aware datetime that UTC can write", value)


def _take_kind(expected: type) -> Callable[[str, object], Any]:
    def take(name: str, value: object) -> Any:
        if isinstance(value, expected):
            return value
        raise _wrong(name, expected.__name__, value)

    return take


def _take_nothing(name: str, value: object) -> Any:
    raise _wrong(name, "null", value)


def _wrong(name: str, expected: str, value: object) -> TypeError:
    """Return the error; it does not show the value, which may be personal."""
    return TypeError(f"{name} takes a {expected} or None, it was given a {type(value).__name__}")


_USUAL: Mapping[Type, type] = {STRING: str, BOOLEAN: bool, DATE: date, DURATION: timedelta}
_TAKE: Mapping[Type, Callable[[str, object], Any]] = {
    STRING: _take_kind(str),
    NUMBER: _take_number,
    BOOLEAN: _take_kind(bool),
    DATE: _take_date,
    DATE_TIME: _take_date_time,
    DURATION: _take_kind(timedelta),
}


# What is reckoned: strict functions, null when one argument is null.


def _applied(function: Callable[..., Any], arguments: Sequence[Code]) -> Code:
    """Return the code of a function of one or two arguments, worked out now if it can be."""
    code = _of_one(function, *arguments) if len(arguments) == 1 else _of_two(function, *arguments)
    if all(isinstance(argument, Constant) for argument in arguments):
        return Constant(code({}))
    return code


def _of_one(function: Callable[[Any], Any], argument: Code) -> Code:
    def run(values: Values) -> Any:
        value = argument(values)
        return None if value is None else function(value)

    return run


def _of_two(function: Callable[[Any, Any], Any], first: Code, second: Code) -> Code:
    def run(values: Values) -> Any:
        left, right = first(values), second(values)
        return None if left is None or right is None else function(left, right)

    return run


def _finite(number: Decimal) -> Decimal | None:
    """Return the number, or null when it is none; there is one zero, without a sign."""
    return (number or _ZERO) if number.is_finite() else None


def _added(left: Any, right: Any) -> Any:
    if isinstance(left, str):
        return bounded(left + right)
    return _finite(_DECIMAL.add(left, right))


def _negated(number: Decimal) -> Decimal | None:
    return _finite(_DECIMAL.minus(number))


def _raised(base: Decimal, exponent: Decimal) -> Decimal | None:
    if abs(exponent) > MAX_EXPONENT:
        return None
    return _finite(_DECIMAL.power(base, exponent))


_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": _added,
    "-": lambda left, right: _finite(_DECIMAL.subtract(left, right)),
    "*": lambda left, right: _finite(_DECIMAL.multiply(left, right)),
    "/": lambda left, right: _finite(_DECIMAL.divide(left, right)),
    "**": _raised,
}


def _listed(items: Sequence[Code]) -> Code:
    return lambda values: tuple(item(values) for item in items)


# What is compared, and the logic of three values.


def _comparison(node: Compare, names: Names) -> Code:
    left, right, sign = node.left, node.right, node.operator
    if is_null(left) or is_null(right):
        return _is_missing(compile_tree(left if is_null(right) else right, names), sign)
    if isinstance(left, Literal):
        left, right, sign = right, left, FLIPPED[sign]
    compare, one, other = _COMPARISONS[sign], *_compile_all([left, right], names)
    if isinstance(other, Constant) and other.value is not None:
        return _compare_with(compare, one, other.value)
    return _of_two(compare, one, other)


def _is_missing(value: Code, sign: str) -> Code:
    if sign == "=":
        return lambda values: value(values) is None
    return lambda values: value(values) is not None


def _compare_with(compare: Callable[[Any, Any], bool], operand: Code, constant: Any) -> Code:
    def run(values: Values) -> bool | None:
        value = operand(values)
        return None if value is None else compare(value, constant)

    return run


def _and(left: Code, right: Code) -> Code:
    def run(values: Values) -> bool | None:
        one: bool | None = left(values)
        if one is False:
            return False
        other: bool | None = right(values)
        return other if one or other is False else None

    return run


def _or(left: Code, right: Code) -> Code:
    def run(values: Values) -> bool | None:
        one: bool | None = left(values)
        if one is True:
            return True
        other: bool | None = right(values)
        return other if one is False or other else None

    return run


def _chained(join: Callable[[Code, Code], Code], operands: Sequence[Code]) -> Code:
    """Join the operands as a balanced tree: its depth is small however many there are."""
    if len(operands) == 1:
        return operands[0]
    middle = len(operands) // 2
    return join(_chained(join, operands[:middle]), _chained(join, operands[middle:]))


# What stands right of `in`.


def _membership(node: In, names: Names) -> Code:
    """Return the code of `in`; values that are written out become one look-up in a set."""
    operand = compile_tree(node.operand, names)
    questions = [_question(test, names) for test in _tests_of(node)]
    constants = frozenset(found.value for found in questions if isinstance(found, Constant))
    others = [found for found in questions if not isinstance(found, Constant)]
    if not others:
        return _in_set(operand, constants)
    return _asked(operand, _one_of([*_held_in(constants), *others]))


def _tests_of(node: In) -> list[Node]:
    """Return the tests, with the items of a written list as tests of their own."""
    found: list[Node] = []
    for test in node.tests:
        found.extend(test.items if isinstance(test, Items) else [test])
    return found


def _in_set(operand: Code, allowed: frozenset[Any]) -> Code:
    def run(values: Values) -> bool | None:
        value = operand(values)
        return None if value is None else value in allowed

    return run


def _held_in(constants: frozenset[Any]) -> list[Question]:
    if not constants:
        return []
    return [lambda value, _: None if value is None else value in constants]


def _between(node: Between, names: Names) -> Code:
    within = Range(node.low, node.high, low_included=True, high_included=True)
    return _asked(compile_tree(node.operand, names), _in_range(within, names))


def _asked(operand: Code, question: Question) -> Code:
    return lambda values: question(operand(values), values)


def _question(test: Node, names: Names) -> Question | Constant:
    """Return what one test asks of the value on the left, or the constant that it must equal."""
    if isinstance(test, Range):
        return _in_range(test, names)
    sign, operand = (test.operator, test.operand) if isinstance(test, Test) else ("=", test)
    if is_null(operand):
        return _asks_whether_missing(sign)
    compared = compile_tree(operand, names)
    if isinstance(operand, Name) and isinstance(names[operand.name], ListOf):
        return _in_list(compared)
    if sign == "=" and isinstance(compared, Constant) and compared.value is not None:
        return compared
    return _compares(sign, compared)


def _asks_whether_missing(sign: str) -> Question:
    return lambda value, _: (value is None) is (sign == "=")


def _compared(compare: Callable[[Any, Any], bool], left: Any, right: Any) -> bool | None:
    return None if left is None or right is None else compare(left, right)


def _compares(sign: str, operand: Code) -> Question:
    compare = _COMPARISONS[sign]
    return lambda value, values: _compared(compare, value, operand(values))


def _in_range(node: Range, names: Names) -> Question:
    """Return `low <= x and x <= high`: one bound that fails is enough, even if one is null."""
    low, high = _compile_all([node.low, node.high], names)
    above = operator.ge if node.low_included else operator.gt
    below = operator.le if node.high_included else operator.lt

    def ask(value: Any, values: Values) -> bool | None:
        over = _compared(above, value, low(values))
        under = _compared(below, value, high(values))
        if over is False or under is False:
            return False
        return None if over is None or under is None else True

    return ask


def _in_list(items: Code) -> Question:
    def ask(value: Any, values: Values) -> bool | None:
        held = items(values)
        if held is None:
            return None
        return _any(_compared(operator.eq, value, item) for item in held)

    return ask


def _one_of(questions: Sequence[Question]) -> Question:
    return lambda value, values: _any(question(value, values) for question in questions)


def _any(answers: Any) -> bool | None:
    """Return true when one answer is true, else null when one is null, else false."""
    undecided = False
    for answer in answers:
        if answer:
            return True
        undecided = undecided or answer is None
    return None if undecided else False


_COMPILERS: Mapping[type[Node], Callable[[Any, Names], Code]] = {
    Literal: lambda node, _: Constant(node.value),
    Name: lambda node, names: _reader(node.name, names[node.name]),
    Negate: lambda node, names: _applied(_negated, [compile_tree(node.operand, names)]),
    Arithmetic: lambda node, names: _applied(
        _ARITHMETIC[node.operator], _compile_all([node.left, node.right], names)
    ),
    Compare: _comparison,
    And: lambda node, names: _chained(_and, _compile_all(node.operands, names)),
    Or: lambda node, names: _chained(_or, _compile_all(node.operands, names)),
    Between: _between,
    In: _membership,
    Items: lambda node, names: _listed(_compile_all(node.items, names)),
    Call: lambda node, names: _applied(
        FUNCTIONS[node.function].run, _compile_all(node.arguments, names)
    ),
}
