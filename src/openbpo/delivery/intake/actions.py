"""
Importing a file: looked through first, then taken in by chunks, seen when all of it is in.

A chunk is one short transaction, and the recording counts the chunks that are done. So a kill
anywhere loses nothing: the same command goes on where it stopped, two at once do it together, and
until the recording is complete nobody sees any of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from openbpo.agreements.model import Agreement, Attribute, FileMapping
from openbpo.agreements.resolved import Resolved, from_facts, resolve
from openbpo.agreements.schema import did_you_mean
from openbpo.agreements.versions.queries import row_key, terms_in_force
from openbpo.delivery.intake.csv_files import CsvFile
from openbpo.delivery.intake.decisions import RowHashes, RowReader
from openbpo.delivery.intake.model import EventRow, Fault, Imported, Looked
from openbpo.record import store
from openbpo.record.decisions import new_event
from openbpo.record.leaves import SALT_BYTES
from openbpo.record.model import Committed, Envelope, NewEvent
from openbpo.storage.database import Context, Database, Transaction
from openbpo.storage.failpoints import failpoint
from openbpo.storage.identifiers import new_id
from openbpo.values.ids import EngagementId, EventId, RecordingId, VersionId
from openbpo.values.refusals import Mistake, Refusal
from openbpo.values.zones import Zone

CHUNK_ROWS = 2_000
FAULTS_SHOWN = 20
EVENT_TYPE = "delivery.case.activity/1"

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class _Source:
    """A file with everything that it takes to read it the same way twice."""

    path: Path
    mapping: FileMapping
    attributes: Mapping[str, Attribute]
    zone: Zone

    def open(self) -> tuple[CsvFile, RowReader]:
        file = CsvFile(self.path, self.mapping)
        reader = RowReader(self.mapping, self.attributes, self.zone, file.columns, len(file.header))
        return file, reader


def import_file(
    database: Database,
    context: Context,
    *,
    engagement_id: EngagementId,
    handle: str,
    path: Path,
    mapping_id: str | None = None,
    progress: Progress = lambda _rows: None,
) -> Imported:
    """
    Take in a file's rows as events; done twice, it does nothing the second time.

    Raises Refusal, and takes in nothing, when any row has a fault (the first twenty are named),
    the file cannot be read, no version is in force, or another import is unfinished.
    """
    acting = context.within(engagement_id)
    with database.transaction(acting) as tx:
        terms = terms_in_force(tx, engagement_id, handle)[-1]
        key = row_key(tx, engagement_id)
    source = _source(path, terms.agreement, terms.resolved, mapping_id)
    looked = _look_through(source)
    with database.transaction(acting) as tx:
        recording, was_known = _open_recording(tx, engagement_id, source, looked, terms.version_id)
    failpoint("import.after_opening")
    if not was_known:
        try:
            _take_in(database, acting, engagement_id, source, recording, looked, key, progress)
        except Refusal:  # the file is no longer what was looked through: none of it may stay
            _give_up(database, acting, engagement_id, recording.recording_id)
            raise
        recording = _complete(database, acting, engagement_id, recording.recording_id)
    return Imported(
        source=path.name,
        read=looked.rows,
        accepted=recording.accepted,
        already_known=recording.already_known,
        was_known=was_known,
    )


def look_through(path: Path, agreement: Agreement, *, mapping_id: str | None = None) -> Looked:
    """
    Return how many rows of a file an agreement's mapping reads; nothing is taken in.

    Raises Refusal with the faults that it finds, as an import would.
    """
    resolved = from_facts(agreement, resolve(agreement))
    return _look_through(_source(path, agreement, resolved, mapping_id))


def abandon(
    database: Database, context: Context, *, engagement_id: EngagementId, handle: str
) -> str:
    """Give up the unfinished import; nothing of it was ever seen. Returns its file's name."""
    with database.transaction(context.within(engagement_id)) as tx:
        store.lock_recordings(tx, engagement_id)
        recording = store.open_recording(tx, engagement_id)
        if recording is None:
            raise Refusal.of(handle, "No import is unfinished.", "There is nothing to give up.")
        store.abandon_recording(tx, engagement_id, recording.recording_id)
        return recording.source


def _give_up(
    database: Database, context: Context, engagement_id: EngagementId, recording_id: RecordingId
) -> None:
    with database.transaction(context) as tx:
        recording = store.lock_recording(tx, engagement_id, recording_id)
        if recording.completed_at is None and recording.abandoned_at is None:
            store.abandon_recording(tx, engagement_id, recording_id)


def _source(
    path: Path, agreement: Agreement, resolved: Resolved, mapping_id: str | None
) -> _Source:
    mappings = agreement.mappings
    if mapping_id is None and len(mappings) == 1:
        mapping_id = next(iter(mappings))
    if mapping_id is None or mapping_id not in mappings:
        raise Refusal.of(
            "--mapping",
            f"There is no mapping {mapping_id!r}." if mapping_id else "There are several mappings.",
            did_you_mean(mapping_id or "", mappings, "Name one"),
        )
    mapping = mappings[mapping_id]
    return _Source(path, mapping, agreement.attributes, resolved.zones[mapping.zone])


def _look_through(source: _Source) -> Looked:
    """Read every row once without taking any in; raise Refusal with the faults that it finds."""
    file, reader = source.open()
    faults: list[Mistake] = []
    rows = found = 0
    for raw in file.rows():
        rows += 1
        if isinstance(fault := reader.read(raw.cells), Fault):
            found += 1
            if found <= FAULTS_SHOWN:
                where = f"{source.path.name}:{raw.line}"
                faults.append(Mistake(where, fault.what, fault.remedy))
    if found > FAULTS_SHOWN:
        what = f"{found - FAULTS_SHOWN:,} more rows have faults."
        faults.append(Mistake(source.path.name, what, "Mend the first ones and try again."))
    if faults:
        raise Refusal(*faults)
    if rows == 0:
        raise Refusal.of(source.path.name, "The file has a header but no rows.", "Export it again.")
    return Looked(rows, file.fingerprint)


def _open_recording(
    tx: Transaction,
    engagement_id: EngagementId,
    source: _Source,
    looked: Looked,
    version_id: VersionId,
) -> tuple[store.Recording, bool]:
    """Return the recording to add to, and whether it was already complete."""
    store.lock_recordings(tx, engagement_id)
    mapping = source.mapping.id
    known = store.completed_recording(tx, engagement_id, looked.fingerprint, mapping)
    if known is not None:
        return known, True
    unfinished = store.open_recording(tx, engagement_id)
    if unfinished is None:
        recording_id = RecordingId(new_id(tx.at))
        store.add_recording(
            tx,
            engagement_id,
            recording_id=recording_id,
            source=source.path.name,
            fingerprint=looked.fingerprint,
            mapping=mapping,
            version_id=version_id,
        )
        return store.lock_recording(tx, engagement_id, recording_id), False
    _refuse_other_import(unfinished, source, looked, version_id)
    return unfinished, False


def _refuse_other_import(
    unfinished: store.Recording, source: _Source, looked: Looked, version_id: VersionId
) -> None:
    """Only the very import that was begun goes on: the same content, mapping and version."""
    if (unfinished.fingerprint, unfinished.mapping) != (looked.fingerprint, source.mapping.id):
        raise Refusal.of(
            source.path.name,
            f"The import of {unfinished.source!r} is not finished.",
            "Run that import again to finish it, or give it up with `openbpo import ENGAGEMENT "
            "--abandon`.",
        )
    if unfinished.version_id != version_id:
        raise Refusal.of(
            source.path.name,
            "Its import was begun under another version of the agreement and is not finished.",
            "Give it up with `openbpo import ENGAGEMENT --abandon`, and import the file again.",
        )


def _take_in(
    database: Database,
    context: Context,
    engagement_id: EngagementId,
    source: _Source,
    recording: store.Recording,
    looked: Looked,
    key: bytes,
    progress: Progress,
) -> None:
    file, reader = source.open()
    hashes = RowHashes(key)
    done = 0
    for number, chunk in enumerate(_chunks(_events_rows(file, reader, source))):
        hashed = [(hashes.of(row), row) for row in chunk]
        with database.transaction(context) as tx:
            now = _locked(tx, engagement_id, recording.recording_id)
            if now.chunks_done == number and now.completed_at is None:
                events = _events(tx, engagement_id, now, hashed, number)
                taken = store.take_in(tx, recording.recording_id, events)
                store.note_chunk(
                    tx, engagement_id, recording.recording_id, taken.accepted, taken.already_known
                )
                failpoint("import.before_chunk_commit")
        failpoint("import.after_chunk")
        done += len(chunk)
        progress(done)
    if file.fingerprint != looked.fingerprint:
        raise Refusal.of(
            source.path.name,
            "The file changed while it was read.",
            "Start it again when nothing writes to the file any more.",
        )


def _locked(
    tx: Transaction, engagement_id: EngagementId, recording_id: RecordingId
) -> store.Recording:
    recording = store.lock_recording(tx, engagement_id, recording_id)
    if recording.abandoned_at is not None:
        what = "This import was given up meanwhile."
        raise Refusal.of(recording.source, what, "Start it again to take the file in.")
    return recording


def _events_rows(file: CsvFile, reader: RowReader, source: _Source) -> Iterator[EventRow]:
    for raw in file.rows():
        row = reader.read(raw.cells)
        if isinstance(row, Fault):
            where = f"{source.path.name}:{raw.line}"
            raise Refusal.of(where, "The file changed while it was read.", row.what)
        yield row


def _chunks(rows: Iterable[EventRow]) -> Iterator[Sequence[EventRow]]:
    rows = iter(rows)
    while chunk := tuple(islice(rows, CHUNK_ROWS)):
        yield chunk


def _events(
    tx: Transaction,
    engagement_id: EngagementId,
    recording: store.Recording,
    rows: Iterable[tuple[bytes, EventRow]],
    chunk: int,
) -> Iterator[tuple[bytes, NewEvent]]:
    for position, (row_hash, row) in enumerate(rows, start=chunk * CHUNK_ROWS + 1):
        envelope = Envelope(
            engagement_id=engagement_id,
            event_id=EventId(new_id(tx.at)),
            recording_id=recording.recording_id,
            position=position,
            type=EVENT_TYPE,
            subject=row.case,
            happened_at=row.happened_at,
            recorded_at=recording.opened_at,
            recorded_by=recording.opened_by,
        )
        yield row_hash, new_event(envelope, _salted(row.facts), _salted(row.content))


def _salted(values: Mapping[str, object]) -> Committed:
    return Committed(values, secrets.token_bytes(SALT_BYTES * len(values)))


def _complete(
    database: Database, context: Context, engagement_id: EngagementId, recording_id: RecordingId
) -> store.Recording:
    failpoint("import.before_completion")
    with database.transaction(context) as tx:
        recording = _locked(tx, engagement_id, recording_id)
        if recording.completed_at is None:
            store.complete_recording(tx, engagement_id, recording_id)
    failpoint("import.after_completion")
    with database.transaction(context) as tx:
        store.refresh_statistics(tx)
    return recording
