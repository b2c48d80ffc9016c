"""The differences between a report and the figures found so far, and what comes of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from openbpo.agreements.regimes.model import Tally
from openbpo.billing.closing.model import Sums
from openbpo.evidence.reconciling.alternatives import Alternatives
from openbpo.evidence.reconciling.model import Cause, Difference, Effect, Recomputed, Report
from openbpo.evidence.reconciling.reckoning import Books, books, together
from openbpo.values.currencies import minor_digits
from openbpo.values.money import Money, Rounding, round_fraction
from openbpo.values.shares import decimal_text, is_finite_decimal, percent_text

NONE = "–"

Explained = tuple[Cause, str] | tuple[Cause, str, Cause]
"""A cause and why it is one; then the second, where it takes two."""
Placed = Mapping[str, tuple[bool, bool]]
"""Which cases stand (below, above) the line."""


@dataclass
class Comparison:
    """The differences found so far, and what the figures come to with them."""

    recomputed: Recomputed
    report: Report
    differences: list[Difference] = field(default_factory=list)
    not_told: list[str] = field(default_factory=list)
    _formulas_of: dict[str, dict[str, Placed]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.agreement = self.recomputed.terms.agreement
        self.currency = self.agreement.currency
        self.rounding = self.agreement.charges.rounding
        self.zero = Money.zero(self.currency)
        self.minor = Money(Fraction(1, 10 ** minor_digits(self.currency)), self.currency)
        self.ours: Sums = self.recomputed.sums
        self.other_ways = Alternatives(self.recomputed)
        self.results = {result.measure.id: result for result in self.recomputed.results}
        self._effect = Effect()
        self._books: Books | None = None

    @property
    def books(self) -> Books:
        """Return the figures with all differences found so far."""
        if self._books is None:
            self._books = books(self.agreement, self.ours, self._effect)
        return self._books

    def add(
        self,
        explained: Explained,
        figure: str,
        reported: str,
        recomputed: str,
        effect: Effect,
        *cases: str,
    ) -> None:
        """Note a difference."""
        cause, why, *also = explained
        self.differences.append(
            Difference(
                cause=cause, figure=figure, cases=cases, reported=reported,
                recomputed=recomputed, why=why, effect=effect,
                also=also[0] if also else None,
            )
        )  # fmt: skip
        self._effect = together((self._effect, effect))
        self._books = None

    def _rounding(self, told: Money, exact: Money, lines: int = 1) -> Explained | None:
        """Tell whether an amount is off by less than one minor unit a line."""
        off = told - exact
        if max(off, -off) < self.minor * max(lines, 1):
            return Cause.ROUNDING, f"{money_text(exact)} before rounding"
        return None


def tally_effect(before: Tally, numerator: int, denominator: int) -> Effect:
    """Return the effect that makes a measure come to other counts."""
    change = numerator - before.numerator, denominator - before.denominator
    return Effect(tallies={before.measure: change})


def decimals_of(value: Fraction) -> int:
    """Return how many decimals a number has."""
    return len(decimal_text(value, 0).partition(".")[2])


def percent_of(share: Fraction) -> str:
    """Return a share as a difference tells it."""
    if is_finite_decimal(share) and decimals_of(share) <= 6:
        return percent_text(share)
    return f"{decimal_text(round_fraction(share * 100, 4, Rounding.HALF_UP))} %"


def money_text(money: Money) -> str:
    """Return an amount as a difference tells it."""
    return str(money).rsplit(" ", 1)[0]
