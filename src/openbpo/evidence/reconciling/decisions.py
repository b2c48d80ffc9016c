"""
A report against the recomputed figures: every difference, where it was made, and why. Pure.

The figures are gone through from the cases up to the total, each stage with the differences found
so far in it. So a difference is listed once, in the figure in which it was made; what follows from
it further on is no difference any more. A cause is named only where it gives exactly what the
report says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from openbpo.agreements.model import Charge, ClockMeasure, Regime, Tier
from openbpo.agreements.regimes.decisions import consequences
from openbpo.agreements.regimes.model import Tally
from openbpo.assurance.attainment.model import ClockResult, Result
from openbpo.billing.closing.model import Sums
from openbpo.billing.invoicing.decisions import credit_line
from openbpo.billing.rating.decisions import rate, units_in
from openbpo.evidence.reconciling.alternatives import (
    COMPLETED_OF_RECEIVED,
    Alternatives,
    Counted,
    placed,
)
from openbpo.evidence.reconciling.model import (
    Cause,
    Difference,
    Effect,
    Priced,
    Reckoned,
    Recomputed,
    Reconciliation,
    Report,
    ToldCase,
    ToldLine,
    ToldMeasure,
    ToldShare,
)
from openbpo.evidence.reconciling.reckoning import Books, books, together, without
from openbpo.values.currencies import minor_digits
from openbpo.values.durations import HOUR_US, MINUTE_US, SECOND_US, duration_text
from openbpo.values.money import Money, Rounding, round_fraction
from openbpo.values.shares import decimal_text, is_finite_decimal, percent_text

NONE = "–"
COMMON_STEPS_US = (SECOND_US, MINUTE_US, 15 * MINUTE_US, HOUR_US)
SHARE_DECIMALS: tuple[int | None, ...] = (0, 1, 2, None)
MOST_TAX_HALVES = 100
"""Tax rates are tried in steps of half a per cent up to 50 %."""

Explained = tuple[Cause, str]
Placed = Mapping[str, tuple[bool, bool]]
"""Which cases stand (below, above) the line."""
Fits = Callable[[tuple[int, int]], bool]
"""Tells whether a numerator and a denominator are those that the report tells."""


def reconcile(recomputed: Recomputed, report: Report) -> Reconciliation:
    """Return every difference between a report of a period and its recomputed figures."""
    found = _Comparison(recomputed, report)
    found.compare()
    whole = together(difference.effect for difference in found.differences)
    agreement, ours = recomputed.terms.agreement, recomputed.sums
    theirs = books(agreement, ours, whole).sums
    own = books(agreement, ours, Effect()).sums
    priced = tuple(
        Priced(one, theirs.minus(books(agreement, ours, without(whole, one.effect)).sums))
        for one in found.differences
    )
    alone = Reckoned.nothing(agreement.currency)
    for one in priced:
        alone = alone.plus(one.money)
    return Reconciliation(
        differences=priced,
        reported=theirs,
        recomputed=own,
        interaction=theirs.minus(own).minus(alone),
        not_told=tuple(found.not_told),
    )


@dataclass
class _Comparison:
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
        cause, why = explained
        self.differences.append(
            Difference(
                cause=cause, figure=figure, cases=cases, reported=reported,
                recomputed=recomputed, why=why, effect=effect,
            )
        )  # fmt: skip
        self._effect = together((self._effect, effect))
        self._books = None

    def compare(self) -> None:
        """Go through all figures, from the cases to the total."""
        for result in self.recomputed.results:
            self._measure(result)
        for volume in self.recomputed.volumes:
            self._charge(volume.charge, frozenset(case.key for case in volume.cases))
        for minimum in self.agreement.charges.minimums:
            self._minimum(minimum.id)
        for text, amount in self.report.others.items():
            effect = Effect(sums={"fees": amount})
            why = "the agreement has no such line"
            self.add((Cause.UNEXPLAINED, why), text, _money(amount), NONE, effect)
        self._fees()
        self._credits()
        self._sum("net", self.minor)
        self._tax()
        self._sum("total", self.minor)

    # measures

    def _measure(self, result: Result) -> None:
        name = result.measure.id
        told = self.report.measured.get(name, {})
        figure = self.report.measures.get(name)
        if told or (figure is not None and figure.denominator == 0):
            self._cases(result, told)
        elif figure is None:
            self.not_told.append(name)
        if figure is not None:
            self._figure(result, figure)

    def _cases(self, result: Result, told: Mapping[str, ToldCase]) -> None:
        name = result.measure.id
        ours = self.other_ways.counted(result)
        for key in sorted({*ours, *told}):
            mine, its = ours.get(key), told.get(key)
            if its is None:
                assert mine is not None, "it is in one of the two"
                effect = Effect(tallies={name: (-mine.is_within, -1)})
                why = "the record counts it here"
                self.add((Cause.MISSING_CASE, why), name, NONE, _case(mine), effect, key)
            elif mine is None:
                effect = Effect(tallies={name: (its.within, 1)})
                self.add((Cause.EXTRA_CASE, self._why_extra(result, key)), name, _told(its), NONE,
                         effect, key)  # fmt: skip
            elif not _same(mine, its):
                explained = self._why_case(result, mine, its)
                effect = Effect(tallies={name: (its.within - mine.is_within, 0)})
                self.add(explained, name, _told(its), _case(mine), effect, key)

    def _why_extra(self, result: Result, key: str) -> str:
        for name, places in self._formulas(result).items():
            if places.get(key, (False, False))[0]:
                return f"the record counts it only by the formula {name}"
        return f"the record does not count it in {result.period.name}"

    def _why_case(self, result: Result, mine: Counted, its: ToldCase) -> Explained:
        if mine.measured is None or not isinstance(result, ClockResult):
            for name, places in self._formulas(result).items():
                if places.get(mine.case.key) == (True, its.within):
                    return Cause.FORMULA, f"as counted by the formula: {name}"
            return Cause.UNEXPLAINED, ""
        for way in self.other_ways.ways(result.measure):
            found = self.other_ways.case_by(way, mine, result.measure.id)
            if found is not None and _fits(found.elapsed.counted_us, found.is_within, its):
                return way.cause, way.why
        step_us = _rounded_to(mine.measured.elapsed.counted_us, mine.measured.within_us, its)
        if step_us is not None:
            return Cause.ROUNDING, f"as rounded to {duration_text(step_us)} before it is compared"
        return Cause.UNEXPLAINED, ""

    def _figure(self, result: Result, told: ToldMeasure) -> None:
        name = result.measure.id
        expected = self.books.tallies[name]
        numerator = expected.numerator if told.numerator is None else told.numerator
        denominator = expected.denominator if told.denominator is None else told.denominator
        if (numerator, denominator) != (expected.numerator, expected.denominator):
            effect = _tally_effect(expected, numerator, denominator)
            explained = self._why_tally(result, lambda pair: pair == (numerator, denominator))
            self.add(
                explained or (Cause.UNEXPLAINED, ""), name, f"{numerator:,} of {denominator:,}",
                _tally_text(expected), effect,
            )  # fmt: skip
        if told.share is not None:
            self._share(result, told.share)

    def _share(self, result: Result, told: ToldShare) -> None:
        name = result.measure.id
        expected = self.books.tallies[name]
        exact = Fraction(expected.numerator, expected.denominator) if expected.denominator else None
        if exact is not None and told.fits(exact):
            return
        found: list[tuple[int, int]] = []

        def fits(pair: tuple[int, int]) -> bool:
            if pair[1] and told.fits(Fraction(*pair)):
                found.append(pair)
            return bool(found)

        explained = self._why_tally(result, fits)
        effect = Effect()
        if explained is not None:
            effect = _tally_effect(expected, *found[0])
        elif exact is not None and abs(told.share - exact) < told.step:
            explained = Cause.ROUNDING, "rounded the other way"
        else:
            explained = Cause.UNEXPLAINED, ""
            effect = _tally_effect(expected, *self._scaled(told.share, expected))
        recomputed = f"{_percent(exact)}, {_tally_text(expected)}" if exact is not None else NONE
        self.add(explained, name, _percent(told.share), recomputed, effect)

    def _scaled(self, share: Fraction, near: Tally) -> tuple[int, int]:
        """Return counts that make exactly this share, as much or as little a volume as before."""
        below = max(
            (
                level.low_volume_below
                for level in self.agreement.regime.service_levels
                if level.measure == near.measure
            ),
            default=0,
        )
        if near.denominator < below:
            return round(share * near.denominator), near.denominator
        times = -(-max(near.denominator, 1) // share.denominator)
        return share.numerator * times, share.denominator * times

    def _why_tally(self, result: Result, fits: Fits) -> Explained | None:
        return next((why for why, pair in self._other_tallies(result) if fits(pair)), None)

    def _other_tallies(self, result: Result) -> Iterator[tuple[Explained, tuple[int, int]]]:
        """Yield what a measure comes to when it is counted in another way, and in which."""
        name = result.measure.id
        told = self.report.measured.get(name, {})
        expected = self.books.tallies[name]
        for formula, places in self._formulas(result).items():
            explained = Cause.FORMULA, f"as counted by the formula: {formula}"
            pair = placed(places.values())
            yield explained, pair
            if told:
                yield explained, placed(self._with_told(result, places, told))
            if formula == "of received" and isinstance(result, ClockResult):
                both = Cause.FORMULA, f"as counted by the formula: {COMPLETED_OF_RECEIVED}"
                yield both, (expected.numerator, pair[1])
        if told or not isinstance(result.measure, ClockMeasure):
            return  # each case says itself how it was counted
        for way in self.other_ways.ways(result.measure):
            yield (way.cause, way.why), self.other_ways.tally_by(way, name)

    def _with_told(
        self, result: Result, places: Placed, told: Mapping[str, ToldCase]
    ) -> Iterator[tuple[bool, bool]]:
        """Yield where each case stands, the cases as the report tells them."""
        ours = self.other_ways.counted(result)
        for key, (is_below, is_above) in places.items():
            if key in told:
                same = key in ours and ours[key].is_within == told[key].within
                yield is_below, is_above if same or not is_below else told[key].within
            elif key not in ours:
                yield is_below, is_above
        yield from ((True, its.within) for key, its in told.items() if key not in places
                    and key not in ours)  # fmt: skip

    def _formulas(self, result: Result) -> dict[str, Placed]:
        name = result.measure.id
        if name not in self._formulas_of:
            self._formulas_of[name] = self.other_ways.formulas(result)
        return self._formulas_of[name]

    # charges

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
                self.add((Cause.RATE, why), key, f"{_money(each)} each",
                         f"{_money(tier.each)} each", Effect(prices={key: each}))  # fmt: skip

    def _told_units(self, charge: Charge, tier: Tier, line: ToldLine) -> int:
        expected = units_in(tier, self.books.units[charge.id])
        return expected if line.quantity is None else line.quantity

    def _implied_price(self, tier: Tier, units: int, amount: Money) -> Money | None:
        """Return the price that an amount is made of, if it is written with as many decimals."""
        exact = Money(amount.exact / units, self.currency)
        decimals = max(_decimals(tier.each.exact), minor_digits(self.currency))
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
            why = f"all {units:,} units at {_money(line.each)}"
        elif line.each is None:
            prices = [tier.each for tier in charge.tiers]
            flat = (each for each in prices if (each * units).rounded(self.rounding) == amount)
            why = next((f"all {units:,} units at {_money(each)}" for each in flat), "")
        if amount != expected and why:
            effect = Effect(amounts={charge.id: amount - expected})
            self.add((Cause.RATE, why), charge.id, _money(amount), _money(expected), effect)
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
        self.add(explained, figure, _money(told), _money(expected), effect)

    def _rounding(self, told: Money, exact: Money, lines: int = 1) -> Explained | None:
        """Tell whether an amount is off by less than one minor unit a line."""
        off = told - exact
        if max(off, -off) < self.minor * max(lines, 1):
            return Cause.ROUNDING, f"{_money(exact)} before rounding"
        return None

    def _minimum(self, minimum_id: str) -> None:
        told = self.report.lines.get(minimum_id)
        if told is None or told.amount is None:
            return
        expected = self.books.charged(minimum_id)
        self._amount(minimum_id, minimum_id, told.amount, expected, expected, lines=1)

    # sums

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
        self.add(explained, name, _money(told), _money(expected), effect)

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
                effect = _tally_effect(before, *pair)
                whole = together((self._effect, effect))
                if books(self.agreement, self.ours, whole).sums.credits == told:
                    reported, expected = _money(told), _money(self.books.sums.credits)
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


def _same(mine: Counted, its: ToldCase) -> bool:
    if mine.is_within != its.within:
        return False
    return (
        mine.measured is None
        or its.counted is None
        or its.counted.fits(mine.measured.elapsed.counted_us)
    )


def _fits(counted_us: int, is_within: bool, its: ToldCase) -> bool:  # noqa: FBT001
    return is_within == its.within and (its.counted is None or its.counted.fits(counted_us))


def _rounded_to(counted_us: int, within_us: int, its: ToldCase) -> int | None:
    """Return to which step a time was rounded to give what is told, None if to none."""
    if its.counted is not None and its.counted.fits(counted_us):
        if its.within == (its.counted.told_us <= within_us):
            return round(its.counted.step_us)
        return None
    for step_us in COMMON_STEPS_US:
        for rounding in (Rounding.HALF_UP, Rounding.DOWN, Rounding.UP):
            rounded = round_fraction(Fraction(counted_us, step_us), 0, rounding) * step_us
            is_told = its.counted is None or its.counted.told_us == rounded
            if is_told and its.within == (rounded <= within_us):
                return step_us
    return None


def _tally_effect(before: Tally, numerator: int, denominator: int) -> Effect:
    change = numerator - before.numerator, denominator - before.denominator
    return Effect(tallies={before.measure: change})


def _quantity(whole: ToldLine | None, tiers: Mapping[Tier, ToldLine]) -> int | None:
    if whole is not None:
        return whole.quantity
    if not tiers or any(line.quantity is None for line in tiers.values()):
        return None
    return sum(_units_of(line) for line in tiers.values())


def _units_of(line: ToldLine | None) -> int:
    return (line.quantity or 0) if line is not None else 0


def _decimals(value: Fraction) -> int:
    return len(decimal_text(value, 0).partition(".")[2])


def _case(mine: Counted) -> str:
    within = _yes(mine.is_within)
    if mine.measured is None:
        return within
    return f"{within}, {duration_text(mine.measured.elapsed.counted_us)}"


def _told(its: ToldCase) -> str:
    if its.counted is None:
        return _yes(its.within)
    return f"{_yes(its.within)}, {duration_text(round(its.counted.told_us))}"


def _yes(within: bool) -> str:  # noqa: FBT001
    return "yes" if within else "no"


def _tally_text(tally: Tally) -> str:
    return f"{tally.numerator:,} of {tally.denominator:,}"


def _percent(share: Fraction) -> str:
    if is_finite_decimal(share) and _decimals(share) <= 6:
        return percent_text(share)
    return f"{decimal_text(round_fraction(share * 100, 4, Rounding.HALF_UP))} %"


def _money(money: Money) -> str:
    return str(money).rsplit(" ", 1)[0]


def needs_earlier(recomputed: Recomputed, found: Reconciliation) -> bool:
    """Tell whether cases of earlier months could explain what the period's own did not."""
    clocks = {one.measure.id for one in recomputed.results if isinstance(one, ClockResult)}
    return any(
        one.difference.cause is Cause.UNEXPLAINED
        and not one.difference.cases
        and one.difference.figure in (*clocks, "credits")
        for one in found.differences
    )
