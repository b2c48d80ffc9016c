"""
The expression language against an oracle that walks the tree slowly, and against hostile text.

The oracle reckons in fractions, rounded to 34 digits by hand, and its logic is Kleene's: false is
0, null is 1/2, true is 1; `and` is the least, `or` the greatest, `not` the distance from 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openbpo.values.expressions import (
    BOOLEAN,
    DATE,
    DATE_TIME,
    DURATION,
    NUMBER,
    STRING,
    Choice,
    Expression,
    ExpressionRefused,
    ListOf,
    Type,
    Undecided,
    compile_expression,
)
from openbpo.values.expressions import tree as ast
from openbpo.values.expressions.functions import FEEL_FUNCTIONS
from openbpo.values.expressions.syntax import parse
from openbpo.values.expressions.tokens import KEYWORDS
from openbpo.values.expressions.types import Basic

NAMES: dict[str, Type] = {
    "n": NUMBER,
    "m": NUMBER,
    "s": STRING,
    "level": Choice(("basic", "premium")),
    "b": BOOLEAN,
    "c": BOOLEAN,
    "d": DATE,
    "tags": ListOf(STRING),
}
NAMES_OF: dict[Basic, list[str]] = {
    NUMBER: ["n", "m"],
    STRING: ["s"],
    BOOLEAN: ["b", "c"],
    DATE: ["d"],
}
OPERATORS = ["=", "!=", "<", "<=", ">", ">="]

# Trees, well typed and not too deep.

STRINGS = st.sampled_from(["", "a", "b", "ab"]) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=4
)
NUMBERS = st.integers(0, 9).map(Decimal) | st.decimals(0, 1_000, places=2)
DATES = st.dates(date(2024, 1, 1), date(2024, 1, 4))
VALUES: dict[Basic, st.SearchStrategy[Any]] = {
    NUMBER: NUMBERS,
    STRING: STRINGS,
    BOOLEAN: st.booleans(),
    DATE: DATES,
}
KINDS = st.sampled_from([NUMBER, STRING, BOOLEAN, DATE])
ORDERED_KINDS = st.sampled_from([NUMBER, STRING, DATE])


@st.composite
def leaves(draw: st.DrawFn, kind: Basic) -> ast.Node:
    if draw(st.booleans()):
        return ast.Name(draw(st.sampled_from(NAMES_OF[kind])))
    return ast.Literal(draw(VALUES[kind]), kind)


def trees(kind: Basic, depth: int) -> st.SearchStrategy[ast.Node]:
    if depth == 0:
        return leaves(kind)
    return leaves(kind) | _GROWN[kind](depth - 1)


@st.composite
def numbers(draw: st.DrawFn, depth: int) -> ast.Node:
    form = draw(st.sampled_from(["negate", "length", "power", "sum"]))
    if form == "negate":
        return ast.Negate(draw(trees(NUMBER, depth)))
    if form == "length":
        return ast.Call("string length", (draw(trees(STRING, depth)),))
    if form == "power":
        base = ast.Literal(Decimal(draw(st.integers(1, 9))), NUMBER)
        exponent: ast.Node = ast.Literal(Decimal(draw(st.sampled_from([0, 1, 3, 1000]))), NUMBER)
        exponent = ast.Negate(exponent) if draw(st.booleans()) else exponent
        return ast.Arithmetic("**", base, exponent)
    sign = draw(st.sampled_from("+-*/"))
    return ast.Arithmetic(sign, draw(trees(NUMBER, depth)), draw(trees(NUMBER, depth)))


@st.composite
def strings(draw: st.DrawFn, depth: int) -> ast.Node:
    if draw(st.booleans()):
        return ast.Arithmetic("+", draw(trees(STRING, depth)), draw(trees(STRING, depth)))
    function = draw(st.sampled_from(["lower case", "upper case"]))
    return ast.Call(function, (draw(trees(STRING, depth)),))


@st.composite
def conditions(draw: st.DrawFn, depth: int) -> ast.Node:
    return draw(draw(st.sampled_from(CONDITIONS))(depth))


@st.composite
def comparisons(draw: st.DrawFn, depth: int) -> ast.Node:
    operator = draw(st.sampled_from(OPERATORS))
    kind = draw(KINDS if operator in {"=", "!="} else ORDERED_KINDS)
    return ast.Compare(operator, draw(trees(kind, depth)), draw(trees(kind, depth)))


@st.composite
def null_comparisons(draw: st.DrawFn, depth: int) -> ast.Node:
    sides = [draw(trees(draw(KINDS), depth)), ast.Literal(None, Basic("null"))]
    left, right = draw(st.permutations(sides))
    return ast.Compare(draw(st.sampled_from(["=", "!="])), left, right)


@st.composite
def junctions(draw: st.DrawFn, depth: int) -> ast.Node:
    operands = tuple(draw(st.lists(trees(BOOLEAN, depth), min_size=2, max_size=4)))
    return ast.And(operands) if draw(st.booleans()) else ast.Or(operands)


@st.composite
def betweens(draw: st.DrawFn, depth: int) -> ast.Node:
    kind = draw(ORDERED_KINDS)
    operand, low, high = (draw(trees(kind, depth)) for _ in range(3))
    return ast.Between(operand, low, high)


@st.composite
def memberships(draw: st.DrawFn, depth: int) -> ast.Node:
    kind = draw(KINDS)
    found = draw(st.lists(unary_tests(kind, depth), min_size=1, max_size=4))
    return ast.In(draw(trees(kind, depth)), tuple(found))


@st.composite
def unary_tests(draw: st.DrawFn, kind: Basic, depth: int) -> ast.Node:
    null = ast.Literal(None, Basic("null"))
    forms = ["value", "value", "null", "items", "equal"]
    forms += ["range", "order"] if kind != BOOLEAN else []
    forms += ["tags"] if kind == STRING else []
    match draw(st.sampled_from(forms)):
        case "null":
            return null
        case "tags":
            return ast.Name("tags")
        case "items":
            items = st.lists(trees(kind, depth) | st.just(null), min_size=1, max_size=3)
            return ast.Items(tuple(draw(items)))
        case "range":
            low, high = draw(trees(kind, depth)), draw(trees(kind, depth))
            return ast.Range(low, high, draw(st.booleans()), draw(st.booleans()))
        case "order":
            return ast.Test(draw(st.sampled_from(OPERATORS)), draw(trees(kind, depth)))
        case "equal":
            operand = draw(trees(kind, depth) | st.just(null))
            return ast.Test(draw(st.sampled_from(["=", "!="])), operand)
    return draw(trees(kind, depth))


@st.composite
def calls(draw: st.DrawFn, depth: int) -> ast.Node:
    function = draw(st.sampled_from(["not", "contains", "starts with", "ends with"]))
    if function == "not":
        return ast.Call(function, (draw(trees(BOOLEAN, depth)),))
    return ast.Call(function, (draw(trees(STRING, depth)), draw(trees(STRING, depth))))


CONDITIONS = [comparisons, null_comparisons, junctions, betweens, memberships, calls]
_GROWN: dict[Basic, Callable[[int], st.SearchStrategy[ast.Node]]] = {
    NUMBER: numbers,
    STRING: strings,
    BOOLEAN: conditions,
    DATE: lambda _: leaves(DATE),
}

GIVEN = st.fixed_dictionaries(
    {},
    optional={
        "n": st.none() | NUMBERS | st.integers(-9, 9),
        "m": st.none() | NUMBERS,
        "s": st.none() | STRINGS,
        "level": st.none() | st.sampled_from(["basic", "premium"]),
        "b": st.none() | st.booleans(),
        "c": st.none() | st.booleans(),
        "d": st.none() | DATES,
        "tags": st.none() | st.lists(st.none() | STRINGS, max_size=3),
    },
)

# The text of a tree, with the fewest parentheses that read back as the same tree.

LEVELS = {ast.Or: 1, ast.And: 2, ast.Compare: 3, ast.Between: 3, ast.In: 3, ast.Negate: 7}
SIGN_LEVELS = {"+": 4, "-": 4, "*": 5, "/": 5, "**": 6}
ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\v": "\\u000B", "\f": "\\U00000C"}


def level_of(node: ast.Node) -> int:
    return SIGN_LEVELS[node.operator] if type(node) is ast.Arithmetic else LEVELS.get(type(node), 8)


def render(node: ast.Node, least: int = 0) -> str:
    text = bare(node)
    return f"({text})" if level_of(node) < least else text


def bare(node: ast.Node) -> str:
    match node:
        case ast.Literal():
            return render_literal(node.value)
        case ast.Name(name):
            return name
        case ast.Range() | ast.Items() | ast.Test() | ast.In():
            return bare_beside_in(node)
        case ast.Negate(operand):
            return f"-{render(operand, 7)}"
        case ast.Arithmetic(sign, left, right) | ast.Compare(sign, left, right):
            level = level_of(node)
            return f"{render(left, level)} {sign} {render(right, level + 1)}"
        case ast.Between(operand, low, high):
            return f"{render(operand, 3)} between {render(low, 4)} and {render(high, 4)}"
        case ast.And(operands):
            return " and ".join(render(operand, 3) for operand in operands)
        case ast.Or(operands):
            return " or ".join(render(operand, 2) for operand in operands)
        case ast.Call(function, arguments):
            return f"{function}({', '.join(map(render, arguments))})"


def bare_beside_in(node: ast.Range | ast.Items | ast.Test | ast.In) -> str:
    match node:
        case ast.Range(low, high, low_included, high_included):
            opening, closing = "[" if low_included else "(", "]" if high_included else ")"
            return f"{opening}{render(low)}..{render(high)}{closing}"
        case ast.Items(items):
            return f"[{', '.join(map(render, items))}]"
        case ast.Test(operator, operand):
            return f"{operator} {render(operand, 4)}"
        case ast.In(operand, found):
            return f"{render(operand, 3)} in ({', '.join(map(render, found))})"


def render_literal(value: ast.Scalar) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case str():
            return '"' + "".join(ESCAPED.get(letter, letter) for letter in value) + '"'
    return f'date("{value}")'


# The oracle.

HALF = Fraction(1, 2)
TRUTH = {False: Fraction(0), None: HALF, True: Fraction(1)}
ANSWER = {truth: answer for answer, truth in TRUTH.items()}


def rounded(exact: Fraction) -> Fraction:
    """Return the nearest number of 34 digits, the even one of two."""
    shift = Fraction(1)
    while abs(exact * shift) >= 10**34:
        shift /= 10
    while exact and abs(exact * shift) < 10**33:
        shift *= 10
    return Fraction(round(exact * shift)) / shift


def oracle(node: ast.Node, given: Mapping[str, Any]) -> Any:
    """Return the value of a tree: None, bool, str, Fraction, date or tuple."""

    def value(part: ast.Node) -> Any:
        return oracle(part, given)

    match node:
        case ast.Literal():
            return fraction(node.value)
        case ast.Name(name):
            return fraction(given.get(name))
        case ast.Negate(operand):
            return strict(lambda number: rounded(-number), value(operand))
        case ast.Arithmetic(sign, left, right):
            return strict(lambda one, two: reckoned(sign, one, two), value(left), value(right))
        case ast.Call(function, arguments) if function != "not":
            return strict(lambda *texts: called(function, *texts), *map(value, arguments))
    return decided(node, given)


def decided(node: ast.Node, given: Mapping[str, Any]) -> Any:
    """Return the value of a tree whose answer is one of three."""

    def value(part: ast.Node) -> Any:
        return oracle(part, given)

    match node:
        case ast.Compare(operator, left, right):
            return compared(operator, left, right, value(left), value(right))
        case ast.Between(operand, low, high):
            return within(value(operand), value(low), value(high), "<=", "<=")
        case ast.In(operand, found):
            truths = [TRUTH[asked_of(value(operand), test, given)] for test in found]
            return ANSWER[max(truths)]
        case ast.And(operands):
            return ANSWER[min(TRUTH[value(operand)] for operand in operands)]
        case ast.Or(operands):
            return ANSWER[max(TRUTH[value(operand)] for operand in operands)]
        case ast.Call("not", (operand,)):
            return ANSWER[1 - TRUTH[value(operand)]]
    raise AssertionError(node)


def fraction(value: Any) -> Any:
    is_number = isinstance(value, Decimal | int) and not isinstance(value, bool)
    return Fraction(value) if is_number else value


def strict(function: Any, *arguments: Any) -> Any:
    return None if None in arguments else function(*arguments)


def reckoned(sign: str, one: Any, two: Any) -> Any:
    if isinstance(one, str):
        return one + two
    if (sign == "/" and two == 0) or (sign == "**" and abs(two) > 999):
        return None
    if sign == "**":
        return rounded(Fraction(one) ** int(two))
    exact = {"+": one + two, "-": one - two, "*": one * two, "/": one / two if two else None}
    return rounded(exact[sign])


def ordered(operator: str, one: Any, two: Any) -> bool:
    """Return the comparison, made of nothing but equality and `<`."""
    less, same = one < two, one == two
    yes = {"=": same, "<": less, "<=": less or same}
    return (
        yes[operator] if operator in yes else not yes[{"!=": "=", ">": "<=", ">=": "<"}[operator]]
    )


def compared(operator: str, left: ast.Node | None, right: ast.Node, one: Any, two: Any) -> Any:
    for node, other in ((left, two), (right, one)):
        if isinstance(node, ast.Literal) and node.value is None:
            return (other is None) == (operator == "=")
    return strict(lambda a, b: ordered(operator, a, b), one, two)


def within(value: Any, low: Any, high: Any, from_low: str, to_high: str) -> Any:
    over = strict(lambda a, b: ordered(from_low, a, b), low, value)
    under = strict(lambda a, b: ordered(to_high, a, b), value, high)
    return ANSWER[min(TRUTH[over], TRUTH[under])]


def asked_of(value: Any, test: ast.Node, given: Mapping[str, Any]) -> Any:
    match test:
        case ast.Test(operator, operand):
            return compared(operator, None, operand, value, oracle(operand, given))
        case ast.Range(low, high, low_included, high_included):
            signs = "<=" if low_included else "<", "<=" if high_included else "<"
            return within(value, oracle(low, given), oracle(high, given), *signs)
        case ast.Items(items):
            return ANSWER[max(TRUTH[asked_of(value, item, given)] for item in items)]
        case ast.Name("tags"):
            return held(value, given.get("tags"))
    return compared("=", None, test, value, oracle(test, given))


def held(value: Any, items: Any) -> Any:
    if items is None:
        return None
    found = [strict(lambda a, b: a == b, value, item) for item in items]
    return ANSWER[max((TRUTH[one] for one in found), default=Fraction(0))]


def called(function: str, text: str, other: str = "") -> Any:
    match function:
        case "contains":
            return text.find(other) >= 0
        case "starts with":
            return text[: len(other)] == other
        case "ends with":
            return text[len(text) - len(other) :] == other if len(other) <= len(text) else False
        case "lower case":
            return text.lower()
        case "upper case":
            return text.upper()
    return Fraction(len(text))


class TestAnExpression:
    @settings(max_examples=400, deadline=None)
    @given(trees(BOOLEAN, 3), GIVEN)
    def test_answers_what_the_oracle_answers(
        self, node: ast.Node, values: dict[str, object]
    ) -> None:
        expected = oracle(node, values)
        answer = compile_if_short(render(node), BOOLEAN)
        if answer is not None:
            found = answer(values)
            assert (None if isinstance(found, Undecided) else found) is expected

    @settings(max_examples=200, deadline=None)
    @given(trees(NUMBER, 4), GIVEN)
    def test_reckons_what_the_oracle_reckons(
        self, node: ast.Node, values: dict[str, object]
    ) -> None:
        expected = oracle(node, values)
        expression = compile_if_short(render(node), NUMBER)
        if expression is not None:
            assert fraction(expression.evaluate(values)) == expected

    @settings(max_examples=200, deadline=None)
    @given(trees(BOOLEAN, 3))
    def test_reads_back_as_the_same_tree(self, node: ast.Node) -> None:
        text = render(node)
        if len(text) <= 2_000:
            assert parse(text) == node

    @settings(max_examples=100, deadline=None)
    @given(trees(BOOLEAN, 2), GIVEN)
    def test_names_only_what_is_null(self, node: ast.Node, values: dict[str, Any]) -> None:
        expression = compile_if_short(render(node), BOOLEAN)
        found = expression(values) if expression else True
        if isinstance(found, Undecided):
            nulls = {name for name in NAMES if None in as_list(values.get(name))}
            assert expression is not None
            assert set(found.names) == expression.names & nulls


def as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def compile_if_short(text: str, wanted: Type) -> Expression | None:
    return compile_expression(text, NAMES, wanted=wanted) if len(text) <= 2_000 else None


class TestLogic:
    @pytest.mark.parametrize(("one", "two"), list(product([False, None, True], repeat=2)))
    def test_has_three_values(self, one: bool | None, two: bool | None) -> None:
        given_values = {"b": one, "c": two}
        expected = {
            "b and c": ANSWER[min(TRUTH[one], TRUTH[two])],
            "b or c": ANSWER[max(TRUTH[one], TRUTH[two])],
            "not(b and c)": ANSWER[max(1 - TRUTH[one], 1 - TRUTH[two])],
            "not(b)": ANSWER[1 - TRUTH[one]],
            "b = c": None if None in {one, two} else one == two,
            "b in (c, true)": ANSWER[
                max(TRUTH[strict(lambda a, b: a == b, one, other)] for other in (two, True))
            ],
        }
        found = {text: compile_expression(text, NAMES).evaluate(given_values) for text in expected}
        assert found == expected


# Hostile text.

SOUP = st.sampled_from(
    [
        *sorted(KEYWORDS),
        *sorted(FEEL_FUNCTIONS),
        *NAMES,
        *"+-*/()[]{}<>=,.:?@\"\\'!",
        *("**", "..", "<=", ">=", "!=", "==", "//", "1", "2.5", ".5", "0", "999", '"a"', '"basic"'),
        *('date("2024-01-01")', 'duration("PT4H")', "not(", "contains(", "n in (", "(n", "[1..5]"),
    ]
)
ALL_GIVEN = {"n": 1, "m": None, "s": "a", "level": "basic", "b": True, "c": None, "tags": ["a"]}


def is_answered_or_refused(text: str) -> None:
    for wanted in (BOOLEAN, NUMBER, STRING, DATE, DATE_TIME, DURATION, ListOf(NUMBER)):
        try:
            expression = compile_expression(text, NAMES, wanted=wanted)
        except ExpressionRefused as refused:
            columns = {problem.column for problem in refused.problems}
            assert columns <= set(range(1, len(text) + 2))
            continue
        assert expression.in_words()
        assert isinstance(expression.evaluate(ALL_GIVEN), PYTHON_TYPES[wanted])
        expression.evaluate({})


PYTHON_TYPES: dict[Type, tuple[type, ...]] = {
    BOOLEAN: (bool, type(None)),
    NUMBER: (Decimal, type(None)),
    STRING: (str, type(None)),
    DATE: (date, type(None)),
    DATE_TIME: (datetime, type(None)),
    DURATION: (timedelta, type(None)),
    ListOf(NUMBER): (tuple, type(None)),
}


class TestHostileText:
    @settings(max_examples=300, deadline=None)
    @given(st.text(max_size=60))
    def test_is_refused_and_nothing_worse(self, text: str) -> None:
        is_answered_or_refused(text)

    @settings(max_examples=600, deadline=None)
    @given(st.lists(SOUP, max_size=14).map(" ".join))
    def test_of_tokens_is_answered_or_refused(self, text: str) -> None:
        is_answered_or_refused(text)

    @settings(max_examples=150, deadline=None)
    @given(SOUP, SOUP, st.integers(1, 600))
    def test_that_repeats_is_answered_or_refused(self, one: str, two: str, times: int) -> None:
        is_answered_or_refused(f"{one} {two} " * times)

    @settings(max_examples=150, deadline=None)
    @given(trees(BOOLEAN, 2), st.data())
    def test_that_was_cut_is_answered_or_refused(self, node: ast.Node, data: st.DataObject) -> None:
        text = render(node)
        cut = data.draw(st.integers(0, len(text)))
        is_answered_or_refused(text[:cut] + text[cut + 1 :])
