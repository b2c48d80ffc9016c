"""
The log of who read an engagement's record, when, to what purpose: a line each, without a gap.

It has a tree of its own, sealed as `access`. The only SQL that names it beside the sealer's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from openbpo.record.lines import leaf_hash
from openbpo.storage.database import Transaction
from openbpo.values.canonical import canonical_bytes, instant_text
from openbpo.values.ids import EngagementId


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading as it is kept: its number from 1, its line, and the hash of that."""

    number: int
    told: str
    leaf: bytes


@dataclass(frozen=True, slots=True)
class _Next:
    number: int
    at: datetime


def note_reading(tx: Transaction, engagement_id: EngagementId, what: str) -> None:
    """Note that the context's principal reads `what` of an engagement, to the context's purpose."""
    tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%(engagement_id)s::text, 7))",
        {"engagement_id": engagement_id},
    )
    following = tx.row(
        _Next,
        "SELECT coalesce(max(number), 0) + 1 AS number, clock_timestamp() AS at"
        " FROM record.reading WHERE engagement_id = %(engagement_id)s",
        {"engagement_id": engagement_id},
    )
    assert following is not None
    line = canonical_bytes(
        {
            "number": following.number,
            "at": instant_text(following.at),
            "by": tx.context.principal,
            "purpose": tx.context.purpose,
            "what": what,
        }
    )
    tx.execute(
        "INSERT INTO record.reading (engagement_id, number, told, leaf)"
        " VALUES (%(engagement_id)s, %(number)s, %(told)s, %(leaf)s)",
        {
            "engagement_id": engagement_id,
            "number": following.number,
            "told": line.decode(),
            "leaf": leaf_hash(line),
        },
    )


def readings(tx: Transaction, engagement_id: EngagementId) -> Iterator[Reading]:
    """Yield the readings of an engagement in their order."""
    return tx.stream(
        Reading,
        "SELECT number, told, leaf FROM record.reading WHERE engagement_id = %(engagement_id)s"
        " ORDER BY number",
        {"engagement_id": engagement_id},
    )


def latest_readings(
    tx: Transaction, engagement_id: EngagementId, *, before: int | None = None, limit: int = 50
) -> list[Reading]:
    """Return readings from the latest back, those before a number where one is named."""
    return tx.rows(
        Reading,
        "SELECT number, told, leaf FROM record.reading WHERE engagement_id = %(engagement_id)s"
        " AND (%(before)s::integer IS NULL OR number < %(before)s)"
        " ORDER BY number DESC LIMIT %(limit)s",
        {"engagement_id": engagement_id, "before": before, "limit": limit},
    )
