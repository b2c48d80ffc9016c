"""An expression, ready to be asked."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from openbpo.values.expressions.checking import check
from openbpo.values.expressions.compiling import Code, compile_tree
from openbpo.values.expressions.problems import ExpressionRefused
from openbpo.values.expressions.syntax import parse
from openbpo.values.expressions.tree import names_read
from openbpo.values.expressions.types import BOOLEAN, Type
from openbpo.values.expressions.words import in_words


@dataclass(frozen=True, slots=True)
class Undecided:
    """
    A filter came out null. It names what was null or missing, in the order of the text.

    No name is given when the null was made on the way, as by a division by zero.
    """

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expression:
    """
    A checked and compiled expression. It reads only the values it is given, and changes nothing.

    Values by type: str, Decimal or int, bool, date, aware datetime, timedelta, list or tuple; None
    or a missing key is null. A value that is read and has another type raises TypeError.
    """

    text: str
    type: Type
    names: frozenset[str]
    _code: Code = field(repr=False, compare=False)
    _reads: tuple[str, ...] = field(repr=False, compare=False)
    _words: str = field(repr=False, compare=False)

    def __call__(self, values: Mapping[str, object]) -> bool | Undecided:
        """Answer a filter: a null is never taken for false."""
        answer = self._code(values)
        if answer is True or answer is False:
            return answer is True
        if self.type != BOOLEAN:
            raise TypeError(f"only a filter is called, this is a {self.type}: {self.text}")
        return Undecided(tuple(name for name in self._reads if _has_null(values.get(name))))

    def evaluate(self, values: Mapping[str, object]) -> object | None:
        """Return the value: str, Decimal, bool, date, datetime in UTC, timedelta, tuple or None."""
        value: object | None = self._code(values)
        return value

    def in_words(self) -> str:
        """Return the expression in plain words: `service level is “premium”`."""
        return self._words


def compile_expression(
    text: str,
    names: Mapping[str, Type],
    *,
    wanted: Type = BOOLEAN,
    groups: AbstractSet[str] = frozenset(),
) -> Expression:
    """
    Return the expression that the text says, of the wanted type, over names of the given types.

    `groups` are the names that stand for belonging to a group: in words they are said alone
    (`answered or abandoned`), not as being true. Raises ExpressionRefused with one syntax problem
    or every type problem.
    """
    tree = parse(text)
    found, problems = check(tree, names, wanted)
    if found is None or problems:
        raise ExpressionRefused(problems)
    reads = names_read(tree)
    words, code = in_words(tree, names, groups), compile_tree(tree, names)
    return Expression(text, found, frozenset(reads), code, reads, words)


def _has_null(value: object) -> bool:
    return value is None or (isinstance(value, list | tuple) and None in value)
