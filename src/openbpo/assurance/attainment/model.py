"""A measure's result: its number, and every case behind it."""

from __future__ import annotations

from dataclasses import dataclass

from openbpo.agreements.model import Measure
from openbpo.agreements.regimes.model import Tally
from openbpo.agreements.service_levels.model import Case, Elapsed, OpenQuestion
from openbpo.values.periods import Period


@dataclass(frozen=True, slots=True)
class MeasuredCase:
    """A completed case, the time that counted, and whether that is within the promise."""

    case: Case
    elapsed: Elapsed
    within_us: int
    is_within: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The share of a period: numerator and denominator are its cases, counted."""

    measure: Measure
    period: Period
    cases: tuple[MeasuredCase, ...]
    questions: tuple[OpenQuestion, ...]

    @property
    def numerator(self) -> int:
        """Return how many completed cases are within."""
        return sum(measured.is_within for measured in self.cases)

    @property
    def denominator(self) -> int:
        """Return how many cases were completed."""
        return len(self.cases)

    @property
    def tally(self) -> Tally:
        """Return the result as the regime takes it."""
        return Tally(self.measure.id, self.numerator, self.denominator)
