"""A report of figures, and the differences between it and the figures that are recomputed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from openbpo.agreements.versions.model import Terms
from openbpo.assurance.attainment.model import Result
from openbpo.assurance.attainment.queries import PeriodOfWork
from openbpo.billing.closing.model import Sums
from openbpo.billing.metering.model import Volume
from openbpo.values.money import Money

SUMS = ("fees", "credits", "net", "tax", "total")
OTHER = "other:"
"""Begins the name of a figure of which the agreement knows nothing, as `other: express fee`."""


class Cause(StrEnum):
    """Why a figure differs, in the order in which the causes are tried."""

    MISSING_CASE = "missing case"
    EXTRA_CASE = "extra case"
    FORMULA = "formula"
    CALENDAR = "calendar"
    PAUSE = "pause"
    REOPENING = "reopening"
    RATE = "rate"
    ROUNDING = "rounding"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class ToldTime:
    """A length of time as a report tells it, in microseconds, and the step that it is told in."""

    told_us: Fraction
    step_us: Fraction

    def fits(self, exact_us: int) -> bool:
        """Tell whether this is a time, rounded or cut off to the step."""
        return 2 * abs(self.told_us - exact_us) <= self.step_us or (
            0 <= exact_us - self.told_us < self.step_us
        )


@dataclass(frozen=True, slots=True)
class ToldShare:
    """A share as a report tells it, in 0..1, and the step that it is told in."""

    share: Fraction
    step: Fraction

    def fits(self, exact: Fraction) -> bool:
        """Tell whether this is a share, rounded to the step."""
        return 2 * abs(self.share - exact) <= self.step


@dataclass(frozen=True, slots=True)
class ToldCase:
    """A case that a report counts in a measure."""

    within: bool
    counted: ToldTime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldMeasure:
    """A measure's numbers as a report tells them, None where it does not."""

    numerator: int | None = None
    denominator: int | None = None
    share: ToldShare | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldLine:
    """A charge line as a report tells it, None where it does not."""

    quantity: int | None = None
    each: Money | None = None
    amount: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """
    What a report tells of one period.

    `measured` holds the cases of a measure, `charged` those of a charge; `lines` stand by the id of
    a charge or minimum, or by the key of a tier; `sums` by the names in SUMS.
    """

    name: str
    measured: Mapping[str, Mapping[str, ToldCase]] = field(default_factory=dict)
    charged: Mapping[str, frozenset[str]] = field(default_factory=dict)
    measures: Mapping[str, ToldMeasure] = field(default_factory=dict)
    lines: Mapping[str, ToldLine] = field(default_factory=dict)
    others: Mapping[str, Money] = field(default_factory=dict)
    sums: Mapping[str, Money] = field(default_factory=dict)
    notes: Sequence[str] = ()
    """What of the file was passed over, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recomputed:
    """
    What is set against a report: the period's cases, its results and billable volumes.

    `earlier` are cases without an event in the period, of the months in which a promise that ends
    in the period can have begun; they matter to one formula only.
    """

    work: PeriodOfWork
    results: tuple[Result, ...]
    volumes: tuple[Volume, ...]
    earlier: PeriodOfWork | None = None

    @property
    def terms(self) -> Terms:
        """Return the terms that govern the period."""
        return self.work.terms

    @property
    def sums(self) -> Sums:
        """Return what the period's figures are made of."""
        tallies = [result.tally for result in self.results]
        return Sums(
            {tally.measure: (tally.numerator, tally.denominator) for tally in tallies},
            {volume.charge.id: volume.quantity for volume in self.volumes},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """
    What a difference changes in the figures; whatever follows from that is computed.

    `tallies` add to (numerator, denominator), `units` to a charge's quantity, `amounts` to a
    charge or minimum, `sums` to the sum of that name; `prices` take the place of a tier's price.
    """

    tallies: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    units: Mapping[str, int] = field(default_factory=dict)
    amounts: Mapping[str, Money] = field(default_factory=dict)
    sums: Mapping[str, Money] = field(default_factory=dict)
    prices: Mapping[str, Money] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoned:
    """What a period comes to: net = fees - credits, total = net + tax."""

    fees: Money
    credits: Money
    net: Money
    tax: Money
    total: Money

    def minus(self, other: Reckoned) -> Reckoned:
        """Return the difference of each figure."""
        return Reckoned(**{name: getattr(self, name) - getattr(other, name) for name in SUMS})

    def plus(self, other: Reckoned) -> Reckoned:
        """Return the sum of each figure."""
        return Reckoned(**{name: getattr(self, name) + getattr(other, name) for name in SUMS})

    @classmethod
    def nothing(cls, currency: str) -> Reckoned:
        """Return figures of zero."""
        return cls(**dict.fromkeys(SUMS, Money.zero(currency)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """
    One place in which a report and the recomputed figures differ, and why.

    `figure` is the measure, charge, line or sum in which it was made; what merely follows from it
    elsewhere is no difference of its own. `why` says in words what reproduces the reported figure.
    """

    cause: Cause
    figure: str
    cases: tuple[str, ...]
    reported: str
    recomputed: str
    why: str
    effect: Effect
    also: Cause | None = None
    """The second cause, where only two together give what the report says."""

    @property
    def causes_text(self) -> str:
        """Return the cause, or both."""
        return f"{self.cause.value} and {self.also.value}" if self.also else self.cause.value


@dataclass(frozen=True, slots=True)
class Priced:
    """A difference and its money: the report's figures less what they are with this one undone."""

    difference: Difference
    money: Reckoned


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """
    All differences between a report and the recomputed figures.

    reported - recomputed = the sum of all money + interaction, for each figure.
    """

    differences: tuple[Priced, ...]
    reported: Reckoned
    recomputed: Reckoned
    interaction: Reckoned
    """What differences come to together beyond what each comes to alone."""
    not_told: tuple[str, ...]
    """Measures, charges and sums of which the report tells nothing."""
