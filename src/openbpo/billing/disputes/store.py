"""The only SQL that names the table of disputes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openbpo.billing.disputes.model import DisputeAct
from openbpo.record.model import Entry
from openbpo.storage.database import Transaction
from openbpo.values.canonical import canonical_bytes
from openbpo.values.ids import EngagementId


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    told: str
    entry: int
    acted_by: str

    def as_model(self) -> DisputeAct:
        return DisputeAct.of(json.loads(self.told), entry=self.entry, by=self.acted_by)


def acts(tx: Transaction, engagement_id: EngagementId) -> list[DisputeAct]:
    """Return every act in an engagement's disputes, in the order of their entries."""
    found = tx.rows(
        _Row,
        "SELECT told, entry, acted_by FROM billing.dispute_act"
        " WHERE engagement_id = %(engagement_id)s ORDER BY entry",
        {"engagement_id": engagement_id},
    )
    return [row.as_model() for row in found]


def add_act(
    tx: Transaction, engagement_id: EngagementId, told: Mapping[str, Any], entry: Entry
) -> None:
    """Add an act, as its entry tells it."""
    tx.execute(
        "INSERT INTO billing.dispute_act (engagement_id, dispute, number, did, side, told, entry,"
        " acted_by, acted_at) VALUES (%(engagement_id)s, %(dispute)s, %(number)s, %(did)s,"
        " %(side)s, %(text)s, %(entry)s, %(by)s, %(at)s)",
        {
            **{name: told[name] for name in ("dispute", "number", "did", "side")},
            "engagement_id": engagement_id,
            "text": canonical_bytes(dict(told)).decode(),
            "entry": entry.entry,
            "by": entry.entered_by,
            "at": entry.entered_at,
        },
    )
