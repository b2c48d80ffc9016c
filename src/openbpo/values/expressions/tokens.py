"""Cuts the text of an expression into tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass

from openbpo.values.expressions.problems import ExpressionRefused, Problem, unsupported

MAX_LENGTH = 2_000

KEYWORDS = frozenset(
    {
        *("and", "or", "in", "between", "true", "false", "null"),
        *("if", "then", "else", "for", "return", "some", "every", "satisfies"),
        *("function", "instance"),
    }
)
_SLIPS = {
    "==": "Write = once.",
    "<>": "Write !=.",
    "&&": "Write and.",
    "||": "Write or.",
    "!": "Write not(...), or != between two values.",
    "'": 'Put text in double quotes: "like this".',
    "≤": "Write <=.",
    "≥": "Write >=.",
    "≠": "Write !=.",
    "^": "Write **.",
} | dict.fromkeys("“”„‘’`", 'Put text in straight double quotes: "like this".')
_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<comment>//|/\*)"
    r"|(?P<slip>==|<>|&&|\|\||!(?!=)|['≤≥≠^“”„‘’`])"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
    r'|(?P<string>"(?:[^"\\\n\r\v\f]|\\.)*")'
    r'|(?P<open_string>")'
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<symbol>\*\*|\.\.|<=|>=|!=|[-+*/<>=(),\[\]{}:?@.])"
    r"|(?P<stranger>.)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of text; its kind is name, number, string, end, or the keyword or symbol itself."""

    kind: str
    text: str
    column: int


def tokens_of(text: str) -> tuple[Token, ...]:
    """Return the tokens of the text; the last one is of kind `end`."""
    if len(text) > MAX_LENGTH:
        what = f"The expression has {len(text)} characters, the most is {MAX_LENGTH}."
        raise ExpressionRefused([Problem(MAX_LENGTH + 1, what, "Split it.")])
    found = (_token(match) for match in _TOKEN.finditer(text) if match.lastgroup != "space")
    return (*found, Token("end", "", len(text) + 1))


def _token(match: re.Match[str]) -> Token:
    kind, text, column = str(match.lastgroup), match.group(), match.start() + 1
    if kind in {"comment", "slip", "open_string", "stranger"}:
        raise ExpressionRefused([_not_a_token(kind, text, column)])
    is_itself = kind == "symbol" or text in KEYWORDS
    return Token(text if is_itself else kind, text, column)


def _not_a_token(kind: str, text: str, column: int) -> Problem:
    if kind == "comment":
        return unsupported(column, "A comment", "Leave it out.")
    if kind == "open_string":
        return Problem(column, "The string is not closed.", 'End it with " on the same line.')
    if kind == "slip":
        return Problem(column, f"{text} is not an operator or a quote here.", _SLIPS[text])
    return Problem(column, f"{text!r} has no meaning here.", "Remove it.")
