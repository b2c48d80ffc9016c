"""
Reads text into a tree: a Pratt parser of the FEEL operators.

Operators bind, from loose to tight: or; and; = != < <= > >= between in; + -; * /; **; unary minus.
Equal ones read from left to right, also `**`; unary minus binds tighter than `**`, so -3 ** 2 is 9.
Source: OMG Decision Model and Notation 1.3, 10.3.1.2 (grammar rules).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NoReturn

from openbpo.values.expressions.functions import FEEL_FUNCTIONS
from openbpo.values.expressions.literals import TEMPORAL, read_number, read_string
from openbpo.values.expressions.problems import ExpressionRefused, Problem, unsupported
from openbpo.values.expressions.tokens import Token, tokens_of
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
    Scalar,
    Test,
    walk,
)
from openbpo.values.expressions.types import BOOLEAN, NULL, NUMBER, STRING, Basic

MAX_NESTING = 50

_ANY, _OR, _AND, _COMPARISON, _SUM, _PRODUCT, _POWER = range(7)
_COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">="})
_WORD_LITERALS: Mapping[str, tuple[Scalar, Basic]] = {
    "true": (True, BOOLEAN),
    "false": (False, BOOLEAN),
    "null": (None, NULL),
}
_MULTI_WORD = sorted((name.split() for name in FEEL_FUNCTIONS if " " in name), key=len)
_UNSUPPORTED = {
    "if": "if ... then ... else",
    "then": "if ... then ... else",
    "else": "if ... then ... else",
    "for": "for ... return",
    "return": "for ... return",
    "some": "some ... satisfies",
    "every": "every ... satisfies",
    "satisfies": "some or every ... satisfies",
    "function": "A function definition",
    "instance": "instance of",
    "{": "A context in { }",
    "}": "A context in { }",
    "[": "A filter in [ ]",
    ".": "A path with a point",
    ":": "A named argument",
    "@": "A literal with @",
    "?": "The input value ?",
}


def parse(text: str) -> Node:
    """Return the tree of the text, or raise ExpressionRefused with the first syntax problem."""
    parser = _Parser(tokens_of(text))
    tree = parser.expression()
    parser.expect("end")
    for node, depth in walk(tree):
        if depth > MAX_NESTING:
            raise _too_deep(node.column)
    return tree


class _Parser:
    """Takes tokens one by one. `depth` bounds its recursion, whatever the input."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self.tokens = tokens
        self.index = 0
        self.depth = 0

    @property
    def next(self) -> Token:
        return self.tokens[self.index]

    def take(self) -> Token:
        """Return the next token and step over it; the end is never stepped over."""
        token = self.next
        self.index += token.kind != "end"
        return token

    def accept(self, *kinds: str) -> Token | None:
        """Take the next token when it is of one of these kinds."""
        return self.take() if self.next.kind in kinds else None

    def expect(self, *kinds: str) -> Token:
        """Take the next token, which must be of one of these kinds."""
        return self.accept(*kinds) or self.unexpected()

    def unexpected(self) -> NoReturn:
        """Refuse the next token."""
        before = self.tokens[self.index - 1] if self.index else None
        raise ExpressionRefused([_unexpected(before, self.next)])

    def expression(self, binding: int = _ANY) -> Node:
        """Read an operand and the operators after it that bind tighter than `binding`."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise _too_deep(self.next.column)
        left = self.operand()
        while self.next.kind in _INFIX:
            strength, read = _INFIX[self.next.kind]
            if strength <= binding:
                break
            left = read(self, left)
        self.depth -= 1
        return left

    def operand(self) -> Node:
        read = _PREFIX.get(self.next.kind)
        return read(self) if read else self.unexpected()

    def number(self) -> Node:
        token = self.take()
        return Literal(_read(read_number, token), NUMBER, token.column)

    def string(self) -> Node:
        token = self.take()
        return Literal(_read(read_string, token), STRING, token.column)

    def word_literal(self) -> Node:
        token = self.take()
        return Literal(*_WORD_LITERALS[token.kind], token.column)

    def minus(self) -> Node:
        token = self.take()
        return Negate(self.expression(_POWER), token.column)

    def name(self) -> Node:
        for words in reversed(_MULTI_WORD):
            if self.is_call_of(words):
                return self.call(" ".join(words), len(words))
        if self.is_call_of([self.next.text]):
            return self.call(self.next.text, 1)
        token = self.take()
        return Name(token.text, token.column)

    def is_call_of(self, words: list[str]) -> bool:
        ahead = self.tokens[self.index : self.index + len(words) + 1]
        return [token.text for token in ahead] == [*words, "("]

    def call(self, function: str, words: int) -> Node:
        column = self.next.column
        self.index += words
        self.expect("(")
        arguments = () if self.accept(")") else self.listed(self.expression(), ")")
        return _call(function, arguments, column)

    def listed(self, first: Node, closing: str) -> tuple[Node, ...]:
        """Read the rest of a list of expressions, up to and with its closing bracket."""
        nodes = [first]
        while self.accept(","):
            nodes.append(self.expression())
        self.expect(closing)
        return tuple(nodes)

    def parentheses(self) -> Node:
        opening = self.take()
        inner = self.expression()
        if self.next.kind == "..":
            return self.range(opening, inner)
        self.expect(")")
        return inner

    def brackets(self) -> Node:
        opening = self.take()
        if self.next.kind == "]":
            what = "A list without items holds nothing."
            raise ExpressionRefused([Problem(opening.column, what, "Write its items.")])
        first = self.expression()
        if self.next.kind == "..":
            return self.range(opening, first)
        return Items(self.listed(first, "]"), opening.column)

    def turned_bracket(self) -> Node:
        opening = self.take()
        return self.range(opening, self.expression())

    def range(self, opening: Token, low: Node) -> Range:
        self.expect("..")
        high = self.expression()
        closing = self.expect("]", ")", "[")
        return Range(low, high, opening.kind == "[", closing.kind == "]", opening.column)

    def arithmetic(self, left: Node) -> Node:
        token = self.take()
        return Arithmetic(token.kind, left, self.expression(_INFIX[token.kind][0]), token.column)

    def compare(self, left: Node) -> Node:
        token = self.take()
        return Compare(token.kind, left, self.expression(_COMPARISON), token.column)

    def conjunction(self, left: Node) -> Node:
        return And(*self.joined(left, "and", _AND))

    def disjunction(self, left: Node) -> Node:
        return Or(*self.joined(left, "or", _OR))

    def joined(self, left: Node, word: str, binding: int) -> tuple[tuple[Node, ...], int]:
        column = self.next.column
        operands = [left]
        while self.accept(word):
            operands.append(self.expression(binding))
        return tuple(operands), column

    def between(self, operand: Node) -> Node:
        token = self.take()
        low = self.expression(_COMPARISON)
        self.expect("and")
        return Between(operand, low, self.expression(_COMPARISON), token.column)

    def membership(self, operand: Node) -> Node:
        token = self.take()
        opening = self.accept("(")
        tests = self.tests(opening) if opening else (self.test(_COMPARISON),)
        return In(operand, tests, token.column)

    def tests(self, opening: Token) -> tuple[Node, ...]:
        """Read `..5)` of an open range, or tests up to the closing parenthesis."""
        tests = [self.test(_ANY)]
        if self.next.kind == ".." and not isinstance(tests[0], Test):
            return (self.range(opening, tests[0]),)
        while self.accept(","):
            tests.append(self.test(_ANY))
        self.expect(")")
        return tuple(tests)

    def test(self, binding: int) -> Node:
        token = self.accept(*_COMPARISONS)
        if token is None:
            return self.expression(binding)
        return Test(token.kind, self.expression(_COMPARISON), token.column)


_PREFIX: Mapping[str, Callable[[_Parser], Node]] = {
    "number": _Parser.number,
    "string": _Parser.string,
    "name": _Parser.name,
    "-": _Parser.minus,
    "(": _Parser.parentheses,
    "[": _Parser.brackets,
    "]": _Parser.turned_bracket,
} | dict.fromkeys(_WORD_LITERALS, _Parser.word_literal)

_INFIX: Mapping[str, tuple[int, Callable[[_Parser, Node], Node]]] = {
    "or": (_OR, _Parser.disjunction),
    "and": (_AND, _Parser.conjunction),
    "between": (_COMPARISON, _Parser.between),
    "in": (_COMPARISON, _Parser.membership),
    "+": (_SUM, _Parser.arithmetic),
    "-": (_SUM, _Parser.arithmetic),
    "*": (_PRODUCT, _Parser.arithmetic),
    "/": (_PRODUCT, _Parser.arithmetic),
    "**": (_POWER, _Parser.arithmetic),
} | dict.fromkeys(_COMPARISONS, (_COMPARISON, _Parser.compare))


def _call(function: str, arguments: tuple[Node, ...], column: int) -> Node:
    """Return the call, or the literal when it is `date("2012-02-01")` or one like it."""
    match arguments:
        case (Literal(value=str(text)),) if function in TEMPORAL:
            kind, read = TEMPORAL[function]
            return Literal(_read(read, Token("string", text, column)), kind, column)
    return Call(function, arguments, column)


def _read(read: Callable[[str], Scalar], token: Token) -> Scalar:
    try:
        return read(token.text)
    except ValueError as wrong:
        problem = Problem(token.column, str(wrong), "Correct the literal.")
        raise ExpressionRefused([problem]) from None


def _too_deep(column: int) -> ExpressionRefused:
    what = f"The expression is nested more than {MAX_NESTING} deep."
    return ExpressionRefused([Problem(column, what, "Split it, or group it in parentheses.")])


def _unexpected(before: Token | None, token: Token) -> Problem:
    if token.kind == "end":
        return _too_soon(before, token.column)
    if before is not None and before.text == "not":
        return Problem(before.column, "not takes parentheses.", "Write not(...).")
    if before is not None and before.kind == token.kind == "name":
        spaced, joined = f"{before.text} {token.text}", f"{before.text}_{token.text}"
        part = f'A name with a space ("{spaced}")'
        return unsupported(before.column, part, f"Write {joined}, or an operator between them.")
    if token.kind in _UNSUPPORTED:
        return unsupported(token.column, _UNSUPPORTED[token.kind])
    return Problem(token.column, f"{token.text} cannot stand here.", "Check what is before it.")


def _too_soon(before: Token | None, column: int) -> Problem:
    if before is None:
        return Problem(column, "The expression is empty.", 'Write one such as channel = "chat".')
    what = f"The expression ends too soon, after {before.text}."
    return Problem(column, what, "Complete it, and close what is open.")
