"""The invoice of a period of work."""

from __future__ import annotations

from collections.abc import Sequence

from openbpo.agreements.regimes.decisions import consequences
from openbpo.assurance.attainment.model import Result
from openbpo.assurance.attainment.queries import PeriodOfWork
from openbpo.billing.invoicing.decisions import invoice
from openbpo.billing.invoicing.model import Invoice
from openbpo.billing.metering.decisions import meter
from openbpo.values.refusals import Refusal


def invoice_of(work: PeriodOfWork, results: Sequence[Result]) -> Invoice:
    """Return what a period's work costs by the terms that govern it, given its results."""
    agreement = work.terms.agreement
    _refuse_unknown_moments(work)
    cases = tuple(work.all_cases)
    return invoice(
        work.period,
        [meter(charge, cases, work.period) for charge in agreement.charges.charges],
        consequences((result.tally for result in results), agreement.regime),
        charges=agreement.charges,
        credit=agreement.regime.credit,
        currency=agreement.currency,
    )


def _refuse_unknown_moments(work: PeriodOfWork) -> None:
    """A case keeps the version under which it began; a charge must find its moment there."""
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
