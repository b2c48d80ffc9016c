"""Rating: a volume and its tiers make lines, pure. Worked by hand: docs/algorithms/rating.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from openbpo.agreements.model import Charge, Minimum, Tier
from openbpo.billing.rating.model import ChargeLine
from openbpo.values.money import Money, Rounding, sum_money


def rate(quantity: int, charge: Charge, rounding: Rounding) -> tuple[ChargeLine, ...]:
    """Return one line for each tier that is reached: each unit at its own tier's price."""
    assert quantity >= 0, quantity
    return tuple(
        _tier_line(charge, tier, units, rounding)
        for tier in charge.tiers
        if (units := units_in(tier, quantity)) > 0
    )


def units_in(tier: Tier, quantity: int) -> int:
    """Return how many of the units 1..quantity fall in a tier."""
    end = quantity if tier.end is None else min(quantity, tier.end)
    return max(0, end - tier.start + 1)


def _tier_line(charge: Charge, tier: Tier, units: int, rounding: Rounding) -> ChargeLine:
    exact = tier.each * units
    return ChargeLine(
        key=f"{charge.id}/{tier.start}",
        id=charge.id,
        clause=charge.clause,
        text=f"{charge.id}, {tier_words(tier, charge.tiers)}",
        quantity=units,
        each=tier.each,
        exact=exact,
        amount=exact.rounded(rounding),
    )


def tier_words(tier: Tier, tiers: Sequence[Tier]) -> str:
    """Return which units a tier holds, in words."""
    if len(tiers) == 1:
        return "each"
    if tier.end is None:
        return f"beyond {tier.start - 1}"
    return f"units {tier.start} to {tier.end}"


def top_up(minimum: Minimum, lines: Iterable[ChargeLine], rounding: Rounding) -> ChargeLine | None:
    """Return the line that makes up what the charges lack of their minimum, None if nothing."""
    charged = sum_money(
        (line.amount for line in lines if line.id in minimum.of), minimum.at_least.currency
    )
    lacking = minimum.at_least - charged
    if lacking <= Money.zero(lacking.currency):
        return None
    return ChargeLine(
        key=f"{minimum.id}/minimum",
        id=minimum.id,
        clause=minimum.clause,
        text=f"{minimum.id}: {charged} charged, {minimum.at_least} due",
        quantity=None,
        each=None,
        exact=lacking,
        amount=lacking.rounded(rounding),
    )
