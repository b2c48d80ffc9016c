"""The invoice of a period of work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from openbpo.agreements.regimes.decisions import consequences
from openbpo.assurance.attainment.model import CountResult, Result
from openbpo.assurance.attainment.periods import PeriodOfWork
from openbpo.billing.invoicing.decisions import credit_line, invoice, sum_base
from openbpo.billing.invoicing.model import Invoice
from openbpo.billing.metering.decisions import meter
from openbpo.values.money import Money
from openbpo.values.refusals import Refusal


def invoice_of(work: PeriodOfWork, results: Sequence[Result]) -> Invoice:
    """Return what a period's work costs by the terms that govern it, given its results."""
    agreement = work.terms.agreement
    refuse_unknown_moments(work)
    cases = tuple(work.all_cases)
    return invoice(
        work.period,
        [meter(charge, cases, work.period) for charge in agreement.charges.charges],
        consequences((result.tally for result in results), agreement.regime),
        charges=agreement.charges,
        credit=agreement.regime.credit,
        currency=agreement.currency,
    )


def credits_by_formula(
    work: PeriodOfWork, results: Sequence[Result], invoice: Invoice, counted: CountResult
) -> Mapping[str, Money]:
    """
    Return what the period's credits would come to if each formula of a measure were the agreed one.

    All else stays as it is: the same cases, levels and fees, the other measures and the cap.
    """
    agreement = work.terms.agreement
    terms, charges = agreement.regime.credit, agreement.charges
    base = sum_base(invoice.lines, charges.bases[terms.base], agreement.currency)
    others = [result.tally for result in results if result.measure.id != counted.measure.id]
    found = {}
    for formula in counted.measure.formulas:
        judged = consequences([*others, counted.tally_by(formula)], agreement.regime)
        line = credit_line(judged, base, terms, charges.rounding)
        found[formula] = line.amount if line is not None else Money.zero(agreement.currency)
    return found


def refuse_unknown_moments(work: PeriodOfWork) -> None:
    """Raise Refusal where a case began under a version that does not know a charge's moment."""
    for terms, cases in work.cases:
        for charge in work.terms.agreement.charges.charges:
            service = terms.agreement.services.get(charge.service)
            if cases and (service is None or charge.moment not in service.moments):
                raise Refusal.of(
                    charge.id,
                    f"{cases[0].key} began under version {terms.agreement.version}, which does not "
                    f"know the moment {charge.moment!r} of {charge.service!r}.",
                    "Let the new version keep the names of services and moments.",
                )
