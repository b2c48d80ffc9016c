"""From the record to the work of a period."""

from __future__ import annotations

from collections.abc import Sequence

from openbpo.agreements.versions.model import Terms
from openbpo.assurance.attainment.periods import PeriodOfWork, attain, find_period, work_from
from openbpo.record.queries import ALL_KNOWN, events_of_active_cases
from openbpo.storage.database import Transaction
from openbpo.values.ids import EngagementId


def work_of(
    tx: Transaction,
    engagement_id: EngagementId,
    all_terms: Sequence[Terms],
    name: str,
    *,
    known: int = ALL_KNOWN,
) -> PeriodOfWork:
    """
    Return a period with its cases, by what was known at an entry of the record.

    Raises Refusal as `find_period` does.
    """
    period, _ = find_period(all_terms, name)
    return work_from(
        events_of_active_cases(tx, engagement_id, period.span, known=known), all_terms, name
    )


__all__ = ["PeriodOfWork", "attain", "find_period", "work_from", "work_of"]
