"""The invoice of a period, as the agreement computes it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, Protocol, TypeAlias, TypeVar

from openbpo.agreements.model import Charge
from openbpo.agreements.regimes.model import Consequences
from openbpo.billing.metering.model import Volume
from openbpo.billing.rating.model import ChargeLine
from openbpo.values.money import Money
from openbpo.values.periods import Period


class Metered(Protocol):
    """How many units a charge counts."""

    @property
    def charge(self) -> Charge:
        """Return the charge."""

    @property
    def quantity(self) -> int:
        """Return how many units it counts."""


MeteredT = TypeVar("MeteredT", bound=Metered)


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
class Charged(Generic[MeteredT]):
    """What a period costs: net = fees - credits, total = net + tax."""

    period: Period
    volumes: tuple[MeteredT, ...]
    lines: tuple[ChargeLine, ...]
    consequences: Consequences
    fees: Money
    credit: CreditLine | None
    credits: Money
    net: Money
    tax_line: TaxLine | None
    tax: Money
    total: Money


Invoice: TypeAlias = Charged[Volume]
"""An invoice whose quantities open to their cases."""
