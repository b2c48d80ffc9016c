"""What a period comes to with some differences in it: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from openbpo.agreements.model import Agreement, Charge, Regime
from openbpo.agreements.regimes.decisions import consequences
from openbpo.agreements.regimes.model import Consequences, Tally
from openbpo.billing.closing.model import Sums
from openbpo.billing.invoicing.decisions import credit_line, sum_base
from openbpo.billing.rating.decisions import rate, top_up
from openbpo.billing.rating.model import ChargeLine
from openbpo.evidence.reconciling.model import Effect, Reckoned
from openbpo.values.money import Money, sum_money

K = TypeVar("K")


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """A period's figures in full: what its sums are made of."""

    tallies: Mapping[str, Tally]
    units: Mapping[str, int]
    lines: tuple[ChargeLine, ...]
    """Rated lines, what differences add to them, and what the minimums lack."""
    consequences: Consequences
    credit_base: Money
    tax_exact: Money
    sums: Reckoned

    def charged(self, line_id: str) -> Money:
        """Return what all lines of a charge or minimum come to."""
        currency = self.credit_base.currency
        return sum_money((line.amount for line in self.lines if line.id == line_id), currency)


def together(effects: Iterable[Effect]) -> Effect:
    """Return several effects as one."""
    tallies: dict[str, tuple[int, int]] = {}
    units: dict[str, int] = {}
    amounts: dict[str, Money] = {}
    sums: dict[str, Money] = {}
    prices: dict[str, Money] = {}
    for effect in effects:
        for name, pair in effect.tallies.items():
            before = tallies.get(name, (0, 0))
            tallies[name] = before[0] + pair[0], before[1] + pair[1]
        for name, number in effect.units.items():
            units[name] = units.get(name, 0) + number
        for found, told in ((amounts, effect.amounts), (sums, effect.sums)):
            for name, money in told.items():
                found[name] = found[name] + money if name in found else money
        prices.update(effect.prices)
    return Effect(tallies=tallies, units=units, amounts=amounts, sums=sums, prices=prices)


def without(whole: Effect, one: Effect) -> Effect:
    """Return all effects but one of those that they are made of."""
    undone = Effect(
        tallies={name: (-above, -below) for name, (above, below) in one.tallies.items()},
        units={name: -number for name, number in one.units.items()},
        amounts={name: -money for name, money in one.amounts.items()},
        sums={name: -money for name, money in one.sums.items()},
    )
    left = together((whole, undone))
    prices = {key: each for key, each in whole.prices.items() if key not in one.prices}
    return replace(left, prices=prices)


def books(agreement: Agreement, ours: Sums, effect: Effect, regime: Regime | None = None) -> Books:
    """
    Return what a period's sums come to with an effect in them, judged by the agreed regime.

    Each line is rounded as the agreement says; what an effect adds is added as it is.
    """
    charges, currency = agreement.charges, agreement.currency
    regime = regime or agreement.regime
    tallies = {name: _tally(name, ours, effect) for name in agreement.measures}
    units = {c.id: max(0, _at(ours.charges, c.id) + _at(effect.units, c.id)) for c in
             charges.charges}  # fmt: skip
    rated = tuple(
        line
        for charge in charges.charges
        for line in (
            *rate(units[charge.id], _priced(charge, effect), charges.rounding),
            *_added(charge.id, effect),
        )
    )
    lines = list(rated)
    for minimum in charges.minimums:
        shortfall = top_up(minimum, rated, charges.rounding)
        lines += ([shortfall] if shortfall else []) + [*_added(minimum.id, effect)]
    judged = consequences(tallies.values(), regime)
    base = sum_base(lines, charges.bases[regime.credit.base], currency)
    credit = credit_line(judged, base, regime.credit, charges.rounding)
    zero = Money.zero(currency)
    added = {name: effect.sums.get(name, zero) for name in ("fees", "credits", "net", "tax")}
    fees = sum_money((line.amount for line in lines), currency) + added["fees"]
    credits_ = (credit.amount if credit else zero) + added["credits"]
    net = fees - credits_ + added["net"]
    tax_exact = net * charges.tax.rate if charges.tax else zero
    tax = tax_exact.rounded(charges.rounding) + added["tax"]
    total = net + tax + effect.sums.get("total", zero)
    return Books(
        tallies=tallies,
        units=units,
        lines=tuple(lines),
        consequences=judged,
        credit_base=base,
        tax_exact=tax_exact,
        sums=Reckoned(fees=fees, credits=credits_, net=net, tax=tax, total=total),
    )


def _at(numbers: Mapping[str, int], name: str) -> int:
    return numbers.get(name, 0)


def _tally(name: str, ours: Sums, effect: Effect) -> Tally:
    """With one difference undone and another not, no share may leave 0 to 100 %."""
    numerator, denominator = ours.measures.get(name, (0, 0))
    above, below = effect.tallies.get(name, (0, 0))
    below = max(0, denominator + below)
    return Tally(name, min(max(0, numerator + above), below), below)


def _priced(charge: Charge, effect: Effect) -> Charge:
    tiers = tuple(
        replace(tier, each=effect.prices.get(f"{charge.id}/{tier.start}", tier.each))
        for tier in charge.tiers
    )
    return replace(charge, tiers=tiers)


def _added(line_id: str, effect: Effect) -> Iterable[ChargeLine]:
    amount = effect.amounts.get(line_id)
    if amount is not None and amount.exact:
        yield ChargeLine(
            key=f"{line_id}/difference",
            id=line_id,
            clause=None,
            text=line_id,
            quantity=None,
            each=None,
            exact=amount,
            amount=amount,
        )
