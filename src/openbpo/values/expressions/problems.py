"""What is said when an expression cannot be taken: at which column, what, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong in an expression; columns count characters from 1."""

    column: int
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"column {self.column}: {self.what} {self.remedy}".strip()


class ExpressionRefused(ValueError):  # noqa: N818 - it is not an error of the program
    """The text is not an expression we take. Carries one syntax problem, or all type problems."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def unsupported(column: int, part: str, remedy: str = "") -> Problem:
    """Return the problem of a part of FEEL that this language does not have yet."""
    return Problem(column, f"{part} is part of FEEL, not supported here yet.", remedy)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the nearest of the known words, written as `known` has it, or an empty text."""
    spelled = {candidate.casefold(): candidate for candidate in known}
    near = get_close_matches(word.casefold(), spelled, n=1)
    return spelled[near[0]] if near else ""
