"""From the record to what a report is set against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from openbpo.agreements.model import ClockMeasure
from openbpo.agreements.versions.model import Terms
from openbpo.assurance.attainment.queries import PeriodOfWork, attain, work_of
from openbpo.billing.closing.model import State
from openbpo.billing.closing.queries import acts, last_act
from openbpo.billing.invoicing.queries import invoice_of
from openbpo.evidence.reconciling.model import Recomputed
from openbpo.record.queries import ALL_KNOWN
from openbpo.storage.database import Transaction
from openbpo.values.ids import EngagementId
from openbpo.values.periods import calendar_month_of
from openbpo.values.refusals import Refusal
from openbpo.values.zones import OutsideResolved


def standing_at(
    tx: Transaction, engagement_id: EngagementId, name: str, at: int | None
) -> tuple[State | None, int | None]:
    """
    Return a period's state as it was at an entry, and by what was known at which its figures are.

    `at` None is now: then a period that stands is known as it was closed, and another (None) by all
    that is recorded.
    """
    done = [act for act in acts(tx, engagement_id) if at is None or act.entry <= at]
    act = last_act(done, name)
    if act is None:
        return None, at
    return act.state, act.known if at is None and act.state.stands else at


def recomputed_of(
    tx: Transaction,
    engagement_id: EngagementId,
    all_terms: Sequence[Terms],
    name: str,
    *,
    known: int = ALL_KNOWN,
) -> Recomputed:
    """Return a period's cases, results and volumes; raises Refusal where there is no such one."""
    work = work_of(tx, engagement_id, all_terms, name, known=known)
    results = attain(work)
    return Recomputed(work=work, results=results, volumes=invoice_of(work, results).volumes)


def with_earlier(
    tx: Transaction,
    engagement_id: EngagementId,
    all_terms: Sequence[Terms],
    recomputed: Recomputed,
    *,
    known: int = ALL_KNOWN,
) -> Recomputed:
    """
    Return this with the cases of the months in which a promise due in the period can have begun.

    The last event of such a case lies no further back than the longest promise, in working time.
    """
    period = recomputed.work.period
    held = {case.key for case in recomputed.work.all_cases}
    found: PeriodOfWork | None = None
    for name in _months_before(recomputed):
        try:
            work = work_of(tx, engagement_id, all_terms, name, known=known)
        except Refusal:  # the agreement has no such month
            break
        for terms, cases in work.cases:
            new = tuple(case for case in cases if case.key not in held)
            held.update(case.key for case in new)
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
