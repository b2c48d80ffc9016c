"""The job that tells what a version would have cost over the last twelve months."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from openbpo.agreements.versions.queries import version_read
from openbpo.billing.statements.redlining import known_at, months_to_redline, redlined
from openbpo.storage.jobs.actions import Work
from openbpo.surfaces.worker.packs import refuse_without
from openbpo.trust.roles.model import Right
from openbpo.values.ids import EngagementId, VersionId

REDLINE: Final = "redline"


def redline(work: Work) -> Mapping[str, Any]:
    """Recompute month by month, each in a step of its own; the outcome is kept with the job."""
    refuse_without(work, Right.SEE_AGREEMENT)
    engagement_id = EngagementId(work.job.engagement_id)
    version_id = VersionId(UUID(str(work.job.arguments["version_id"])))
    with work.database.transaction(work.context) as tx:
        version = version_read(tx, engagement_id, version_id)
        months, entry = months_to_redline(tx, engagement_id), known_at(tx, engagement_id)
    told = []
    for number, period in enumerate(months, start=1):
        with work.step(number, len(months), period) as tx:
            told.append(redlined(tx, engagement_id, version, period))
    return {"entry": entry, "months": told}
