"""The only SQL that names the tables of closed periods."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from openbpo.billing.closing.model import Act, State
from openbpo.storage.database import Transaction
from openbpo.values.canonical import instant_text
from openbpo.values.ids import EngagementId


@dataclass(frozen=True, slots=True, kw_only=True)
class _ActRow:
    number: int
    period: str
    state: str
    side: str
    note: str | None
    entry: int
    known: int
    document: str
    document_sha256: bytes
    acted_by: str
    acted_at: datetime

    def as_model(self) -> Act:
        return Act(
            number=self.number,
            period=self.period,
            state=State(self.state),
            side=self.side,
            note=self.note,
            entry=self.entry,
            known=self.known,
            document=json.loads(self.document),
            document_sha256=bytes(self.document_sha256),
            by=self.acted_by,
            at=instant_text(self.acted_at),
        )


def lock_periods(tx: Transaction, engagement_id: EngagementId) -> None:
    """Let one transaction at a time act on an engagement's periods."""
    tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%(engagement_id)s::text, 9))",
        {"engagement_id": engagement_id},
    )


def acts(tx: Transaction, engagement_id: EngagementId) -> list[Act]:
    """Return every act on the periods of an engagement, in the order of their entries."""
    found = tx.rows(
        _ActRow,
        "SELECT number, period, state, side, note, entry, known, document, document_sha256,"
        " acted_by, acted_at FROM billing.period_act WHERE engagement_id = %(engagement_id)s"
        " ORDER BY entry",
        {"engagement_id": engagement_id},
    )
    return [row.as_model() for row in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActHead:
    """An act on a period without its document, which may be long."""

    period: str
    state: str
    entry: int
    known: int
    document_sha256: bytes


def act_heads(tx: Transaction, engagement_id: EngagementId) -> list[ActHead]:
    """Return the heads of every act on the periods of an engagement, in the order of entries."""
    return tx.rows(
        ActHead,
        "SELECT period, state, entry, known, document_sha256 FROM billing.period_act"
        " WHERE engagement_id = %(engagement_id)s ORDER BY entry",
        {"engagement_id": engagement_id},
    )


def add_act(
    tx: Transaction,
    engagement_id: EngagementId,
    *,
    period: str,
    number: int,
    state: State,
    side: str,
    note: str | None,
    entry: int,
    known: int,
    document: str,
    document_sha256: bytes,
    at: datetime,
) -> None:
    """Add an act on a period."""
    tx.execute(
        "INSERT INTO billing.period_act (engagement_id, period, number, state, side, note, entry,"
        " known, document, document_sha256, acted_by, acted_at) VALUES (%(engagement_id)s,"
        " %(period)s, %(number)s, %(state)s, %(side)s, %(note)s, %(entry)s, %(known)s,"
        " %(document)s, %(document_sha256)s, %(by)s, %(at)s)",
        {
            "engagement_id": engagement_id,
            "period": period,
            "number": number,
            "state": state.value,
            "side": side,
            "note": note,
            "entry": entry,
            "known": known,
            "document": document,
            "document_sha256": document_sha256,
            "by": tx.context.principal,
            "at": at,
        },
    )
