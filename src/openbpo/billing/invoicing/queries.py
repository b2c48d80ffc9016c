"""The invoice of a period of work."""

from __future__ import annotations

from collections.abc import Sequence

from openbpo.agreements.regimes.decisions import consequences
from openbpo.assurance.attainment.model import Result
from openbpo.assurance.attainment.queries import PeriodOfWork
from openbpo.billing.invoicing.decisions import invoice
from openbpo.billing.invoicing.model import Invoice
from openbpo.billing.metering.decisions import meter


def invoice_of(work: PeriodOfWork, results: Sequence[Result]) -> Invoice:
    """Return what a period's work costs by the terms that govern it, given its results."""
    agreement = work.terms.agreement
    cases = tuple(work.all_cases)
    return invoice(
        work.period,
        [meter(charge, cases, work.period) for charge in agreement.charges.charges],
        consequences((result.tally for result in results), agreement.regime),
        charges=agreement.charges,
        credit=agreement.regime.credit,
        currency=agreement.currency,
    )
