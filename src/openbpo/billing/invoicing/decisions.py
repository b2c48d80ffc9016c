"""Invoicing: volumes and consequences in, lines and sums out, pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from openbpo.agreements.model import Charges, CreditTerms, Tax
from openbpo.agreements.regimes.model import Consequences
from openbpo.billing.invoicing.model import Charged, CreditLine, Metered, MeteredT, TaxLine
from openbpo.billing.rating.decisions import rate, top_up
from openbpo.billing.rating.model import ChargeLine
from openbpo.values.money import Money, Rounding, sum_money
from openbpo.values.periods import Period


def invoice(
    period: Period,
    volumes: Sequence[MeteredT],
    consequences: Consequences,
    *,
    charges: Charges,
    credit: CreditTerms,
    currency: str,
) -> Charged[MeteredT]:
    """
    Return the invoice of a period.

    Lines are rounded once each, sums are sums of rounded lines: what is printed adds up.
    """
    lines = charge_lines(volumes, charges)
    fees = sum_money((line.amount for line in lines), currency)
    base = sum_base(lines, charges.bases[credit.base], currency)
    line = credit_line(consequences, base, credit, charges.rounding)
    credits_ = line.amount if line else Money.zero(currency)
    tax_line = _tax_line(charges.tax, fees - credits_, charges.rounding)
    tax = tax_line.amount if tax_line else Money.zero(currency)
    return Charged(
        period=period,
        volumes=tuple(volumes),
        lines=lines,
        consequences=consequences,
        fees=fees,
        credit=line,
        credits=credits_,
        net=fees - credits_,
        tax_line=tax_line,
        tax=tax,
        total=fees - credits_ + tax,
    )


def charge_lines(volumes: Iterable[Metered], charges: Charges) -> tuple[ChargeLine, ...]:
    """Return the lines of all charges, and after them what the minimums lack."""
    rated = tuple(
        line
        for volume in volumes
        for line in rate(volume.quantity, volume.charge, charges.rounding)
    )
    shortfalls = (top_up(minimum, rated, charges.rounding) for minimum in charges.minimums)
    return rated + tuple(line for line in shortfalls if line is not None)


def sum_base(lines: Iterable[ChargeLine], of: Sequence[str], currency: str) -> Money:
    """Return the sum of the lines that a charge base names."""
    return sum_money((line.amount for line in lines if line.id in of), currency)


def credit_line(
    consequences: Consequences, base: Money, terms: CreditTerms, rounding: Rounding
) -> CreditLine | None:
    """
    Return what the consequences take off, None if nothing.

    The credit's positive amount is rounded; it then stands on the invoice as a deduction.
    """
    if consequences.credit_rate == 0:
        return None
    exact = base * consequences.credit_rate
    return CreditLine(
        clause=terms.clause,
        rate=consequences.credit_rate,
        base=base,
        exact=exact,
        amount=exact.rounded(rounding),
    )


def _tax_line(tax: Tax | None, base: Money, rounding: Rounding) -> TaxLine | None:
    if tax is None:
        return None
    exact = base * tax.rate
    return TaxLine(
        id=tax.id,
        clause=tax.clause,
        name=tax.name,
        rate=tax.rate,
        base=base,
        exact=exact,
        amount=exact.rounded(rounding),
    )
