"""
Replay: everything of an engagement recomputed from its stored lines, and compared with the rest.

The lines are those that an evidence pack would hold; they are judged as a pack is, against the
sealing keys of this installation and the witness. Then what the database answers from its indexed
columns is compared with what the lines say.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest

from openbpo.agreements.versions.model import Terms
from openbpo.agreements.versions.queries import terms_in_force
from openbpo.evidence.packs.model import Misfit
from openbpo.evidence.packs.reading import Integrity, split_line
from openbpo.evidence.packs.verifying import PackReading
from openbpo.evidence.packs.writing import PackWriter, Wanted
from openbpo.evidence.proving.decisions import Difference
from openbpo.evidence.proving.standing import Stored
from openbpo.record.checkpoints import SignedNote, Tree, origin_of
from openbpo.record.queries import corrections, events_of_active_cases
from openbpo.record.sealing.store import Sealed
from openbpo.record.witness import FolderWitness, Unreachable, Witness
from openbpo.storage.database import Transaction
from openbpo.trust.key_rings import KeyRing
from openbpo.values.ids import EngagementId
from openbpo.values.refusals import Refusal
from openbpo.values.spans import Span

EVER = Span(datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What was recomputed, and where the database holds something else."""

    leaves: int
    events: int
    periods: int
    witnessed: int
    readings: int
    root: str
    differences: tuple[Difference, ...]


def replay(
    tx: Transaction,
    engagement_id: EngagementId,
    sealed: Sealed,
    handle: str,
    terms: tuple[Terms, ...],
    *,
    keys: KeyRing,
    witness: Witness | None,
) -> Replayed:
    """
    Recompute an engagement's record up to a checkpoint.

    Raises Refusal naming the first line that does not fit, or the witness's checkpoint that the
    record does not go on from.
    """
    integrity = Integrity(keys)
    notes = _witnessed(witness, engagement_id)
    for note in notes:
        integrity.roots_wanted[note.checkpoint.size] = note.checkpoint.root
    reading = PackReading(integrity)
    wanted = Wanted(handle=handle, audience=None, private={}, periods=None, terms=terms)
    writer = PackWriter(tx, engagement_id, sealed, wanted)
    try:
        for number, raw in enumerate(writer.lines(tx.at), start=1):
            line = split_line(number, raw + b"\n")
            integrity.check(line)
            reading.take(line)
        integrity.finish()
        reading.finish()
    except Misfit as misfit:
        what = misfit.what.replace("The earlier pack", "The witness")
        raise Refusal.of(
            f"{handle}, line {misfit.line} of its pack",
            what.replace("the earlier pack", "the witness"),
            "The database was changed. Put it back from a backup, and find out who changed it.",
        ) from misfit
    beside = Stored(tx, engagement_id, keys)
    of_access = Counted(beside.access())
    differences = [
        *reading.proving.differences,
        *_unlike(tx, engagement_id, reading, sealed.last_number),
        *_unlike_corrections(tx, engagement_id, reading, sealed.last_number),
        *_other_terms(terms_in_force(tx, engagement_id, handle), terms),
        *beside.unlike(),
        *beside.witnessed(notes, "record"),
        *of_access,
        *beside.witnessed(_witnessed(witness, engagement_id, "access"), "access"),
    ]
    return Replayed(
        leaves=integrity.frontier.size,
        events=reading.held.events,
        periods=reading.proving.recomputed,
        witnessed=len(notes),
        readings=of_access.count,
        root=bytes(sealed.root).hex(),
        differences=tuple(differences),
    )


class Counted:
    """Yields what a generator yields, and keeps the number that it returns."""

    def __init__(self, told: Generator[Difference, None, int]) -> None:
        self._told = told
        self.count = 0

    def __iter__(self) -> Iterator[Difference]:
        self.count = yield from self._told


def _witnessed(
    witness: Witness | None, engagement_id: EngagementId, tree: Tree = "record"
) -> list[SignedNote]:
    """Return the checkpoints that the witness holds: all of a folder's, the latest of another's."""
    if witness is None:
        return []
    origin = origin_of(engagement_id, tree)
    if isinstance(witness, FolderWitness):
        found = witness.all(origin)
    else:
        latest = witness.latest(origin)
        found = latest if isinstance(latest, Unreachable) else [latest] if latest else []
    if isinstance(found, Unreachable):
        raise Refusal.of(
            found.where, f"The witness cannot be asked: {found.why}", "Try again when it can."
        )
    return list(found)


def _other_terms(stored: tuple[Terms, ...], told: tuple[Terms, ...]) -> Iterator[Difference]:
    """Yield where the agreement's tables tell of other terms than the record's signatures."""
    for one, other in zip_longest(stored, told):
        theirs = [
            (terms.content_hash.hex()[:12], str(terms.days), terms.standing.value, terms.signed_by)
            for terms in (one, other)
            if terms is not None
        ]
        if len(set(theirs)) > 1 or len(theirs) == 1:
            yield Difference("record", "the terms in force", str(theirs[0]), str(theirs[-1]))


def _unlike(
    tx: Transaction, engagement_id: EngagementId, reading: PackReading, known: int
) -> Iterator[Difference]:
    """Yield the first event that the database answers otherwise than its lines."""
    lines = reading.held.everything(known)
    stored = events_of_active_cases(tx, engagement_id, EVER, known=known)
    for ours in stored:
        theirs = next(lines, None)
        if ours != theirs:
            told = f"{theirs.subject}, {theirs.happened_at}" if theirs else "nothing"
            yield Difference("record", ours.event_id, f"{ours.subject}, {ours.happened_at}", told)
            deque(stored, maxlen=0)  # an open stream would be in the way of the next
            return
    rest = next(lines, None)
    if rest is not None:
        yield Difference("record", rest.event_id, "nothing", f"{rest.subject}, {rest.happened_at}")


def _unlike_corrections(
    tx: Transaction, engagement_id: EngagementId, reading: PackReading, known: int
) -> Iterator[Difference]:
    """Yield the events that the database takes to be corrected otherwise than the lines tell."""
    stored = {
        (one.recording, one.ordinal): one.entry
        for one in corrections(tx, engagement_id, known=known)
    }
    told = reading.held.corrections()
    for place in sorted({*stored, *told}):
        ours, theirs = stored.get(place), told.get(place)
        if ours != theirs:
            which = f"the correction of event {place[0]}.{place[1]}"
            yield Difference("record", which, f"entry {ours}", f"entry {theirs}")
