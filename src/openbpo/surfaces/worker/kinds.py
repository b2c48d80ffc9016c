"""Each kind of job, and what carries it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from openbpo.billing.statements.actions import refresh
from openbpo.billing.statements.queries import stale_periods
from openbpo.record.journal import REFRESH_STATEMENTS
from openbpo.storage.jobs.actions import Work
from openbpo.surfaces.worker import packs, redlines
from openbpo.surfaces.worker.bringing import IMPORT, RECONCILE, import_rows, reconcile_report
from openbpo.values.ids import EngagementId

Outcome = Mapping[str, Any]
Carry = Callable[[Work], Outcome]
"""Carries out a job in steps of its own, and returns what it came to. It may run again."""


def refresh_statements(work: Work) -> Outcome:
    """Compute the statements that are missing or stale, the latest period first."""
    engagement_id = EngagementId(work.job.engagement_id)
    with work.database.transaction(work.context) as tx:
        stale = sorted(stale_periods(tx, engagement_id), reverse=True)
    refreshed: list[str] = []
    for number, period in enumerate(stale, start=1):
        with work.step(number, len(stale), period) as tx:
            refreshed += refresh(tx, engagement_id, [period])
    return {"refreshed": sorted(refreshed)}


KINDS: Mapping[str, Carry] = {
    REFRESH_STATEMENTS: refresh_statements,
    packs.MAKE_PACK: packs.make_a_pack,
    packs.MAKE_PAGE: packs.make_a_page,
    packs.VERIFY_PACK: packs.verify_a_pack,
    redlines.REDLINE: redlines.redline,
    IMPORT: import_rows,
    RECONCILE: reconcile_report,
}
