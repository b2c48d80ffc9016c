"""Fees, credits, net, tax and total, as a report tells them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from openbpo.agreements.model import Regime
from openbpo.agreements.regimes.decisions import consequences
from openbpo.billing.invoicing.decisions import credit_line
from openbpo.evidence.reconciling.comparing_measures import MeasuresCompared
from openbpo.evidence.reconciling.comparison import Explained, money_text, tally_effect
from openbpo.evidence.reconciling.model import Cause, Effect
from openbpo.evidence.reconciling.reckoning import books, together
from openbpo.values.money import Money
from openbpo.values.shares import percent_text

SHARE_DECIMALS: tuple[int | None, ...] = (0, 1, 2, None)
MOST_TAX_HALVES = 100
"""Tax rates are tried in steps of half a per cent up to 50 %."""


class SumsCompared(MeasuresCompared):
    """Compares the sums; another count of a measure may be what gave its credits."""

    def _fees(self) -> None:
        lines = [line for line in self.books.lines if not line.key.endswith("/difference")]
        exact = self.books.sums.fees
        told = self.report.sums.get("fees")
        if told is not None and told != exact:
            for line in lines:
                if told + line.amount == exact:
                    self._add_sum("fees", (Cause.UNEXPLAINED, f"as without {line.text}"), told)
                    return
        self._sum("fees", self.minor * max(1, len(lines)))

    def _sum(self, name: str, below: Money) -> None:
        """Compare a sum with what it is the sum of."""
        told = self.report.sums.get(name)
        if told is None:
            if not self._is_nothing(name):
                self.not_told.append(name)
            return
        off = told - getattr(self.books.sums, name)
        if off.exact:
            is_rounding = max(off, -off) < below
            why = "the lines are rounded otherwise in the sum" if is_rounding else ""
            self._add_sum(name, (Cause.ROUNDING if is_rounding else Cause.UNEXPLAINED, why), told)

    def _is_nothing(self, name: str) -> bool:
        return not getattr(self.books.sums, name).exact

    def _add_sum(self, name: str, explained: Explained, told: Money) -> None:
        expected: Money = getattr(self.books.sums, name)
        effect = Effect(sums={name: told - expected})
        self.add(explained, name, money_text(told), money_text(expected), effect)

    def _credits(self) -> None:
        told = self.report.sums.get("credits")
        if told is None:
            if not self._is_nothing("credits"):
                self.not_told.append("credits")
            return
        if told == self.books.sums.credits:
            return
        if self._credits_by_another_count(told):
            return
        self._add_sum("credits", self._why_credits(told), told)

    def _credits_by_another_count(self, told: Money) -> bool:
        """Try each measure of which nothing else is told, counted in another way."""
        for result in self.recomputed.results:
            name = result.measure.id
            if name in self.report.measures or name in self.report.measured:
                continue
            before = self.books.tallies[name]
            for explained, pair in self._other_tallies(result):
                effect = tally_effect(before, *pair)
                whole = together((self._effect, effect))
                if books(self.agreement, self.ours, whole).sums.credits == told:
                    reported, expected = money_text(told), money_text(self.books.sums.credits)
                    why = f"{name} {explained[1]}"
                    self.add((explained[0], why), "credits", reported, expected, effect)
                    return True
        return False

    def _why_credits(self, told: Money) -> Explained:
        found, regime = self.books.consequences, self.agreement.regime
        if found.is_capped and told == self._credits_at(found.rates_added):
            return Cause.RATE, "as without the cap"
        for decimals, other in self._regimes_rounded():
            judged = consequences(self.books.tallies.values(), other)
            line = credit_line(judged, self.books.credit_base, other.credit, self.rounding)
            if told == (line.amount if line else self.zero):
                how = "exactly" if decimals is None else f"at {decimals} decimals of a per cent"
                return Cause.ROUNDING, f"as with shares compared {how}"
        exact = self.books.credit_base * found.credit_rate
        rates = {level.credit_rate for one in regime.service_levels for level in one.levels}
        for rate_ in sorted(rates - {found.credit_rate}):
            if told == self._credits_at(rate_):
                why = f"as at a rate of {percent_text(rate_)}"
                return self._rounding(told, exact) or (Cause.UNEXPLAINED, why)
        return self._rounding(told, exact) or (Cause.UNEXPLAINED, "")

    def _credits_at(self, rate_: Fraction) -> Money:
        return (self.books.credit_base * rate_).rounded(self.rounding)

    def _regimes_rounded(self) -> Iterator[tuple[int | None, Regime]]:
        """Yield the regime with the shares of one measure, or of all, rounded in another way."""
        regime = self.agreement.regime
        every = tuple(range(len(regime.service_levels)))
        for decimals in SHARE_DECIMALS:
            for changed in (every, *((one,) for one in every)):
                levels = tuple(
                    replace(level, compare_decimals=decimals) if at in changed else level
                    for at, level in enumerate(regime.service_levels)
                )
                yield decimals, replace(regime, service_levels=levels)

    def _tax(self) -> None:
        told = self.report.sums.get("tax")
        if told is None:
            if not self._is_nothing("tax"):
                self.not_told.append("tax")
            return
        if told != self.books.sums.tax:
            self._add_sum("tax", self._why_tax(told), told)

    def _why_tax(self, told: Money) -> Explained:
        net, tax = self.books.sums.net, self.agreement.charges.tax
        if tax is not None and told == (self.books.sums.fees * tax.rate).rounded(self.rounding):
            return Cause.RATE, "as on the fees before credits"
        if net.exact:
            for halves in range(MOST_TAX_HALVES + 1):
                rate_ = Fraction(halves, 200)
                if told == (net * rate_).rounded(self.rounding):
                    return Cause.RATE, f"as at {percent_text(rate_)}"
        return self._rounding(told, self.books.tax_exact) or (Cause.UNEXPLAINED, "")
