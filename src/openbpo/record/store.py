"""The only SQL that names the record's events and recordings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from openbpo.record.model import CASE_KINDS, NewEvents, RecordedEvent
from openbpo.storage.database import Transaction
from openbpo.storage.packing import PackedArray, pack
from openbpo.values.ids import EngagementId, EventId, RecordingId, VersionId
from openbpo.values.spans import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """
    One bringing-in of events, open until it is complete or abandoned.

    `identity` says what its rows are known again by: the mapping's key columns, or all its cells.
    """

    recording_id: RecordingId
    number: int
    source: str
    fingerprint: bytes
    mapping: str
    version_id: VersionId
    encoding: int
    identity: str
    opened_by: str
    opened_at: datetime
    chunks_done: int
    read: int
    accepted: int
    corrected: int
    already_known: int
    refused: int
    out_of_order: int
    events: int
    entry: int | None
    completed_at: datetime | None
    abandoned_at: datetime | None


_RECORDING = (
    "SELECT recording_id, number, source, fingerprint, mapping, version_id, encoding, identity,"
    " opened_by, opened_at, chunks_done, read, accepted, corrected, already_known, refused,"
    " out_of_order, events, entry, completed_at, abandoned_at FROM record.recording"
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


def recordings(
    tx: Transaction, engagement_id: EngagementId, *, limit: int, offset: int = 0
) -> list[Recording]:
    """Return recordings, the latest first."""
    return tx.rows(
        Recording,
        _RECORDING + " ORDER BY number DESC LIMIT %(limit)s OFFSET %(offset)s",
        {"engagement_id": engagement_id, "limit": limit, "offset": offset},
    )


def completed_recording(
    tx: Transaction, engagement_id: EngagementId, fingerprint: bytes, mapping: str
) -> Recording | None:
    """Return the last complete recording of the same content under the same mapping."""
    found = tx.rows(
        Recording,
        _RECORDING + " AND completed_at IS NOT NULL AND fingerprint = %(fingerprint)s"
        " AND mapping = %(mapping)s ORDER BY number DESC LIMIT 1",
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
    identity: str,
    version_id: VersionId,
) -> None:
    """Open a recording; the caller holds the lock of recordings."""
    tx.execute(
        "INSERT INTO record.recording (engagement_id, recording_id, number, source, fingerprint,"
        " mapping, identity, version_id, opened_by) VALUES (%(engagement_id)s, %(recording_id)s,"
        " (SELECT coalesce(max(number), 0) + 1 FROM record.recording"
        "   WHERE engagement_id = %(engagement_id)s),"
        " %(source)s, %(fingerprint)s, %(mapping)s, %(identity)s, %(version_id)s, %(opened_by)s)",
        {
            "engagement_id": engagement_id,
            "recording_id": recording_id,
            "source": source,
            "fingerprint": fingerprint,
            "mapping": mapping,
            "identity": identity,
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


def complete_recording(
    tx: Transaction,
    engagement_id: EngagementId,
    recording: Recording,
    *,
    entry: int,
    read: int,
    refused: int,
    out_of_order: int,
) -> None:
    """Make a recording's events visible, from the entry on that says so."""
    tx.execute(
        "UPDATE record.recording SET completed_at = transaction_timestamp(), entry = %(entry)s,"
        " read = %(read)s, refused = %(refused)s, out_of_order = %(out_of_order)s"
        " WHERE engagement_id = %(engagement_id)s AND number = %(number)s",
        {
            "engagement_id": engagement_id,
            "number": recording.number,
            "entry": entry,
            "read": read,
            "refused": refused,
            "out_of_order": out_of_order,
        },
    )
    _forget_recognised(tx, engagement_id, recording.number)


def abandon_recording(tx: Transaction, engagement_id: EngagementId, recording: Recording) -> None:
    """Give a recording up: its events never become visible."""
    tx.execute(
        "UPDATE record.recording SET abandoned_at = transaction_timestamp()"
        " WHERE engagement_id = %(engagement_id)s AND number = %(number)s",
        {"engagement_id": engagement_id, "number": recording.number},
    )
    _forget_recognised(tx, engagement_id, recording.number)


def _forget_recognised(tx: Transaction, engagement_id: EngagementId, number: int) -> None:
    tx.execute(
        "DELETE FROM record.recognised WHERE engagement_id = %(engagement_id)s"
        " AND recording = %(number)s",
        {"engagement_id": engagement_id, "number": number},
    )


@dataclass(frozen=True, slots=True)
class _Found:
    found: bool


@dataclass(frozen=True, slots=True)
class _Version:
    version_id: VersionId


def versions_recorded_by(
    tx: Transaction, engagement_id: EngagementId, mapping: str
) -> list[VersionId]:
    """Return the versions of the agreement under which files came in by a mapping."""
    found = tx.rows(
        _Version,
        "SELECT DISTINCT version_id FROM record.recording"
        " WHERE engagement_id = %(engagement_id)s AND mapping = %(mapping)s AND entry IS NOT NULL",
        {"engagement_id": engagement_id, "mapping": mapping},
    )
    return sorted(one.version_id for one in found)


def began_before(tx: Transaction, engagement_id: EngagementId, encoding: int) -> bool:
    """Tell whether any complete recording was made in an earlier form of lines."""
    found = tx.row(
        _Found,
        "SELECT EXISTS (SELECT 1 FROM record.recording WHERE engagement_id = %(engagement_id)s"
        " AND entry IS NOT NULL AND encoding < %(encoding)s) AS found",
        {"engagement_id": engagement_id, "encoding": encoding},
    )
    assert found is not None
    return found.found


def refresh_statistics(tx: Transaction) -> None:
    """Let the planner know the record as it is now; without it, it would take it for empty."""
    tx.execute("SELECT record.refresh_statistics()")


def wait_for_no_disk(tx: Transaction) -> None:
    """
    Let this transaction's commit not wait for the disk.

    Where the machine goes down a chunk may then be lost, together with the note that it is in; the
    commit that completes the recording waits for all that came before it.
    """
    tx.execute("SELECT set_config('synchronous_commit', 'off', true)")


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of a chunk's rows, and how many events came of it."""

    accepted: int
    corrected: int
    already_known: int
    events: int


class PackedEvents(NamedTuple):
    """A chunk's events as the server takes them; None where a column tells nothing of its own."""

    positions: PackedArray | None
    parts: PackedArray | None
    row_keys: PackedArray
    row_contents: PackedArray | None
    subjects: PackedArray
    happened: PackedArray
    ranks: PackedArray | None
    lines: PackedArray
    leaves: PackedArray
    opened: list[int]
    openings: list[str]
    starts_at: int | None
    rows_differ: bool


def pack_events(events: NewEvents) -> PackedEvents:
    """Return a chunk's events packed; it takes no connection."""
    is_one_each = events.is_one_each
    are_unranked = events.ranks.count(None) == len(events.ranks)
    return PackedEvents(
        positions=None if is_one_each else pack(events.positions, "int8"),
        parts=None if is_one_each else pack(events.parts, "int2"),
        row_keys=pack(events.row_keys, "bytea"),
        row_contents=None if events.are_compared_by_key else pack(events.row_contents, "bytea"),
        subjects=pack(events.subjects, "text"),
        happened=pack(events.happened, "timestamptz"),
        ranks=None if are_unranked else pack(events.ranks, "text"),
        lines=pack(events.lines, "text"),
        leaves=pack(events.leaves, "bytea"),
        opened=[nth + 1 for nth in events.openings],
        openings=[json.dumps(opening) for opening in events.openings.values()],
        starts_at=events.positions[0] if is_one_each else None,
        rows_differ=events.rows_differ,
    )


def take_in(tx: Transaction, recording: int, kind: str, events: PackedEvents) -> TakenIn:
    """
    Add a chunk's events to an open recording; rows that are known as they are add nothing.

    Rows come in the order of the file, and all events of a row in one chunk.
    """
    taken = tx.row(
        TakenIn,
        "SELECT accepted, corrected, already_known, events FROM record.take_in(%(recording)s::int,"
        " %(kind)s, %(positions)s::bigint[], %(parts)s::smallint[], %(row_keys)s::bytea[],"
        " %(row_contents)s::bytea[], %(subjects)s::text[], %(happened)s::timestamptz[],"
        " %(ranks)s::text[], %(lines)s::text[], %(leaves)s::bytea[], %(opened)s::int[],"
        " %(openings)s::jsonb[], %(starts_at)s::bigint, %(rows_differ)s)",
        {**events._asdict(), "recording": recording, "kind": kind},
    )
    assert taken is not None
    return taken


@dataclass(frozen=True, slots=True)
class _StoredEvent:
    recording: int
    ordinal: int
    kind: str
    subject: str
    happened_at: datetime
    source: str
    told: str

    def read(self) -> RecordedEvent:
        """Return the event that the line tells."""
        told = json.loads(self.told)
        return RecordedEvent(
            event_id=EventId(f"{self.recording}.{self.ordinal}"),
            kind=self.kind,
            subject=self.subject,
            happened_at=self.happened_at,
            source=self.source,
            type=told["type"],
            facts=told["facts"],
        )


# What was known at an entry: the recordings completed by then, less what one of them corrected.
_KNOWN = (
    " r.entry <= %(known)s AND NOT EXISTS (SELECT 1 FROM record.superseded s"
    "   JOIN record.recording c ON c.engagement_id = s.engagement_id AND c.number = s.by_recording"
    "   WHERE s.engagement_id = e.engagement_id AND s.recording = e.recording"
    "     AND s.ordinal = e.ordinal AND c.entry <= %(known)s)"
)
_IN_ORDER = (
    ' ORDER BY e.kind COLLATE "C", e.subject COLLATE "C", e.happened_at,'
    ' e.rank COLLATE "C" NULLS FIRST,'
    " coalesce(e.first_recording, e.recording), coalesce(e.first_position, e.position), e.part"
)
ALL_KNOWN = 2**31 - 1

# The inner query is fenced (OFFSET 0) and takes its engagement from the outer one: the planner, who
# cannot see through a policy how many rows an engagement has, would compare every event with every
# case.
_EVENTS_OF = (
    " SELECT e.recording, e.ordinal, e.kind, e.subject, e.happened_at, r.source, e.told"
    "  FROM active CROSS JOIN LATERAL (SELECT * FROM record.event e"
    "    WHERE e.engagement_id = active.engagement_id AND e.subject = active.subject OFFSET 0) e"
    "  JOIN record.recording r"
    "    ON r.engagement_id = e.engagement_id AND r.number = e.recording"
    " WHERE active.engagement_id = %(engagement_id)s AND e.kind = ANY (%(kinds)s) AND"
    + _KNOWN
    + _IN_ORDER
)
_EVENTS_OF_ACTIVE_CASES = (
    "WITH active AS MATERIALIZED (SELECT DISTINCT a.engagement_id, a.subject FROM record.event a"
    "   WHERE a.happened_at >= %(start)s AND a.happened_at < %(end)s)" + _EVENTS_OF
)
_EVENTS_OF_CASES = (
    "WITH active AS MATERIALIZED (SELECT DISTINCT %(engagement_id)s::uuid AS engagement_id, subject"
    "   FROM unnest(%(subjects)s::text[]) AS subject)" + _EVENTS_OF
)


def events_of_active_cases(
    tx: Transaction,
    engagement_id: EngagementId,
    during: Span[datetime],
    *,
    known: int = ALL_KNOWN,
) -> Iterator[RecordedEvent]:
    """
    Yield all events of each case that has one within `during`, case by case, in their order.

    The order of a case's events is that of their times; of one instant, that of the mapping's rule,
    else of recording and file, where a corrected row keeps its place. `known` is the entry up to
    which the record counts.
    """
    params = {"start": during.start, "end": during.end, "kinds": list(CASE_KINDS), "known": known}
    for stored in tx.stream(
        _StoredEvent, _EVENTS_OF_ACTIVE_CASES, {**params, "engagement_id": engagement_id}
    ):
        yield stored.read()


def events_of_cases(
    tx: Transaction,
    engagement_id: EngagementId,
    subjects: Sequence[str],
    *,
    known: int = ALL_KNOWN,
) -> Iterator[RecordedEvent]:
    """Yield all events of the cases named, as `events_of_active_cases` does."""
    params = {"subjects": list(subjects), "kinds": list(CASE_KINDS), "known": known}
    for stored in tx.stream(
        _StoredEvent, _EVENTS_OF_CASES, {**params, "engagement_id": engagement_id}
    ):
        yield stored.read()


@dataclass(frozen=True, slots=True)
class _Subject:
    subject: str


# The inner queries are fenced (OFFSET 0), as that of _EVENTS_OF is.
# What had been corrected before is not corrected again: its row says something else since then.
_CORRECTED_CASES = (
    "SELECT DISTINCT e.subject FROM record.recording r JOIN record.superseded s"
    "   ON s.engagement_id = r.engagement_id AND s.by_recording = r.number"
    "   JOIN record.event e ON e.engagement_id = s.engagement_id"
    "    AND e.recording = s.recording AND e.ordinal = s.ordinal"
    " WHERE r.engagement_id = %(engagement_id)s AND r.entry > %(after)s"
    "   AND r.entry <= %(known)s AND e.kind = ANY (%(kinds)s)"
    "   AND NOT EXISTS (SELECT 1 FROM record.superseded b JOIN record.recording c"
    "     ON c.engagement_id = b.engagement_id AND c.number = b.by_recording"
    "     WHERE b.engagement_id = s.engagement_id AND b.recording = s.recording"
    "       AND b.ordinal = s.ordinal AND c.entry < r.entry OFFSET 0)"
)
# A range, though of one number: of `=` the planner expects as many events as the average recording
# has, and reads all events there are for a recording of one.
_TOLD_CASES = (
    "SELECT DISTINCT e.subject FROM record.recording r CROSS JOIN LATERAL ("
    "   SELECT e.subject FROM record.event e WHERE e.engagement_id = r.engagement_id"
    "      AND e.recording BETWEEN r.number AND r.number AND e.kind = ANY (%(kinds)s) OFFSET 0) e"
    " WHERE r.engagement_id = %(engagement_id)s AND r.entry > %(after)s AND r.entry <= %(known)s"
)

_TOUCHED_CASES = (
    "WITH touched AS MATERIALIZED ("
    + _TOLD_CASES
    + " UNION "
    + _CORRECTED_CASES
    + ") SELECT touched.subject FROM touched WHERE EXISTS (SELECT 1 FROM record.event e"
    "   WHERE e.engagement_id = %(engagement_id)s AND e.subject = touched.subject"
    "     AND e.happened_at < %(begun)s OFFSET 0)"
)


def cases_touched(
    tx: Transaction, engagement_id: EngagementId, *, after: int, known: int, begun: datetime
) -> list[str]:
    """
    Return the cases whose events were told or corrected after an entry, up to another.

    Of these, the cases that have any event, corrected or not, before the instant `begun`.
    """
    params = {
        "engagement_id": engagement_id,
        "kinds": list(CASE_KINDS),
        "after": after,
        "known": known,
        "begun": begun,
    }
    return sorted(one.subject for one in tx.rows(_Subject, _TOUCHED_CASES, params))


def cases_corrected(
    tx: Transaction, engagement_id: EngagementId, *, after: int, known: int
) -> list[str]:
    """Return the cases of which an event was corrected after an entry, up to another."""
    params = {
        "engagement_id": engagement_id,
        "kinds": list(CASE_KINDS),
        "after": after,
        "known": known,
    }
    return sorted(one.subject for one in tx.rows(_Subject, _CORRECTED_CASES, params))


@dataclass(frozen=True, slots=True)
class StoredLine:
    """An event as it is handed on: its line, its leaf, and what its commitments stand for."""

    subject: str
    told: str
    leaf: bytes
    opening: Any | None


def lines_of_recording(
    tx: Transaction, engagement_id: EngagementId, recording: int
) -> Iterator[StoredLine]:
    """Yield the lines of a recording's events in order, in memory that does not grow with them."""
    return tx.stream(
        StoredLine,
        "SELECT e.subject, e.told, e.leaf, o.attributes AS opening"
        " FROM record.event e LEFT JOIN record.opening o"
        "   ON o.engagement_id = e.engagement_id AND o.recording = e.recording"
        "  AND o.ordinal = e.ordinal"
        " WHERE e.engagement_id = %(engagement_id)s AND e.recording = %(recording)s"
        " ORDER BY e.ordinal",
        {"engagement_id": engagement_id, "recording": recording},
    )


@dataclass(frozen=True, slots=True)
class Unlike:
    """A column that tells otherwise than the line beside it: where, which, and both values."""

    where: str
    name: str
    stored: str | None
    told: str | None


_UNLIKE_EVENTS = (
    "SELECT e.recording || '.' || e.ordinal AS where, c.name, c.stored, c.told"
    " FROM record.event e JOIN record.recording r"
    "   ON r.engagement_id = e.engagement_id AND r.number = e.recording AND r.entry IS NOT NULL"
    " CROSS JOIN LATERAL (SELECT e.told::json AS told) line"
    " CROSS JOIN LATERAL (VALUES ('subject', e.subject, line.told ->> 'subject'),"
    "   ('kind', e.kind, line.told ->> 'kind'), ('rank', e.rank, line.told ->> 'rank'),"
    "   ('part', e.part::text, line.told ->> 'part'),"
    "   ('position', e.position::text, line.told ->> 'position'),"
    "   ('row_key', encode(e.row_key, 'hex'), line.told ->> 'row'),"
    "   ('happened_at', to_char(e.happened_at AT TIME ZONE 'UTC',"
    "      'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), line.told ->> 'at')) c(name, stored, told)"
    " WHERE e.engagement_id = %(engagement_id)s AND c.stored IS DISTINCT FROM c.told"
    " ORDER BY e.recording, e.ordinal LIMIT 20"
)
_UNLIKE_RECORDINGS = (
    "SELECT 'recording ' || r.number AS where, c.name, c.stored, c.told"
    " FROM record.recording r JOIN record.entry n"
    "   ON n.engagement_id = r.engagement_id AND n.recording = r.number"
    " CROSS JOIN LATERAL (SELECT n.told::json AS told) line"
    " CROSS JOIN LATERAL (VALUES ('entry', r.entry::text, n.entry::text),"
    "   ('source', r.source, line.told ->> 'source'),"
    "   ('mapping', r.mapping, line.told ->> 'mapping'),"
    "   ('identity', r.identity, line.told ->> 'identity'),"
    "   ('fingerprint', encode(r.fingerprint, 'hex'), line.told ->> 'fingerprint'),"
    "   ('read', r.read::text, line.told ->> 'read'),"
    "   ('accepted', r.accepted::text, line.told ->> 'accepted'),"
    "   ('corrected', r.corrected::text, line.told ->> 'corrected'),"
    "   ('already_known', r.already_known::text, line.told ->> 'already_known'),"
    "   ('refused', r.refused::text, line.told ->> 'refused'),"
    "   ('out_of_order', r.out_of_order::text, line.told ->> 'out_of_order'),"
    "   ('events', r.events::text, line.told ->> 'events')) c(name, stored, told)"
    " WHERE r.engagement_id = %(engagement_id)s AND c.stored IS DISTINCT FROM c.told"
    " ORDER BY r.number LIMIT 20"
)


def columns_unlike_lines(tx: Transaction, engagement_id: EngagementId) -> list[Unlike]:
    """Return the first columns of events and recordings that tell otherwise than their lines."""
    params = {"engagement_id": engagement_id}
    return [*tx.rows(Unlike, _UNLIKE_EVENTS, params), *tx.rows(Unlike, _UNLIKE_RECORDINGS, params)]


@dataclass(frozen=True, slots=True)
class Opened:
    """What an event's commitments are said to stand for, and its line."""

    event_id: str
    told: str
    attributes: Any


def openings(tx: Transaction, engagement_id: EngagementId) -> Iterator[Opened]:
    """Yield the openings of an engagement's events."""
    return tx.stream(
        Opened,
        "SELECT o.recording || '.' || o.ordinal AS event_id, e.told, o.attributes"
        " FROM record.opening o JOIN record.event e ON e.engagement_id = o.engagement_id"
        "  AND e.recording = o.recording AND e.ordinal = o.ordinal"
        " WHERE o.engagement_id = %(engagement_id)s ORDER BY o.recording, o.ordinal",
        {"engagement_id": engagement_id},
    )


def openings_of_cases(
    tx: Transaction, engagement_id: EngagementId, subjects: Sequence[str]
) -> list[Opened]:
    """Return the openings of the events of the cases named, also of those that were corrected."""
    return tx.rows(
        Opened,
        "SELECT o.recording || '.' || o.ordinal AS event_id, e.told, o.attributes"
        " FROM record.event e JOIN record.opening o ON o.engagement_id = e.engagement_id"
        "  AND o.recording = e.recording AND o.ordinal = e.ordinal"
        " WHERE e.engagement_id = %(engagement_id)s AND e.subject = ANY (%(subjects)s::text[])"
        " ORDER BY o.recording, o.ordinal",
        {"engagement_id": engagement_id, "subjects": list(subjects)},
    )


def subjects_active(
    tx: Transaction, engagement_id: EngagementId, during: Span[datetime]
) -> set[str]:
    """
    Return the cases that any event, corrected or not, places in a stretch of time.

    With them come the cases that their rows were corrected from or to, so that who holds these
    cases alone can tell what was corrected.
    """
    found = tx.rows(
        _Subject,
        "WITH RECURSIVE shown AS ("
        " SELECT DISTINCT e.subject FROM record.event e"
        "  WHERE e.engagement_id = %(engagement_id)s"
        "    AND e.happened_at >= %(start)s AND e.happened_at < %(end)s"
        " UNION SELECT other.subject FROM shown JOIN record.event e ON e.subject = shown.subject"
        "   JOIN record.event other ON other.engagement_id = e.engagement_id"
        "    AND other.row_key = e.row_key AND other.part = 1 AND other.times > 0"
        "  WHERE e.engagement_id = %(engagement_id)s AND e.part = 1)"
        " SELECT subject FROM shown",
        {"engagement_id": engagement_id, "start": during.start, "end": during.end},
    )
    return {one.subject for one in found}


@dataclass(frozen=True, slots=True)
class Correction:
    """From which entry on an event is corrected."""

    recording: int
    ordinal: int
    entry: int


def corrections(tx: Transaction, engagement_id: EngagementId, *, known: int) -> list[Correction]:
    """Return which events were corrected up to an entry, each by the first that did."""
    return tx.rows(
        Correction,
        "SELECT s.recording, s.ordinal, min(c.entry) AS entry FROM record.superseded s"
        " JOIN record.recording c ON c.engagement_id = s.engagement_id"
        "  AND c.number = s.by_recording"
        " WHERE s.engagement_id = %(engagement_id)s AND c.entry <= %(known)s"
        " GROUP BY s.recording, s.ordinal",
        {"engagement_id": engagement_id, "known": known},
    )


@dataclass(frozen=True, slots=True)
class Reach:
    """From when to when the events of a record reach; None where there are none."""

    first: datetime | None
    last: datetime | None


# A bound, and not IS NOT NULL: that the planner drops where the column is never null, and with it
# what makes the partial index fit.
_ONE_HAPPENED = (
    "SELECT e.happened_at FROM record.event e JOIN record.recording r"
    "   ON r.engagement_id = e.engagement_id AND r.number = e.recording"
    " WHERE e.engagement_id = %(engagement_id)s AND e.happened_at > '-infinity' AND" + _KNOWN
)


def reach(tx: Transaction, engagement_id: EngagementId, *, known: int = ALL_KNOWN) -> Reach:
    """Return from when to when the events reach that counted at an entry."""
    found = tx.row(
        Reach,
        f"SELECT ({_ONE_HAPPENED} ORDER BY e.happened_at LIMIT 1) AS first,"
        f" ({_ONE_HAPPENED} ORDER BY e.happened_at DESC LIMIT 1) AS last",
        {"engagement_id": engagement_id, "known": known},
    )
    assert found is not None
    return found


@dataclass(frozen=True, slots=True)
class _Refused:
    refused: int


def refused_rows(tx: Transaction, engagement_id: EngagementId) -> int:
    """Return how many rows the imports of an engagement's record set aside."""
    found = tx.row(
        _Refused,
        "SELECT coalesce(sum(refused), 0)::bigint AS refused FROM record.recording"
        " WHERE engagement_id = %(engagement_id)s AND entry IS NOT NULL",
        {"engagement_id": engagement_id},
    )
    assert found is not None
    return found.refused


@dataclass(frozen=True, slots=True)
class Extent:
    """How much the record holds, and from when to when; rows that imports refused beside it."""

    events: int
    cases: int
    first: datetime | None
    last: datetime | None
    refused: int


def extent(tx: Transaction, engagement_id: EngagementId) -> Extent:
    """Return how much an engagement's record holds; what was corrected counts as it is now."""
    found = tx.row(
        Extent,
        "SELECT count(*) AS events, count(DISTINCT e.subject) AS cases,"
        " min(e.happened_at) AS first, max(e.happened_at) AS last,"
        " (SELECT coalesce(sum(refused), 0)::bigint FROM record.recording"
        "   WHERE engagement_id = %(engagement_id)s AND entry IS NOT NULL) AS refused"
        " FROM record.event e JOIN record.recording r"
        "   ON r.engagement_id = e.engagement_id AND r.number = e.recording"
        " WHERE e.engagement_id = %(engagement_id)s AND" + _KNOWN,
        {"engagement_id": engagement_id, "known": ALL_KNOWN},
    )
    assert found is not None
    return found
