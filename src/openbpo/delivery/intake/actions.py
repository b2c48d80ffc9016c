"""
Importing a file: taken in by chunks, seen when all of it is in.

A chunk is one short transaction, and the recording counts the chunks that are done. So a kill
anywhere loses nothing: the same command goes on where it stopped, two at once do it together, and
until the recording is complete nobody sees any of it. A row that cannot be read is set aside, and
the others go on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from openbpo.agreements.model import Agreement, FileMapping
from openbpo.agreements.resolved import from_facts, resolve
from openbpo.agreements.versions.model import Terms
from openbpo.agreements.versions.queries import agreement_of, row_key, terms_in_force
from openbpo.delivery.intake.files.rejects import reject_path
from openbpo.delivery.intake.model import Imported, Looked
from openbpo.delivery.intake.reading import Read, Reading, Source, Tally, find_source, told_rows
from openbpo.delivery.intake.reading_ahead import chunks_of
from openbpo.record import store
from openbpo.record.journal import enter
from openbpo.record.lines import LEAF_ENCODING
from openbpo.storage.database import Context, Database, Transaction
from openbpo.storage.failpoints import failpoint
from openbpo.storage.identifiers import new_id
from openbpo.values.canonical import instant_text
from openbpo.values.ids import EngagementId, RecordingId, VersionId
from openbpo.values.refusals import Refusal

Progress = Callable[[int], None]


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
    source = find_source(path, terms.agreement, terms.resolved, mapping_id)
    fingerprint = source.fingerprint()
    with database.transaction(acting) as tx:
        _refuse_other_identity(tx, engagement_id, source.mapping, terms.version_id)
        recording, was_known = _open_recording(tx, engagement_id, source, fingerprint, terms)
    failpoint("import.after_opening")
    read = Read(Tally(), None)
    if not was_known:
        taking = _Taking(database, acting, engagement_id, recording, source)
        try:
            read = taking.take_in(key, rejects, progress)
        except Refusal:  # the file is not what it was taken for: none of it may stay
            _give_up(database, acting, engagement_id, recording.recording_id)
            raise
        recording = _complete(database, acting, engagement_id, recording, terms, read.tally)
    return Imported(
        source=path.name,
        read=recording.read,
        accepted=recording.accepted,
        corrected=recording.corrected,
        already_known=recording.already_known,
        refused=recording.refused,
        out_of_order=recording.out_of_order,
        was_known=was_known,
        faults=tuple(read.tally.faults),
        rejects=read.rejects,
    )


def look_through(path: Path, agreement: Agreement, *, mapping_id: str | None = None) -> Looked:
    """
    Return how many rows of a file an agreement's mapping reads; nothing is taken in.

    Raises Refusal when the file cannot be read to its end.
    """
    resolved = from_facts(agreement, resolve(agreement))
    tally = Tally()
    source = find_source(path, agreement, resolved, mapping_id)
    for _ in told_rows(source, *source.open(), tally):
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


def _open_recording(
    tx: Transaction,
    engagement_id: EngagementId,
    source: Source,
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
    unfinished: store.Recording, source: Source, fingerprint: bytes, version_id: VersionId
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
    source: Source

    def take_in(self, key: bytes, rejects: Path | None, progress: Progress) -> Read:
        """Take the file in, and return what was read."""
        usual = reject_path(self.source.path)
        reading = Reading(
            source=self.source,
            fingerprint=self.recording.fingerprint,
            key=key,
            is_of_before=self._is_of_before(),
            rejects=rejects or usual,
            replaces_rejects=self.recording.chunks_done > 0 and rejects in {None, usual},
        )
        with chunks_of(reading) as chunks:
            for number, told in enumerate(chunks):
                if isinstance(told, Read):
                    return told
                self._add(number, told.events)
                progress(told.last)
        raise AssertionError("the outcome comes last")

    def _is_of_before(self) -> bool:
        if self.recording.identity != "cells":
            return False
        with self.database.transaction(self.context) as tx:
            return store.began_before(tx, self.engagement_id, LEAF_ENCODING)

    def _add(self, number: int, events: store.PackedEvents) -> None:
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


def _complete(
    database: Database,
    context: Context,
    engagement_id: EngagementId,
    recording: store.Recording,
    terms: Terms,
    tally: Tally,
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


def _recording_told(recording: store.Recording, terms: Terms, tally: Tally) -> dict[str, object]:
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
