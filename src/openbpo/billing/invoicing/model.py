"""The invoice of a period, as the agreement computes it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from openbpo.agreements.regimes.model import Consequences
from openbpo.billing.metering.model import Volume
from openbpo.billing.rating.model import ChargeLine
from openbpo.values.money import Money
from openbpo.values.periods import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditLine:
    """The service credit: a rate of a charge base, rounded once. The amount is positive."""

    clause: str | None
    rate: Fraction
    base: Money
    exact: Money
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxLine:
    """A tax on the fees less the credit, rounded once."""

    id: str
    clause: str | None
    name: str
    rate: Fraction
    base: Money
    exact: Money
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """What a period costs: net = fees - credits, total = net + tax."""

    period: Period
    volumes: tuple[Volume, ...]
    lines: tuple[ChargeLine, ...]
    consequences: Consequences
    fees: Money
    credit: CreditLine | None
    credits: Money
    net: Money
    tax_line: TaxLine | None
    tax: Money
    total: Money
