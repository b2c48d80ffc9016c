"""The only SQL that names the tables of reviews."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from openbpo.agreements.model import Side
from openbpo.billing.reviews.model import Action, State
from openbpo.storage.database import Transaction
from openbpo.values.ids import EngagementId

_ACTION = (
    "SELECT a.action_id, a.number, a.period, a.said, a.owner_side, a.due_day, a.raised_by,"
    " a.raised_at, coalesce(l.state, 'open') AS state, coalesce(l.note, '') AS note, l.acted_by,"
    " l.acted_at FROM billing.review_action a LEFT JOIN LATERAL ("
    "  SELECT state, note, acted_by, acted_at FROM billing.review_act r"
    "   WHERE r.engagement_id = a.engagement_id AND r.action_id = a.action_id"
    "   ORDER BY r.number DESC LIMIT 1) l ON true"
    " WHERE a.engagement_id = %(engagement_id)s"
)


def actions(tx: Transaction, engagement_id: EngagementId) -> list[Action]:
    """Return all actions with their last state, in the order in which they were raised."""
    return tx.rows(Action, _ACTION + " ORDER BY a.number", {"engagement_id": engagement_id})


def find_action(tx: Transaction, engagement_id: EngagementId, action_id: UUID) -> Action | None:
    """Return an action with its last state."""
    return tx.row(
        Action,
        _ACTION + " AND a.action_id = %(action_id)s",
        {"engagement_id": engagement_id, "action_id": action_id},
    )


def lock(tx: Transaction, engagement_id: EngagementId) -> None:
    """Let one transaction at a time number what it adds."""
    tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%(engagement_id)s::text, 14))",
        {"engagement_id": engagement_id},
    )


def add_action(
    tx: Transaction,
    engagement_id: EngagementId,
    action_id: UUID,
    *,
    period: str,
    said: str,
    owner_side: Side,
    due_day: date,
) -> None:
    """Add an action, numbered after the last one."""
    tx.execute(
        "INSERT INTO billing.review_action (engagement_id, action_id, number, period, said,"
        " owner_side, due_day, raised_by) SELECT %(engagement_id)s, %(action_id)s,"
        " coalesce(max(number), 0) + 1, %(period)s, %(said)s, %(owner_side)s, %(due_day)s,"
        " %(raised_by)s FROM billing.review_action WHERE engagement_id = %(engagement_id)s",
        {
            "engagement_id": engagement_id,
            "action_id": action_id,
            "period": period,
            "said": said,
            "owner_side": owner_side,
            "due_day": due_day,
            "raised_by": tx.context.principal,
        },
    )


def add_act(
    tx: Transaction, engagement_id: EngagementId, action_id: UUID, state: State, note: str
) -> None:
    """Add how far an action came."""
    tx.execute(
        "INSERT INTO billing.review_act (engagement_id, action_id, number, state, note, acted_by)"
        " SELECT %(engagement_id)s, %(action_id)s, coalesce(max(number), 0) + 1, %(state)s,"
        " %(note)s, %(acted_by)s FROM billing.review_act"
        " WHERE engagement_id = %(engagement_id)s AND action_id = %(action_id)s",
        {
            "engagement_id": engagement_id,
            "action_id": action_id,
            "state": state,
            "note": note,
            "acted_by": tx.context.principal,
        },
    )
