"""The quantities, prices and amounts of each charge, as a report tells them. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from openbpo.agreements.model import Charge, Tier
from openbpo.billing.rating.decisions import rate, units_in
from openbpo.evidence.reconciling.comparison import NONE, Comparison, decimals_of, money_text
from openbpo.evidence.reconciling.model import Cause, Effect, ToldLine
from openbpo.values.currencies import minor_digits
from openbpo.values.money import Money, Rounding, round_fraction


class ChargesCompared(Comparison):
    """Compares what a report tells of charges and minimums."""

    def _charge(self, charge: Charge, ours: frozenset[str]) -> None:
        tiers = {
            tier: self.report.lines[key]
            for tier in charge.tiers
            if (key := f"{charge.id}/{tier.start}") in self.report.lines
        }
        whole = self.report.lines.get(charge.id)
        told = self.report.charged.get(charge.id, frozenset())
        quantity = _quantity(whole, tiers)
        if told or quantity == 0:
            self._charged_cases(charge, ours, told)
        if whole is None and not tiers and not told:
            self.not_told.append(charge.id)
        if quantity is not None:
            self._units(charge, quantity, is_told=bool(told))
        if len(charge.tiers) == 1 and whole is not None:
            tiers, whole = {charge.tiers[0]: whole}, None
        self._prices(charge, tiers)
        self._split(charge, tiers)
        for tier, line in tiers.items():
            self._tier_amount(charge, tier, line)
        if whole is not None:
            self._whole_amount(charge, whole)

    def _charged_cases(self, charge: Charge, ours: frozenset[str], told: frozenset[str]) -> None:
        for key in sorted(ours ^ told):
            if key in ours:
                missing = Cause.MISSING_CASE, "the record charges it here"
                self.add(missing, charge.id, NONE, "charged", Effect(units={charge.id: -1}), key)
            else:
                name = self.recomputed.work.period.name
                extra = Cause.EXTRA_CASE, f"the record does not charge it in {name}"
                self.add(extra, charge.id, "charged", NONE, Effect(units={charge.id: 1}), key)

    def _units(self, charge: Charge, quantity: int, *, is_told: bool) -> None:
        expected = self.books.units[charge.id]
        if quantity == expected:
            return
        explained = Cause.UNEXPLAINED, ""
        if not is_told and quantity == self.other_ways.units_by_other_moment(charge):
            which = self.agreement.services[charge.service].moments[charge.moment].which
            other = "first" if which == "last" else "last"
            explained = Cause.REOPENING, f"as charged at the {other}, not the {which}"
        effect = Effect(units={charge.id: quantity - expected})
        self.add(explained, charge.id, f"{quantity:,} units", f"{expected:,} units", effect)

    def _prices(self, charge: Charge, tiers: Mapping[Tier, ToldLine]) -> None:
        for tier, line in tiers.items():
            units = self._told_units(charge, tier, line)
            each = line.each
            if each is None and line.amount is not None and units:
                each = self._implied_price(tier, units, line.amount)
            if each is not None and each != tier.each:
                key = f"{charge.id}/{tier.start}"
                why = f"{units:,} units at another price"
                self.add((Cause.RATE, why), key, f"{money_text(each)} each",
                         f"{money_text(tier.each)} each", Effect(prices={key: each}))  # fmt: skip

    def _told_units(self, charge: Charge, tier: Tier, line: ToldLine) -> int:
        expected = units_in(tier, self.books.units[charge.id])
        return expected if line.quantity is None else line.quantity

    def _implied_price(self, tier: Tier, units: int, amount: Money) -> Money | None:
        """Return the price that an amount is made of, if it is written with as many decimals."""
        exact = Money(amount.exact / units, self.currency)
        decimals = max(decimals_of(tier.each.exact), minor_digits(self.currency))
        if exact.exact <= 0 or round_fraction(exact.exact, decimals, Rounding.DOWN) != exact.exact:
            return None
        return exact if exact != tier.each else None

    def _split(self, charge: Charge, tiers: Mapping[Tier, ToldLine]) -> None:
        """Compare how the units stand in the tiers, once their sum is the same."""
        if len(charge.tiers) == 1 or not tiers or any(t.quantity is None for t in tiers.values()):
            return
        total = self.books.units[charge.id]
        told = {tier: _units_of(tiers.get(tier)) for tier in charge.tiers}
        agreed = {tier: units_in(tier, total) for tier in charge.tiers}
        if told == agreed:
            return
        amount = self.zero
        for tier in charge.tiers:
            each = self._each(charge, tier)
            amount += (each * told[tier]).rounded(self.rounding)
            amount -= (each * agreed[tier]).rounded(self.rounding)
        shown, recomputed = (
            " + ".join(f"{units:,}" for units in part.values()) for part in (told, agreed)
        )
        self.add((Cause.RATE, "the units stand in other tiers"), charge.id, shown, recomputed,
                 Effect(amounts={charge.id: amount}))  # fmt: skip

    def _each(self, charge: Charge, tier: Tier) -> Money:
        return self._effect.prices.get(f"{charge.id}/{tier.start}", tier.each)

    def _tier_amount(self, charge: Charge, tier: Tier, line: ToldLine) -> None:
        if line.amount is None:
            return
        exact = self._each(charge, tier) * self._told_units(charge, tier, line)
        expected = exact.rounded(self.rounding)
        key = f"{charge.id}/{tier.start}" if len(charge.tiers) > 1 else charge.id
        self._amount(charge.id, key, line.amount, expected, exact, lines=1)

    def _whole_amount(self, charge: Charge, line: ToldLine) -> None:
        """Compare the amount of a charge of several tiers that is told in one line."""
        units = self.books.units[charge.id]
        at_each = (line.each * units).rounded(self.rounding) if line.each else None
        amount = line.amount if line.amount is not None else at_each
        if amount is None:
            return
        rated = rate(units, charge, self.rounding)
        expected = self.books.charged(charge.id)
        why = ""
        if at_each is not None and line.each is not None and amount == at_each:
            why = f"all {units:,} units at {money_text(line.each)}"
        elif line.each is None:
            prices = [tier.each for tier in charge.tiers]
            flat = (each for each in prices if (each * units).rounded(self.rounding) == amount)
            why = next((f"all {units:,} units at {money_text(each)}" for each in flat), "")
        if amount != expected and why:
            effect = Effect(amounts={charge.id: amount - expected})
            self.add((Cause.RATE, why), charge.id, money_text(amount), money_text(expected), effect)
            return
        exact = sum((one.exact for one in rated), self.zero)
        self._amount(charge.id, charge.id, amount, expected, exact, lines=len(rated))

    def _amount(
        self, line_id: str, figure: str, told: Money, expected: Money, exact: Money, *, lines: int
    ) -> None:
        if told == expected:
            return
        effect = Effect(amounts={line_id: told - expected})
        explained = self._rounding(told, exact, lines) or (Cause.UNEXPLAINED, "")
        self.add(explained, figure, money_text(told), money_text(expected), effect)

    def _minimum(self, minimum_id: str) -> None:
        told = self.report.lines.get(minimum_id)
        if told is None or told.amount is None:
            return
        expected = self.books.charged(minimum_id)
        self._amount(minimum_id, minimum_id, told.amount, expected, expected, lines=1)


def _quantity(whole: ToldLine | None, tiers: Mapping[Tier, ToldLine]) -> int | None:
    if whole is not None:
        return whole.quantity
    if not tiers or any(line.quantity is None for line in tiers.values()):
        return None
    return sum(_units_of(line) for line in tiers.values())


def _units_of(line: ToldLine | None) -> int:
    return (line.quantity or 0) if line is not None else 0
