"""
The entries of the record: each act in its place, without a gap. The only SQL that names them.

An entry is numbered and dated under a lock that is held until the commit, so that their numbers
are the order in which they became true, and their times never go back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from openbpo.record.lines import act_line, leaf_hash
from openbpo.record.model import Entry
from openbpo.storage.database import Transaction
from openbpo.storage.jobs.actions import enqueue
from openbpo.values.canonical import instant_text
from openbpo.values.ids import EngagementId

REFRESH_STATEMENTS = "refresh-statements"
"""The kind of job that is asked for with each act that may change figures."""
CHANGING_FIGURES = ("period", "recording", "signature")

_ENTRY = (
    "SELECT entry, act, recording, events, first_sequence, entered_at, entered_by, told, leaf"
    " FROM record.entry WHERE engagement_id = %(engagement_id)s"
)


@dataclass(frozen=True, slots=True)
class _Moment:
    at: datetime


def hold(tx: Transaction, engagement_id: EngagementId) -> None:
    """Let nobody else enter anything into the record before this transaction ends."""
    tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%(engagement_id)s::text, 6))",
        {"engagement_id": engagement_id},
    )


def enter(
    tx: Transaction,
    engagement_id: EngagementId,
    act: str,
    told: Mapping[str, Any],
    *,
    recording: int | None = None,
    events: int = 0,
) -> Entry:
    """Add an entry to the record: what was done, by the context's principal, now."""
    hold(tx, engagement_id)
    last = last_entry(tx, engagement_id)
    now = tx.row(_Moment, "SELECT clock_timestamp() AS at")
    assert now is not None
    at = max(now.at, last.entered_at) if last else now.at
    number = last.entry + 1 if last else 1
    by = tx.context.principal
    line = act_line(act, {**told, "entry": number, "at": instant_text(at), "by": by})
    entry = Entry(
        entry=number,
        act=act,
        recording=recording,
        events=events,
        first_sequence=last.end if last else 0,
        entered_at=at,
        entered_by=by,
        told=line.decode(),
        leaf=leaf_hash(line),
    )
    tx.execute(
        "INSERT INTO record.entry (engagement_id, entry, act, recording, events, first_sequence,"
        " entered_at, entered_by, told, leaf) VALUES (%(engagement_id)s, %(entry)s, %(act)s,"
        " %(recording)s, %(events)s, %(first_sequence)s, %(entered_at)s, %(entered_by)s, %(told)s,"
        " %(leaf)s)",
        {"engagement_id": engagement_id}
        | {name: getattr(entry, name) for name in Entry.__dataclass_fields__},
    )
    if act in CHANGING_FIGURES:
        enqueue(tx, engagement_id, REFRESH_STATEMENTS, alone_as="all")
    return entry


def last_entry(
    tx: Transaction, engagement_id: EngagementId, *, by: datetime | None = None
) -> Entry | None:
    """Return the last entry of all, or the last that was entered by an instant."""
    return tx.row(
        Entry,
        _ENTRY + " AND (%(by)s::timestamptz IS NULL OR entered_at <= %(by)s)"
        " ORDER BY entry DESC LIMIT 1",
        {"engagement_id": engagement_id, "by": by},
    )


@dataclass(frozen=True, slots=True)
class _LastOfAct:
    act: str
    entry: int


def last_of_each_act(tx: Transaction, engagement_id: EngagementId) -> dict[str, int]:
    """Return the number of the last entry of each kind of act that there was."""
    found = tx.rows(
        _LastOfAct,
        "SELECT act, max(entry) AS entry FROM record.entry"
        " WHERE engagement_id = %(engagement_id)s GROUP BY act",
        {"engagement_id": engagement_id},
    )
    return {one.act: one.entry for one in found}


def entries(
    tx: Transaction,
    engagement_id: EngagementId,
    *,
    after: int = 0,
    act: str | None = None,
) -> Iterator[Entry]:
    """Yield the entries after a number, of one kind of act or all, in their order."""
    return iter(
        tx.rows(
            Entry,
            _ENTRY + " AND entry > %(after)s AND (%(act)s::text IS NULL OR act = %(act)s)"
            " ORDER BY entry",
            {"engagement_id": engagement_id, "after": after, "act": act},
        )
    )


def latest_entries(
    tx: Transaction, engagement_id: EngagementId, *, before: int | None = None, limit: int = 50
) -> list[Entry]:
    """Return entries from the latest back, those before a number where one is named."""
    return tx.rows(
        Entry,
        _ENTRY + " AND (%(before)s::integer IS NULL OR entry < %(before)s)"
        " ORDER BY entry DESC LIMIT %(limit)s",
        {"engagement_id": engagement_id, "before": before, "limit": limit},
    )
