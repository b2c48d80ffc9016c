"""An action of a review: whose it is, until when, and how far it came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from openbpo.agreements.model import Side

State = Literal["open", "done", "dropped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """An action with its last state; `period` is the one in whose review it was raised."""

    action_id: UUID
    number: int
    period: str
    said: str
    owner_side: Side
    due_day: date
    raised_by: str
    raised_at: datetime
    state: State
    note: str
    acted_by: str | None
    acted_at: datetime | None

    def is_late(self, today: date) -> bool:
        """Tell whether it is open after its day."""
        return self.state == "open" and self.due_day < today

    def carries_over(self, period: str) -> bool:
        """Tell whether it comes from an earlier review than that of a period."""
        return self.period < period
