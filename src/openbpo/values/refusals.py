"""What is said when the input is wrong: where, what, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing that is wrong in one place (`measures.yaml:12`, `log.csv:4711`), and its remedy."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what} {self.remedy}".strip()


class Refusal(Exception):  # noqa: N818 - it is not an error of the program
    """The input cannot be taken as it is. Carries every mistake that was found, never only one."""

    def __init__(self, *mistakes: Mistake) -> None:
        assert mistakes, "a refusal names at least one mistake"
        self.mistakes = mistakes
        super().__init__("\n".join(str(mistake) for mistake in mistakes))

    @classmethod
    def of(cls, where: str, what: str, remedy: str) -> Refusal:
        """Return the refusal of one mistake."""
        return cls(Mistake(where, what, remedy))


class Unavailable(Refusal):
    """What is needed cannot be had now. The input is not at fault, and nothing was lost."""
