"""A statement, the cases behind its figures, and what a supposition would make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from openbpo.agreements.model import Charge, Minimum, Regime, Tax
from openbpo.values.money import Money, Rounding
from openbpo.values.periods import Period

STATEMENT = 2
"""The number of the form in which statements are written: docs/reference/statements.md."""


class Outcome(StrEnum):
    """What became of a case in a figure of a period."""

    WITHIN = "within"
    LATE = "late"
    OPEN = "open"
    LEFT_OUT = "left_out"
    NOT_PROVABLE = "not_provable"
    BILLED = "billed"


OF_A_MEASURE = (
    Outcome.WITHIN,
    Outcome.LATE,
    Outcome.OPEN,
    Outcome.LEFT_OUT,
    Outcome.NOT_PROVABLE,
)
OF_A_CHARGE = (Outcome.BILLED, Outcome.OPEN, Outcome.LEFT_OUT, Outcome.NOT_PROVABLE)


@dataclass(frozen=True, slots=True)
class Statement:
    """
    What a period came to by what was known at an entry; `told` is its content, as JSON.

    `depends_on` is a digest of all that it was computed from.
    """

    period: str
    entry: int
    depends_on: bytes
    told: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Readiness:
    """How a period's statement stands: stored at which entry, if it is, and whether it is stale."""

    period: str
    entry: int | None
    is_stale: bool


@dataclass(frozen=True, slots=True)
class CaseRow:
    """
    A case of a figure. Times are in microseconds.

    `whose` minutes it was made of where it is late; `why` it is left out or not provable; `unit` is
    the how-manieth it is of a charge; `group` names the counts of a measure that hold it.
    """

    case: str
    began: datetime
    ended: datetime | None
    counted_us: int | None
    paused_us: int | None
    limit_us: int | None
    outcome: Outcome
    whose: str | None
    why: str | None
    unit: int | None
    group: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the row for programs and pages."""
        return {
            "case": self.case,
            "began": self.began.isoformat(),
            "ended": self.ended.isoformat() if self.ended else None,
            "counted_us": self.counted_us,
            "paused_us": self.paused_us,
            "limit_us": self.limit_us,
            "outcome": self.outcome.value,
            "whose": self.whose,
            "why": self.why,
            "unit": self.unit,
            "group": self.group,
        }


@dataclass(frozen=True, slots=True)
class CasesPage:
    """A page of the cases of a figure; `total` counts those that were asked for, on all pages."""

    figure: str
    rows: tuple[CaseRow, ...]
    page: int
    size: int
    total: int
    outcomes: Mapping[str, int]

    @property
    def pages(self) -> int:
        """Return how many pages there are, at least one."""
        return max(1, -(-self.total // self.size))


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """
    All that a period's money is made of, without a case: counts by measure and formula, units by
    charge, and the terms that judge and price them.
    """

    period: Period
    currency: str
    agreed: Mapping[str, str]
    tallies: Mapping[str, Mapping[str, tuple[int, int]]]
    regime: Regime
    charges: tuple[Charge, ...]
    quantities: Mapping[str, int]
    minimums: tuple[Minimum, ...]
    bases: Mapping[str, tuple[str, ...]]
    tax: Tax | None
    rounding: Rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class SupposedMeasure:
    """A measure's result under a supposition; a share is exact, None where nothing is compared."""

    id: str
    formula: str
    numerator: int
    denominator: int
    compared: str | None
    level: int | None
    verdict: str | None
    credit_rate: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposed:
    """What a period would come to under a supposition."""

    measures: tuple[SupposedMeasure, ...]
    rates_added: str
    credit_rate: str
    fees: Money
    credits: Money
    net: Money
    tax: Money
    total: Money

    def measure(self, measure_id: str) -> SupposedMeasure:
        """Return one of its measures."""
        return next(one for one in self.measures if one.id == measure_id)

    def as_json(self) -> dict[str, Any]:
        """Return it for programs and pages."""
        return {
            "measures": [
                {name: getattr(one, name) for name in SupposedMeasure.__dataclass_fields__}
                for one in self.measures
            ],
            "rates_added": self.rates_added,
            "credit_rate": self.credit_rate,
            "currency": self.total.currency,
            "fees": self.fees.amount,
            "credits": self.credits.amount,
            "net": self.net.amount,
            "tax": self.tax.amount,
            "total": self.total.amount,
        }
