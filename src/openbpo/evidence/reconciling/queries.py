"""From the record to what a report is set against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from openbpo.agreements.model import ClockMeasure
from openbpo.agreements.versions.model import Terms
from openbpo.assurance.attainment.queries import PeriodOfWork, attain, work_of
from openbpo.billing.invoicing.queries import invoice_of
from openbpo.evidence.reconciling.model import Recomputed
from openbpo.storage.database import Transaction
from openbpo.values.ids import EngagementId
from openbpo.values.periods import calendar_month_of
from openbpo.values.refusals import Refusal
from openbpo.values.zones import OutsideResolved


def recomputed_of(
    tx: Transaction, engagement_id: EngagementId, all_terms: Sequence[Terms], name: str
) -> Recomputed:
    """Return a period's cases, results and volumes; raises Refusal where there is no such one."""
    work = work_of(tx, engagement_id, all_terms, name)
    results = attain(work)
    return Recomputed(work=work, results=results, volumes=invoice_of(work, results).volumes)


def with_earlier(
    tx: Transaction,
    engagement_id: EngagementId,
    all_terms: Sequence[Terms],
    recomputed: Recomputed,
) -> Recomputed:
    """
    Return this with the cases of the months in which a promise due in the period can have begun.

    The last event of such a case lies no further back than the longest promise, in working time.
    """
    period = recomputed.work.period
    known = {case.key for case in recomputed.work.all_cases}
    found: PeriodOfWork | None = None
    for name in _months_before(recomputed):
        try:
            work = work_of(tx, engagement_id, all_terms, name)
        except Refusal:  # the agreement has no such month
            break
        for terms, cases in work.cases:
            new = tuple(case for case in cases if case.key not in known)
            known.update(case.key for case in new)
            before = found.cases if found is not None else ()
            found = PeriodOfWork(period=period, terms=work.terms, cases=(*before, (terms, new)))
    return replace(recomputed, earlier=found)


def _months_before(recomputed: Recomputed) -> list[str]:
    """Return the months before a period, back to where the longest promise can have begun."""
    terms = recomputed.terms
    zone = terms.resolved.zones[terms.agreement.zone]
    start = recomputed.work.period.span.start
    names: list[str] = []
    for measure in terms.agreement.measures.values():
        if not isinstance(measure, ClockMeasure):
            continue
        calendar = terms.resolved.calendars[measure.clock.calendar]
        month, count = start, 0
        try:
            while calendar.worked_us(month, start) < measure.within_us or count == 0:
                month = calendar_month_of(month - timedelta(days=1), zone).span.start
                count += 1
                if count > len(names):
                    names.append(calendar_month_of(month, zone).name)
        except OutsideResolved:
            continue
    return names
