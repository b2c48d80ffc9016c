"""The only SQL that names the record's tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb

from openbpo.record.model import NewEvent, RecordedEvent
from openbpo.storage.database import Transaction
from openbpo.values.canonical import ENCODING_VERSION
from openbpo.values.ids import EngagementId, RecordingId, VersionId
from openbpo.values.spans import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One bringing-in of events, open until it is complete or abandoned."""

    recording_id: RecordingId
    source: str
    fingerprint: bytes
    mapping: str
    version_id: VersionId
    opened_by: str
    opened_at: datetime
    chunks_done: int
    accepted: int
    already_known: int
    completed_at: datetime | None
    abandoned_at: datetime | None


_RECORDING = (
    "SELECT recording_id, source, fingerprint, mapping, version_id, opened_by, opened_at,"
    " chunks_done, accepted, already_known, completed_at, abandoned_at FROM record.recording"
    " WHERE engagement_id = %(engagement_id)s"
)


def lock_recordings(tx: Transaction, engagement_id: EngagementId) -> None:
    """Let one transaction at a time open or end a recording."""
    tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%(engagement_id)s::text, 5))",
        {"engagement_id": engagement_id},
    )


def open_recording(tx: Transaction, engagement_id: EngagementId) -> Recording | None:
    """Return the recording that is open, if one is, and keep others from ending it meanwhile."""
    return tx.row(
        Recording,
        _RECORDING + " AND completed_at IS NULL AND abandoned_at IS NULL FOR UPDATE",
        {"engagement_id": engagement_id},
    )


def completed_recording(
    tx: Transaction, engagement_id: EngagementId, fingerprint: bytes, mapping: str
) -> Recording | None:
    """Return the first complete recording of the same content under the same mapping."""
    found = tx.rows(
        Recording,
        _RECORDING + " AND completed_at IS NOT NULL AND fingerprint = %(fingerprint)s"
        " AND mapping = %(mapping)s ORDER BY completed_at LIMIT 1",
        {"engagement_id": engagement_id, "fingerprint": fingerprint, "mapping": mapping},
    )
    return found[0] if found else None


def add_recording(
    tx: Transaction,
    engagement_id: EngagementId,
    *,
    recording_id: RecordingId,
    source: str,
    fingerprint: bytes,
    mapping: str,
    version_id: VersionId,
) -> None:
    """Open a recording."""
    tx.execute(
        "INSERT INTO record.recording (engagement_id, recording_id, source, fingerprint, mapping,"
        " version_id, opened_by) VALUES (%(engagement_id)s, %(recording_id)s, %(source)s,"
        " %(fingerprint)s, %(mapping)s, %(version_id)s, %(opened_by)s)",
        {
            "engagement_id": engagement_id,
            "recording_id": recording_id,
            "source": source,
            "fingerprint": fingerprint,
            "mapping": mapping,
            "version_id": version_id,
            "opened_by": tx.context.principal,
        },
    )


def lock_recording(
    tx: Transaction, engagement_id: EngagementId, recording_id: RecordingId
) -> Recording:
    """Return a recording as it is now, and keep others from adding to it meanwhile."""
    found = tx.row(
        Recording,
        _RECORDING + " AND recording_id = %(recording_id)s FOR UPDATE",
        {"engagement_id": engagement_id, "recording_id": recording_id},
    )
    assert found is not None, recording_id
    return found


def note_chunk(
    tx: Transaction,
    engagement_id: EngagementId,
    recording_id: RecordingId,
    accepted: int,
    already_known: int,
) -> None:
    """Note that one more chunk is in."""
    tx.execute(
        "UPDATE record.recording SET chunks_done = chunks_done + 1,"
        " accepted = accepted + %(accepted)s, already_known = already_known + %(already_known)s"
        " WHERE engagement_id = %(engagement_id)s AND recording_id = %(recording_id)s",
        {
            "engagement_id": engagement_id,
            "recording_id": recording_id,
            "accepted": accepted,
            "already_known": already_known,
        },
    )


def complete_recording(
    tx: Transaction, engagement_id: EngagementId, recording_id: RecordingId
) -> None:
    """Make a recording's events visible."""
    tx.execute(
        "UPDATE record.recording SET completed_at = transaction_timestamp()"
        " WHERE engagement_id = %(engagement_id)s AND recording_id = %(recording_id)s",
        {"engagement_id": engagement_id, "recording_id": recording_id},
    )


def refresh_statistics(tx: Transaction) -> None:
    """Let the planner know the record as it is now; without it, it would take it for empty."""
    tx.execute("SELECT record.refresh_statistics()")


def abandon_recording(
    tx: Transaction, engagement_id: EngagementId, recording_id: RecordingId
) -> None:
    """Give a recording up: its events never become visible."""
    tx.execute(
        "UPDATE record.recording SET abandoned_at = transaction_timestamp()"
        " WHERE engagement_id = %(engagement_id)s AND recording_id = %(recording_id)s",
        {"engagement_id": engagement_id, "recording_id": recording_id},
    )


_STAGED = (
    "COPY record.staged_event (recording_id, event_id, position, row_hash, type, subject,"
    " happened_at, encoding, facts, fact_salts, content, content_salts, content_commitments, leaf)"
    " FROM STDIN (FORMAT binary)"
)
_STAGED_TYPES = (
    "uuid", "uuid", "int8", "bytea", "text", "text", "timestamptz", "int2", "jsonb", "bytea",
    "jsonb", "bytea", "jsonb", "bytea",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TakenIn:
    """How many staged rows were new, and how many the record knew already."""

    accepted: int
    already_known: int


def take_in(
    tx: Transaction, recording_id: RecordingId, events: Iterable[tuple[bytes, NewEvent]]
) -> TakenIn:
    """Add events to an open recording, each with the hash of its row; known rows are left out."""
    tx.copy(_STAGED, _STAGED_TYPES, (_staged(row_hash, event) for row_hash, event in events))
    taken = tx.row(
        TakenIn,
        "SELECT accepted, already_known FROM record.take_in_staged(%(recording_id)s)",
        {"recording_id": recording_id},
    )
    assert taken is not None
    return taken


def _staged(row_hash: bytes, event: NewEvent) -> tuple[object, ...]:
    envelope = event.envelope
    return (
        envelope.recording_id,
        envelope.event_id,
        envelope.position,
        row_hash,
        envelope.type,
        envelope.subject,
        envelope.happened_at,
        ENCODING_VERSION,
        Jsonb(event.facts.values),
        event.facts.salts,
        Jsonb(event.content.values),
        event.content.salts,
        Jsonb(event.content_commitments),
        event.leaf,
    )


_VISIBLE = (
    " FROM record.event e JOIN record.recording r USING (engagement_id, recording_id)"
    " WHERE e.engagement_id = %(engagement_id)s AND r.completed_at IS NOT NULL"
)


# The inner query is fenced (OFFSET 0) and takes its engagement from the outer one: the planner, who
# cannot see through a policy how many rows an engagement has, would compare every event with every
# case.
_EVENTS_OF_ACTIVE_CASES = (
    "WITH active AS MATERIALIZED (SELECT DISTINCT a.engagement_id, a.subject FROM record.event a"
    "   WHERE a.happened_at >= %(start)s AND a.happened_at < %(end)s)"
    " SELECT e.event_id, e.subject, e.happened_at, e.position, r.source, e.facts"
    "  FROM active CROSS JOIN LATERAL (SELECT * FROM record.event e"
    "    WHERE e.engagement_id = active.engagement_id AND e.subject = active.subject OFFSET 0) e"
    "  JOIN record.recording r"
    "    ON r.engagement_id = e.engagement_id AND r.recording_id = e.recording_id"
    " WHERE active.engagement_id = %(engagement_id)s AND r.completed_at IS NOT NULL"
    ' ORDER BY e.subject COLLATE "C", e.happened_at, r.completed_at, r.recording_id, e.position'
)


def events_of_active_cases(
    tx: Transaction, engagement_id: EngagementId, during: Span[datetime]
) -> Iterator[RecordedEvent]:
    """
    Yield all events of each case that has one within `during`, case by case, in their order.

    The order of a case's events is that of their times; of one instant, that of recording and file.
    """
    return tx.stream(
        RecordedEvent,
        _EVENTS_OF_ACTIVE_CASES,
        {"engagement_id": engagement_id, "start": during.start, "end": during.end},
    )


@dataclass(frozen=True, slots=True)
class Extent:
    """How much the record holds, and from when to when."""

    events: int
    cases: int
    first: datetime | None
    last: datetime | None


def extent(tx: Transaction, engagement_id: EngagementId) -> Extent:
    """Return how much an engagement's record holds."""
    found = tx.row(
        Extent,
        "SELECT count(*) AS events, count(DISTINCT e.subject) AS cases,"
        " min(e.happened_at) AS first, max(e.happened_at) AS last" + _VISIBLE,
        {"engagement_id": engagement_id},
    )
    assert found is not None
    return found
