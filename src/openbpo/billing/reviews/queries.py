"""The actions of a period's review: those that are open, and those that ended since the last."""

from __future__ import annotations

from openbpo.billing.reviews import store
from openbpo.billing.reviews.model import Action
from openbpo.storage.database import Transaction
from openbpo.values.ids import EngagementId


def actions_for(tx: Transaction, engagement_id: EngagementId, period: str) -> list[Action]:
    """Return what a period's review has before it: its own actions, and earlier ones still open."""
    return [
        one
        for one in store.actions(tx, engagement_id)
        if one.period == period or (one.period < period and one.state == "open")
    ]


__all__ = ["actions_for"]
