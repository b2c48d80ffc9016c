"""What the sealer reads and writes: leaves, entries, readings, checkpoints. Nothing of events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from openbpo.record.checkpoints import Tree
from openbpo.storage.database import Transaction
from openbpo.values.ids import EngagementId

LEAVES_AT_A_TIME = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A checkpoint as it is stored."""

    size: int
    root: bytes
    subtrees: bytes
    last_number: int
    note: str
    sealed_at: datetime


@dataclass(frozen=True, slots=True)
class Horizon:
    """Below which transaction nothing can become visible any more, and what time it is."""

    xmin: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """An entry or a reading that waits to be sealed."""

    number: int
    recording: int | None
    events: int
    first_sequence: int | None
    told: str
    leaf: bytes


@dataclass(frozen=True, slots=True)
class _Id:
    engagement_id: UUID


@dataclass(frozen=True, slots=True)
class _Leaves:
    count: int
    leaves: bytes | None


_SEALED = (
    "SELECT size, root, subtrees, last_number, note, sealed_at FROM record.checkpoint"
    " WHERE engagement_id = %(engagement_id)s AND tree = %(tree)s"
)


def unsealed_engagements(tx: Transaction) -> list[EngagementId]:
    """Return the engagements that have something to seal."""
    found = tx.rows(_Id, "SELECT engagement_id FROM sec.unsealed_engagements() AS engagement_id")
    return sorted(EngagementId(one.engagement_id) for one in found)


def lock_sealing(tx: Transaction, engagement_id: EngagementId) -> None:
    """Let one sealer at a time seal an engagement."""
    tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%(engagement_id)s::text, 8))",
        {"engagement_id": engagement_id},
    )


def horizon(tx: Transaction) -> Horizon:
    """Return the oldest transaction that is still under way: what is older is all there is."""
    found = tx.row(
        Horizon,
        "SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xmin, clock_timestamp() AS now",
    )
    assert found is not None
    return found


def forget_sealed(tx: Transaction, below: Horizon) -> None:
    """Forget that the context's engagement waits, unless something came after the horizon."""
    tx.execute("SELECT sec.forget_sealed(%(xmin)s::xid8)", {"xmin": below.xmin})


def last_sealed(tx: Transaction, engagement_id: EngagementId, tree: Tree) -> Sealed | None:
    """Return the latest checkpoint of a tree."""
    return tx.row(
        Sealed,
        _SEALED + " ORDER BY size DESC LIMIT 1",
        {"engagement_id": engagement_id, "tree": tree},
    )


def sealed_at_size(
    tx: Transaction, engagement_id: EngagementId, tree: Tree, size: int
) -> Sealed | None:
    """Return the checkpoint of a tree of one size."""
    return tx.row(
        Sealed,
        _SEALED + " AND size = %(size)s",
        {"engagement_id": engagement_id, "tree": tree, "size": size},
    )


def all_sealed(tx: Transaction, engagement_id: EngagementId, tree: Tree) -> list[Sealed]:
    """Return all checkpoints of a tree, by size."""
    return tx.rows(
        Sealed, _SEALED + " ORDER BY size", {"engagement_id": engagement_id, "tree": tree}
    )


def lines_to_seal(
    tx: Transaction, engagement_id: EngagementId, tree: Tree, after: int, below: Horizon
) -> list[Line]:
    """Return the entries (or readings) after a number that stand below the horizon, in order."""
    params = {"engagement_id": engagement_id, "after": after, "xmin": below.xmin}
    if tree == "record":
        return tx.rows(
            Line,
            "SELECT entry AS number, recording, events, first_sequence, told, leaf"
            " FROM record.entry WHERE engagement_id = %(engagement_id)s AND entry > %(after)s"
            " AND entered_in < %(xmin)s::xid8 ORDER BY entry",
            params,
        )
    return tx.rows(
        Line,
        "SELECT number, NULL::integer AS recording, 0::bigint AS events,"
        " NULL::bigint AS first_sequence, told, leaf"
        " FROM record.reading WHERE engagement_id = %(engagement_id)s AND number > %(after)s"
        " AND entered_in < %(xmin)s::xid8 ORDER BY number",
        params,
    )


def leaves_of(
    tx: Transaction, engagement_id: EngagementId, recording: int, events: int
) -> Iterator[bytes]:
    """Yield the leaves of a recording's events in order, many at a time, 32 bytes each."""
    for first in range(1, events + 1, LEAVES_AT_A_TIME):
        found = tx.row(
            _Leaves,
            "SELECT count(*), string_agg(leaf, ''::bytea ORDER BY ordinal) AS leaves"
            " FROM record.event WHERE engagement_id = %(engagement_id)s"
            " AND recording = %(recording)s AND ordinal >= %(first)s AND ordinal < %(end)s",
            {
                "engagement_id": engagement_id,
                "recording": recording,
                "first": first,
                "end": first + LEAVES_AT_A_TIME,
            },
        )
        assert found is not None
        yield bytes(found.leaves or b"")


def add_sealed(tx: Transaction, engagement_id: EngagementId, tree: Tree, sealed: Sealed) -> None:
    """Add a checkpoint."""
    tx.execute(
        "INSERT INTO record.checkpoint (engagement_id, tree, size, root, subtrees, last_number,"
        " note, sealed_at) VALUES (%(engagement_id)s, %(tree)s, %(size)s, %(root)s, %(subtrees)s,"
        " %(last_number)s, %(note)s, %(sealed_at)s)",
        {
            "engagement_id": engagement_id,
            "tree": tree,
            "size": sealed.size,
            "root": sealed.root,
            "subtrees": sealed.subtrees,
            "last_number": sealed.last_number,
            "note": sealed.note,
            "sealed_at": sealed.sealed_at,
        },
    )
