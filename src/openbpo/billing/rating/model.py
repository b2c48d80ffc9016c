"""Charge lines."""

from __future__ import annotations

from dataclasses import dataclass

from openbpo.values.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeLine:
    """`quantity` units at `each`; `amount` is the product, rounded once by the agreement's rule."""

    key: str
    """What it is within its invoice: the charge and the tier's first unit, or the minimum."""
    id: str
    clause: str | None
    text: str
    quantity: int | None
    each: Money | None
    exact: Money
    amount: Money
