"""
Importing a file: taken in by chunks, seen when all of it is in.

A chunk is one short transaction, and the recording counts the chunks that are done. So a kill
anywhere loses nothing: the same command goes on where it stopped, two at once do it together, and
until the recording is complete nobody sees any of it. Rows are read here while the server takes in
the chunk before; a row that cannot be read is set aside, and the others go on.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from openbpo.agreements.model import Agreement, Attribute, FileMapping
from openbpo.agreements.resolved import Resolved, from_facts, resolve
from openbpo.agreements.schema import did_you_mean
from openbpo.agreements.versions.model import Terms
from openbpo.agreements.versions.queries import agreement_of, row_key, terms_in_force
from openbpo.delivery.intake.decisions import RowReader, ToldRow
from openbpo.delivery.intake.files.content import Content
from openbpo.delivery.intake.files.model import FileFormat
from openbpo.delivery.intake.files.opening import AnyFile, open_rows
from openbpo.delivery.intake.files.rejects import RejectWriter, reject_path
from openbpo.delivery.intake.model import Fault, Imported, Looked, RawRow, refused_rows
from openbpo.record import store
from openbpo.record.decisions import Row, RowKeys, RowKeysOfBefore, new_events
from openbpo.record.journal import enter
from openbpo.record.lines import LEAF_ENCODING
from openbpo.record.model import NewEvent
from openbpo.storage.database import Context, Database, Transaction
from openbpo.storage.failpoints import failpoint
from openbpo.storage.identifiers import new_id
from openbpo.values.canonical import instant_text
from openbpo.values.cycles import without_looking_for_cycles
from openbpo.values.ids import EngagementId, RecordingId, VersionId
from openbpo.values.refusals import Refusal
from openbpo.values.zones import Zone

CHUNK_ROWS = 10_000
FAULTS_SHOWN = 20

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class _Source:
    """A file with everything that it takes to read it the same way twice."""

    path: Path
    mapping: FileMapping
    attributes: Mapping[str, Attribute]
    zones: Mapping[str, Zone]

    def open(self) -> tuple[AnyFile, RowReader]:
        """Return the file and what reads its rows; raises Refusal where they do not fit."""
        mapping = self.mapping
        form = FileFormat(
            format=mapping.format,
            encoding=mapping.encoding or "utf-8",
            delimiter=mapping.delimiter,
            quote=mapping.quote,
            sheet=mapping.sheet,
        )
        file = open_rows(self.path, form, [column.name for column in mapping.columns])
        where = f"{self.path.name}:1"
        return file, RowReader(mapping, self.attributes, self.zones, file.header, where=where)


@dataclass(slots=True)
class _Tally:
    """What was read of a file so far: rows, and those that were refused."""

    read: int = 0
    refused: int = 0
    out_of_order: int = 0
    faults: list[tuple[int, Fault]] = field(default_factory=list)
    set_aside: Callable[[], RejectWriter] | None = None
    rejects: RejectWriter | None = None

    def refuse(self, row: RawRow, fault: Fault) -> None:
        """Note a row that cannot be taken, and set it aside: in a file that the first one makes."""
        self.refused += 1
        if self.rejects is None and self.set_aside is not None:
            self.rejects = self.set_aside()
        if len(self.faults) < FAULTS_SHOWN:
            self.faults.append((row.line, fault))
        if self.rejects is not None:
            self.rejects.add(row, f"{fault.what} {fault.remedy}")


def import_file(
    database: Database,
    context: Context,
    *,
    engagement_id: EngagementId,
    handle: str,
    path: Path,
    mapping_id: str | None = None,
    rejects: Path | None = None,
    progress: Progress = lambda _rows: None,
) -> Imported:
    """
    Take in a file's rows as events; done twice, it does nothing the second time.

    Rows with a fault are set aside and counted. Raises Refusal, and shows nothing of the file, when
    it cannot be read to its end, no version is in force, or another import is unfinished.
    """
    acting = context.within(engagement_id)
    with database.transaction(acting) as tx:
        terms = terms_in_force(tx, engagement_id, handle)[-1]
        key = row_key(tx, engagement_id)
    source = _source(path, terms.agreement, terms.resolved, mapping_id)
    fingerprint = _fingerprint(source)
    with database.transaction(acting) as tx:
        _refuse_other_identity(tx, engagement_id, source.mapping, terms.version_id)
        recording, was_known = _open_recording(tx, engagement_id, source, fingerprint, terms)
    failpoint("import.after_opening")
    tally = _Tally()
    written = None
    if not was_known:
        taking = _Taking(database, acting, engagement_id, recording, source)
        try:
            written = taking.take_in(key, tally, rejects or reject_path(path), progress)
        except Refusal:  # the file is not what it was taken for: none of it may stay
            _give_up(database, acting, engagement_id, recording.recording_id)
            raise
        recording = _complete(database, acting, engagement_id, recording, terms, tally)
    return Imported(
        source=path.name,
        read=recording.read,
        accepted=recording.accepted,
        corrected=recording.corrected,
        already_known=recording.already_known,
        refused=recording.refused,
        out_of_order=recording.out_of_order,
        was_known=was_known,
        faults=tuple(tally.faults),
        rejects=written,
    )


def look_through(path: Path, agreement: Agreement, *, mapping_id: str | None = None) -> Looked:
    """
    Return how many rows of a file an agreement's mapping reads; nothing is taken in.

    Raises Refusal when the file cannot be read to its end.
    """
    resolved = from_facts(agreement, resolve(agreement))
    tally = _Tally()
    source = _source(path, agreement, resolved, mapping_id)
    for _ in _told_rows(source, *source.open(), tally):
        pass
    return Looked(rows=tally.read, refused=tally.refused, faults=tuple(tally.faults))


def abandon(
    database: Database, context: Context, *, engagement_id: EngagementId, handle: str
) -> str:
    """Give up the unfinished import; nothing of it was ever seen. Returns its file's name."""
    with database.transaction(context.within(engagement_id)) as tx:
        store.lock_recordings(tx, engagement_id)
        recording = store.open_recording(tx, engagement_id)
        if recording is None:
            raise Refusal.of(handle, "No import is unfinished.", "There is nothing to give up.")
        store.abandon_recording(tx, engagement_id, recording)
        return recording.source


def _give_up(
    database: Database, context: Context, engagement_id: EngagementId, recording_id: RecordingId
) -> None:
    with database.transaction(context) as tx:
        recording = store.lock_recording(tx, engagement_id, recording_id)
        if recording.completed_at is None and recording.abandoned_at is None:
            store.abandon_recording(tx, engagement_id, recording)


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
    return _Source(path, mapping, agreement.attributes, resolved.zones)


def _fingerprint(source: _Source) -> bytes:
    source.open()
    content = Content(source.path)
    for _ in content.blocks():
        pass
    return content.fingerprint


def _refuse_changed(source: _Source, file: AnyFile, fingerprint: bytes) -> None:
    if file.changed() or file.fingerprint != fingerprint:
        raise Refusal.of(
            source.path.name,
            "The file changed while it was read.",
            "Start it again when nothing writes to the file any more.",
        )


def _told_rows(source: _Source, file: AnyFile, reader: RowReader, tally: _Tally) -> Iterator[Row]:
    """Yield the rows that can be taken, each with its number in the file; refuse the others."""
    for position, raw in enumerate(file.rows(), start=1):
        tally.read = position
        told = _told(reader, raw)
        if isinstance(told, Fault):
            tally.refuse(raw, told)
        else:
            tally.out_of_order += told.out_of_order
            content = _what_it_tells(told) if source.mapping.key else told.content
            yield Row(position, told.key, content, told.events)
    if tally.read == 0:
        raise Refusal.of(source.path.name, "The file has a header but no rows.", "Export it again.")


def _what_it_tells(row: ToldRow) -> str:
    """
    Return what a row with a key is compared by: what it tells, not how the file writes it.

    So a mapping that was mended corrects the rows that it now reads otherwise.
    """
    told = [
        [e.type, e.subject, e.happened_at.isoformat(), e.facts, e.private, e.content, e.rank]
        for e in row.events
    ]
    return json.dumps(told)


def _refuse_if_none_is_taken(source: _Source, tally: _Tally) -> None:
    """Where every row has a fault, the mapping is not this file's."""
    if tally.refused == tally.read:
        raise refused_rows(source.path.name, tally.refused, tally.faults)


def _told(reader: RowReader, raw: RawRow) -> ToldRow | Fault:
    if raw.fault is not None:
        return raw.fault
    told = reader.read(raw.cells)
    if isinstance(told, ToldRow) and not told.content.isascii():
        try:
            told.content.encode()
        except UnicodeEncodeError:
            return Fault("A cell holds half a character.", "Export the file again as UTF-8.")
    return told


def _open_recording(
    tx: Transaction,
    engagement_id: EngagementId,
    source: _Source,
    fingerprint: bytes,
    terms: Terms,
) -> tuple[store.Recording, bool]:
    """Return the recording to add to, and whether it was already complete."""
    store.lock_recordings(tx, engagement_id)
    mapping = source.mapping.id
    known = store.completed_recording(tx, engagement_id, fingerprint, mapping)
    if known is not None and not _may_read_otherwise(known, terms.version_id):
        return known, True
    unfinished = store.open_recording(tx, engagement_id)
    if unfinished is None:
        recording_id = RecordingId(new_id(tx.at))
        store.add_recording(
            tx,
            engagement_id,
            recording_id=recording_id,
            source=source.path.name,
            fingerprint=fingerprint,
            mapping=mapping,
            identity="key" if source.mapping.key else "cells",
            version_id=terms.version_id,
        )
        return store.lock_recording(tx, engagement_id, recording_id), False
    _refuse_other_import(unfinished, source, fingerprint, terms.version_id)
    return unfinished, False


def _may_read_otherwise(known: store.Recording, version_id: VersionId) -> bool:
    """Tell whether a later version's mapping might take refused rows, or correct taken ones."""
    return known.version_id != version_id and (known.refused > 0 or known.identity == "key")


def _refuse_other_identity(
    tx: Transaction, engagement_id: EngagementId, mapping: FileMapping, version_id: VersionId
) -> None:
    """Under other columns no row is known again, and what both have would come in twice."""
    for other in store.versions_recorded_by(tx, engagement_id, mapping.id):
        if other == version_id:
            continue
        before = agreement_of(tx, engagement_id, other).mappings.get(mapping.id)
        if before is None or (before.key or before.columns) == (mapping.key or mapping.columns):
            continue
        names = ", ".join(column.name for column in before.key or before.columns)
        raise Refusal.of(
            f"mapping {mapping.id}",
            f"Rows in the record are known again by other columns ({names}) than this version's: "
            "those that the file has too would come in a second time.",
            "Keep these columns; or give the changed mapping an id of its own, and import only "
            "rows that the record does not have.",
        )


def _refuse_other_import(
    unfinished: store.Recording, source: _Source, fingerprint: bytes, version_id: VersionId
) -> None:
    """Only the very import that was begun goes on: the same content, mapping and version."""
    if (unfinished.fingerprint, unfinished.mapping) != (fingerprint, source.mapping.id):
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


@dataclass(frozen=True, slots=True)
class _Taking:
    """An open recording that is being filled from its file."""

    database: Database
    context: Context
    engagement_id: EngagementId
    recording: store.Recording
    source: _Source

    def take_in(self, key: bytes, tally: _Tally, rejects: Path, progress: Progress) -> Path | None:
        """Take the file in, and return the file of its refused rows if there are any."""
        file, reader = self.source.open()
        is_resumed = self.recording.chunks_done > 0
        replaced = is_resumed and rejects == reject_path(self.source.path)
        with ExitStack() as stack:
            tally.set_aside = lambda: stack.enter_context(
                RejectWriter(file, rejects, replace=replaced)
            )
            rows = _told_rows(self.source, file, reader, tally)
            self._take_in(self._keys(key), rows, progress)
            _refuse_changed(self.source, file, self.recording.fingerprint)
            _refuse_if_none_is_taken(self.source, tally)
        return tally.rejects.path if tally.rejects is not None else None

    def _keys(self, key: bytes) -> RowKeys:
        """Return what rows are known again by: as the record has it from its beginning."""
        if self.recording.identity == "cells":
            with self.database.transaction(self.context) as tx:
                if store.began_before(tx, self.engagement_id, LEAF_ENCODING):
                    return RowKeysOfBefore(key)
        return RowKeys(key, self.source.mapping.id)

    def _take_in(self, keys: RowKeys, told: Iterator[Row], progress: Progress) -> None:
        """Read the file's rows, and have the server take in one chunk while the next is read."""
        with ThreadPoolExecutor(1) as server, without_looking_for_cycles():
            under_way: Future[None] | None = None
            for number, rows in enumerate(_chunks(told)):
                events = new_events(self.source.mapping.kind, keys, rows, secrets.token_bytes)
                if under_way is not None:
                    under_way.result()
                under_way = server.submit(self._add, number, events)
                progress(rows[-1].position)
            if under_way is not None:
                under_way.result()

    def _add(self, number: int, events: list[NewEvent]) -> None:
        with self.database.transaction(self.context) as tx:
            store.wait_for_no_disk(tx)
            now = _locked(tx, self.engagement_id, self.recording.recording_id)
            if now.chunks_done == number and now.completed_at is None:
                store.take_in(tx, now.number, self.source.mapping.kind, events)
                failpoint("import.before_chunk_commit")
        failpoint("import.after_chunk")


def _locked(
    tx: Transaction, engagement_id: EngagementId, recording_id: RecordingId
) -> store.Recording:
    recording = store.lock_recording(tx, engagement_id, recording_id)
    if recording.abandoned_at is not None:
        what = "This import was given up meanwhile."
        raise Refusal.of(recording.source, what, "Start it again to take the file in.")
    return recording


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Yield the rows by chunks: where one ends is told by the rows' numbers in the file alone."""
    chunk: list[Row] = []
    end = CHUNK_ROWS
    for row in rows:
        while row.position > end:
            if chunk:
                yield chunk
                chunk = []
            end += CHUNK_ROWS
        chunk.append(row)
    if chunk:
        yield chunk


def _complete(
    database: Database,
    context: Context,
    engagement_id: EngagementId,
    recording: store.Recording,
    terms: Terms,
    tally: _Tally,
) -> store.Recording:
    failpoint("import.before_completion")
    with database.transaction(context) as tx:
        now = _locked(tx, engagement_id, recording.recording_id)
        if now.completed_at is None:
            told = _recording_told(now, terms, tally)
            entry = enter(
                tx, engagement_id, "recording", told, recording=now.number, events=now.events
            )
            store.complete_recording(
                tx,
                engagement_id,
                now,
                entry=entry.entry,
                read=tally.read,
                refused=tally.refused,
                out_of_order=tally.out_of_order,
            )
        now = store.lock_recording(tx, engagement_id, recording.recording_id)
    failpoint("import.after_completion")
    with database.transaction(context) as tx:
        store.refresh_statistics(tx)
    return now


def _recording_told(recording: store.Recording, terms: Terms, tally: _Tally) -> dict[str, object]:
    return {
        "recording": recording.number,
        "source": recording.source,
        "fingerprint": recording.fingerprint.hex(),
        "mapping": recording.mapping,
        "version": terms.content_hash.hex(),
        "identity": recording.identity,
        "encoding": LEAF_ENCODING,
        "opened_at": instant_text(recording.opened_at),
        "read": tally.read,
        "accepted": recording.accepted,
        "corrected": recording.corrected,
        "already_known": recording.already_known,
        "refused": tally.refused,
        "out_of_order": tally.out_of_order,
        "events": recording.events,
    }
