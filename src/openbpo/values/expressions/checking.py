"""
Finds every type problem of a tree before any value is seen.

A part whose type cannot be told has none, and what is built on it is not blamed a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from openbpo.values.expressions.functions import FEEL_FUNCTIONS, FUNCTIONS
from openbpo.values.expressions.literals import TEMPORAL
from openbpo.values.expressions.problems import Problem, did_you_mean, unsupported
from openbpo.values.expressions.tree import (
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
    NULL,
    NUMBER,
    ORDERED,
    STRING,
    Choice,
    ListOf,
    RangeOf,
    Type,
    fits,
    plain,
)

Side: TypeAlias = tuple[Node, Type]  # one side of a comparison

_EQUALITY = frozenset({"=", "!="})
_TEMPORAL_TYPES = frozenset({DATE, DATE_TIME, DURATION})


def check(
    root: Node, names: Mapping[str, Type], wanted: Type
) -> tuple[Type | None, tuple[Problem, ...]]:
    """Return the type of the tree and all of its problems, in the order of their columns."""
    checker = _Checker(names)
    found = checker.whole(root, wanted)
    return found, tuple(sorted(set(checker.problems)))


class _Checker:
    def __init__(self, names: Mapping[str, Type]) -> None:
        self.names = names
        self.problems: list[Problem] = []
        self.types: dict[int, Type | None] = {}  # by the id of a node: each is looked at once

    def refuse(self, column: int, what: str, remedy: str) -> None:
        self.problems.append(Problem(column, what, remedy))

    def whole(self, root: Node, wanted: Type) -> Type | None:
        """Return the type of the whole expression, which must fit the wanted one."""
        found = self.value(root)
        if found is None or fits(found, wanted):
            return found
        if isinstance(wanted, Choice) and isinstance(root, Literal) and found == STRING:
            self.never_outside(wanted, root, "The expression")
            return wanted
        what = f"The expression is {_a(found)}, wanted is {_a(wanted)}."
        self.refuse(1, what, _remedy_for_wanted(wanted))
        return None

    def value(self, node: Node) -> Type | None:
        """Return the type of a part whose value is used: it cannot be null itself."""
        found = self.type_of(node)
        if found != NULL:
            return found
        self.refuse(node.column, "A null never decides.", "Compare with it: x = null, x != null.")
        return None

    def type_of(self, node: Node) -> Type | None:
        """Return the type of any node."""
        if id(node) not in self.types:
            self.types[id(node)] = self.worked_out(node)
        return self.types[id(node)]

    def worked_out(self, node: Node) -> Type | None:
        return _CHECKS[type(node)](self, node)

    def literal(self, node: Literal) -> Type:
        return node.type

    def name(self, node: Name) -> Type | None:
        if node.name in self.names:
            return self.names[node.name]
        remedy = f'{self.known(node.name)} Text stands in double quotes: "{node.name}".'
        self.refuse(node.column, f"{node.name} is not a known name.", remedy)
        return None

    def known(self, name: str) -> str:
        known = f"Known names: {', '.join(sorted(self.names)) or 'none'}."
        near = did_you_mean(name, self.names)
        return f"Did you mean {near}? {known}" if near else known

    def each_is(self, wanted: Type, operands: Sequence[Node], what: str) -> Type:
        """Check that every operand has the wanted type, and return it."""
        for operand in operands:
            found = self.value(operand)
            if found is not None and not fits(found, wanted):
                problem = f"{what} takes {_a(wanted)}, this is {_a(found)}."
                self.refuse(operand.column, problem, _remedy_for_wanted(wanted))
        return wanted

    def negate(self, node: Negate) -> Type:
        return self.each_is(NUMBER, [node.operand], "Unary minus")

    def logic(self, node: And | Or) -> Type:
        word = "and" if isinstance(node, And) else "or"
        return self.each_is(BOOLEAN, node.operands, word)

    def arithmetic(self, node: Arithmetic) -> Type | None:
        left, right = self.value(node.left), self.value(node.right)
        if left is None or right is None:
            return None
        if {left, right} & _TEMPORAL_TYPES:
            self.problems.append(unsupported(node.column, "Arithmetic on dates and durations"))
            return None
        if left == right == NUMBER:
            return NUMBER
        if node.operator == "+" and plain(left) == plain(right) == STRING:
            return STRING
        takes = "two numbers or two strings" if node.operator == "+" else "two numbers"
        what = f"{node.operator} takes {takes}, not {_a(left)} and {_a(right)}."
        self.refuse(node.column, what, "Use operands of one type.")
        return None

    def compare(self, node: Compare) -> Type | None:
        if node.operator in _EQUALITY and (is_null(node.left) or is_null(node.right)):
            self.type_of(node.left)
            self.type_of(node.right)
            return BOOLEAN
        left, right = self.value(node.left), self.value(node.right)
        if left is not None and right is not None:
            self.comparable(node.operator, (node.left, left), (node.right, right), node.column)
        return BOOLEAN

    def comparable(self, operator: str, left: Side, right: Side, column: int) -> bool:
        """Check that two values can be compared by this operator; return whether they can."""
        one, other = plain(left[1]), plain(right[1])
        if isinstance(one, ListOf | RangeOf) or isinstance(other, ListOf | RangeOf):
            self.refuse(column, f"{operator} does not compare lists or ranges.", "Use in.")
        elif one != other:
            what = f"{_a(one).capitalize()} is never compared with {_a(other)}."
            self.refuse(column, what, _remedy_for_clash(left, right))
        elif operator not in _EQUALITY and one not in ORDERED:
            self.refuse(column, f"A {one} has no order for {operator}.", "Use = or !=.")
        else:
            self.possible(left, right, column)
            return True
        return False

    def possible(self, left: Side, right: Side, column: int) -> None:
        """Check that a choice is compared with what it can be."""
        for (node, kind), (other, _) in ((left, right), (right, left)):
            if isinstance(kind, Choice) and isinstance(other, Literal):
                self.never_outside(kind, other, _spelled(node))
        if _are_disjoint(left[1], right[1]):
            what = f"{_spelled(left[0])} and {_spelled(right[0])} have no value in common."
            self.refuse(column, what, "Compare names that can be equal.")

    def never_outside(self, choice: Choice, literal: Literal, subject: str) -> None:
        """Refuse a literal that is not one of the allowed values."""
        if literal.value in choice.values:
            return
        near = did_you_mean(str(literal.value), choice.values)
        what = f'{subject} is never "{literal.value}", allowed: {", ".join(choice.values)}.'
        remedy = f'Did you mean "{near}"?' if near else "Use an allowed value."
        self.refuse(literal.column, what, remedy)

    def between(self, node: Between) -> Type:
        operand = self.value(node.operand)
        bounds = self.bounds(node.low, node.high)
        if operand is not None and bounds is not None:
            self.within((node.operand, operand), (node.low, node.high), bounds, node.column)
        return BOOLEAN

    def within(self, subject: Side, bounds: tuple[Node, Node], kind: Type, column: int) -> None:
        """Check that a value can be held against both bounds, which are of this type."""
        for bound in bounds:
            self.comparable("<=", subject, (bound, kind), column)

    def range(self, node: Range) -> Type | None:
        bounds = self.bounds(node.low, node.high)
        return None if bounds is None else RangeOf(bounds)

    def bounds(self, low: Node, high: Node) -> Type | None:
        """Return the one ordered type of both bounds."""
        kinds = self.value(low), self.value(high)
        if kinds[0] is None or kinds[1] is None:
            return None
        ordered = self.comparable("<=", (low, kinds[0]), (high, kinds[1]), high.column)
        return plain(kinds[0]) if ordered else None

    def items(self, node: Items) -> Type | None:
        """Return the type of a written list: its items are scalars of one type."""
        kinds = {plain(found) for item in node.items if (found := self.type_of(item))}
        if any(isinstance(kind, ListOf | RangeOf) for kind in kinds):
            self.problems.append(unsupported(node.column, "A list of lists or ranges"))
            return None
        if len(kinds - {NULL}) > 1:
            mixed = " and ".join(sorted(_a(kind) for kind in kinds - {NULL}))
            self.refuse(node.column, f"The list mixes {mixed}.", "Use items of one type.")
            return None
        return ListOf(next(iter(kinds - {NULL}), NULL)) if kinds else None

    def membership(self, node: In) -> Type:
        operand = self.value(node.operand)
        for test in node.tests:
            kind = self.type_of(test.operand if isinstance(test, Test) else test)
            if operand is not None and kind is not None:
                self.test((node.operand, operand), test, kind)
        return BOOLEAN

    def test(self, subject: Side, test: Node, kind: Type) -> None:
        """Check one test right of `in`, whose operand has this type, against the value left."""
        operator, operand = (test.operator, test.operand) if isinstance(test, Test) else ("=", test)
        if kind == NULL and operator in _EQUALITY:
            return
        if kind == NULL:
            self.value(operand)
        elif isinstance(test, Range) and isinstance(kind, RangeOf):
            self.within(subject, (test.low, test.high), kind.bounds, test.column)
        elif not isinstance(test, Test) and isinstance(kind, ListOf):
            self.held(subject, test, kind)
        else:
            self.comparable(operator, subject, (operand, kind), test.column)

    def held(self, subject: Side, node: Node, kind: ListOf) -> None:
        """Check that the value on the left can be an item of a list."""
        if not isinstance(node, Items):
            self.comparable("=", subject, (node, kind.items), node.column)
            return
        for item in node.items:
            item_kind = self.type_of(item)
            if item_kind is not None:
                self.test(subject, item, item_kind)

    def call(self, node: Call) -> Type | None:
        function = FUNCTIONS.get(node.function)
        if function is None:
            self.problems.append(_unknown_function(node))
            return None
        if len(node.arguments) != len(function.takes):
            what = f"{node.function} takes {len(function.takes)} and is given "
            self.refuse(node.column, f"{what}{len(node.arguments)}.", "Correct the arguments.")
            return function.gives
        for argument, wanted in zip(node.arguments, function.takes, strict=True):
            self.each_is(wanted, [argument], node.function)
        return function.gives


_CHECKS: Mapping[type[Node], Callable[[_Checker, Any], Type | None]] = {
    Literal: _Checker.literal,
    Name: _Checker.name,
    Negate: _Checker.negate,
    Arithmetic: _Checker.arithmetic,
    Compare: _Checker.compare,
    And: _Checker.logic,
    Or: _Checker.logic,
    Between: _Checker.between,
    In: _Checker.membership,
    Range: _Checker.range,
    Items: _Checker.items,
    Call: _Checker.call,
}


def _are_disjoint(one: Type, other: Type) -> bool:
    if isinstance(one, Choice) and isinstance(other, Choice):
        return set(one.values).isdisjoint(other.values)
    return False


def _a(kind: Type) -> str:
    return str(kind) if isinstance(kind, Choice) else f"a {kind}"


def _unknown_function(node: Call) -> Problem:
    if node.function in TEMPORAL:
        part = f"{node.function} of anything but one text in quotes"
        return unsupported(node.column, part, f'Write {node.function}("...").')
    if node.function in FEEL_FUNCTIONS:
        return unsupported(node.column, f"The function {node.function}")
    near = did_you_mean(node.function, FUNCTIONS)
    known = f"Functions: {', '.join(sorted(FUNCTIONS))}."
    remedy = f"Did you mean {near}? {known}" if near else known
    return Problem(node.column, f"{node.function} is not a known function.", remedy)


def _spelled(node: Node) -> str:
    return node.name if isinstance(node, Name) else "The value"


def _remedy_for_wanted(wanted: Type) -> str:
    if wanted == BOOLEAN:
        return 'Write a condition, such as channel = "chat".'
    return f"Write an expression whose value is {_a(wanted)}."


def _remedy_for_clash(left: Side, right: Side) -> str:
    """Say how to write the literal as the other side's type, where that can be."""
    for (node, kind), (_, other) in ((left, right), (right, left)):
        if isinstance(node, Compare) and other != BOOLEAN:
            return "Write two comparisons with and between them."
        if isinstance(node, Literal) and kind == STRING:
            return _remedy_for_quotes(node, other)
        if isinstance(node, Literal) and plain(other) == STRING:
            return "Put the value in quotes."
    return "Compare values of one type."


def _remedy_for_quotes(literal: Literal, wanted: Type) -> str:
    if wanted in _TEMPORAL_TYPES:
        return f'Write {wanted}("{literal.value}").'
    return "Take the quotes away."
