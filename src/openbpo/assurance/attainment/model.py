"""A measure's result: its number, and every case behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from openbpo.agreements.formulas.model import Groups
from openbpo.agreements.model import ClockMeasure, CountMeasure
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
class ClockResult:
    """The share of a period: numerator and denominator are its cases, counted."""

    measure: ClockMeasure
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


@dataclass(frozen=True, slots=True)
class Ratio:
    """A share or a mean as it was made: what was counted or summed, of how many cases."""

    numerator: int | Fraction
    denominator: int

    @property
    def value(self) -> Fraction | None:
        """Return the exact quotient, None where there is no case."""
        return Fraction(self.numerator) / self.denominator if self.denominator else None

    def __add__(self, other: Ratio) -> Ratio:
        """Return both taken together, as of one group of cases."""
        numerator = self.numerator + other.numerator
        return Ratio(numerator, self.denominator + other.denominator)


@dataclass(frozen=True, slots=True)
class CountedCase:
    """A case of the period, and the counts that it belongs to."""

    case: Case
    groups: Groups


@dataclass(frozen=True, slots=True, kw_only=True)
class CountResult:
    """
    The counts of a period, the shares that are made of them, and the means beside, by name.

    `shares` holds the formulas, and the shares that are shown beside them.
    """

    measure: CountMeasure
    period: Period
    cases: tuple[CountedCase, ...]
    counts: Mapping[str, int]
    shares: Mapping[str, Ratio]
    means: Mapping[str, Ratio]
    questions: tuple[OpenQuestion, ...]

    @property
    def tally(self) -> Tally:
        """Return the result by the formula that is agreed, as the regime takes it."""
        return self.tally_by(self.measure.judged_by)

    def tally_by(self, formula: str) -> Tally:
        """Return the result by one of its formulas."""
        share = self.shares[formula]
        assert isinstance(share.numerator, int), "a share counts cases"
        return Tally(self.measure.id, share.numerator, share.denominator)


Result: TypeAlias = ClockResult | CountResult
