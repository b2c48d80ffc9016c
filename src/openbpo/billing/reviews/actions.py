"""Raising an action in a review, and saying how far it came."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from openbpo.agreements.model import Side
from openbpo.billing.reviews import store
from openbpo.billing.reviews.model import State
from openbpo.storage.database import Transaction
from openbpo.storage.identifiers import new_id
from openbpo.values.ids import EngagementId
from openbpo.values.refusals import Refusal

LONGEST = 500


def raise_action(
    tx: Transaction,
    engagement_id: EngagementId,
    *,
    period: str,
    said: str,
    owner_side: Side,
    due_day: date,
) -> UUID:
    """Add an action to the review of a period; return its id. Raises Refusal for no words."""
    said = said.strip()
    if not 1 <= len(said) <= LONGEST:
        raise Refusal.of(
            "action", f"It says nothing, or more than {LONGEST} characters.", "Say it shortly."
        )
    store.lock(tx, engagement_id)
    action_id = new_id(tx.at)
    store.add_action(
        tx, engagement_id, action_id,
        period=period, said=said, owner_side=owner_side, due_day=due_day,
    )  # fmt: skip
    return action_id


def act_on_action(
    tx: Transaction, engagement_id: EngagementId, action_id: UUID, state: State, note: str = ""
) -> None:
    """
    Say how far an action came; the same state a second time changes nothing.

    Raises Refusal where there is no such action.
    """
    store.lock(tx, engagement_id)
    found = store.find_action(tx, engagement_id, action_id)
    if found is None:
        raise Refusal.of("action", "There is no such action.", "Look at the list again.")
    if found.state != state:
        store.add_act(tx, engagement_id, action_id, state, note.strip()[:LONGEST])
