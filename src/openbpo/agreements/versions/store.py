"""The only SQL that names the tables of agreements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from psycopg.types.range import DateRange

from openbpo.agreements.model import Side
from openbpo.agreements.versions.model import InForce, Proposed, Standing
from openbpo.storage.database import Transaction
from openbpo.storage.identifiers import new_id
from openbpo.trust.keys import SigningKey
from openbpo.values.ids import EngagementId, PartyId, VersionId
from openbpo.values.refusals import Refusal
from openbpo.values.spans import Span


@dataclass(frozen=True, slots=True)
class _InForceRow:
    in_force_id: UUID
    version_id: VersionId
    number: int
    standing: str
    first_day: date
    end_day: date | None
    supersedes: list[int]

    def as_model(self) -> InForce:
        days = Span(self.first_day, self.end_day)
        return InForce(
            self.in_force_id,
            self.version_id,
            self.number,
            Standing(self.standing),
            days,
            tuple(self.supersedes),
        )


@dataclass(frozen=True, slots=True)
class StoredSignature:
    """A side's signature under a version."""

    side: str
    party_id: PartyId
    key_id: str
    public_key: bytes
    signature: bytes


def add_engagement(
    tx: Transaction, engagement_id: EngagementId, handle: str, row_key: bytes
) -> None:
    """Add an engagement."""
    tx.execute(
        "INSERT INTO agreements.engagement (engagement_id, handle, row_key)"
        " VALUES (%(engagement_id)s, %(handle)s, %(row_key)s)",
        {"engagement_id": engagement_id, "handle": handle, "row_key": row_key},
    )


@dataclass(frozen=True, slots=True)
class _RowKey:
    row_key: bytes


def row_key(tx: Transaction, engagement_id: EngagementId) -> bytes:
    """Return the key of an engagement's row hashes."""
    found = tx.row(
        _RowKey,
        "SELECT row_key FROM agreements.engagement WHERE engagement_id = %(engagement_id)s",
        {"engagement_id": engagement_id},
    )
    assert found is not None, "an engagement that was granted exists"
    return bytes(found.row_key)


@dataclass(frozen=True, slots=True)
class _Handle:
    handle: str


def engagement_handle(tx: Transaction, engagement_id: EngagementId) -> str:
    """Return the name that whoever opened an engagement gave it."""
    found = tx.row(
        _Handle,
        "SELECT handle FROM agreements.engagement WHERE engagement_id = %(engagement_id)s",
        {"engagement_id": engagement_id},
    )
    assert found is not None, "an engagement that was granted exists"
    return found.handle


def lock_engagement(tx: Transaction, engagement_id: EngagementId) -> None:
    """Let one transaction at a time change which versions are in force."""
    tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%(engagement_id)s::text, 3))",
        {"engagement_id": engagement_id},
    )


_VERSION = (
    "SELECT version_id, number, supersedes, content_hash, files, resolved, semantics"
    " FROM agreements.version WHERE engagement_id = %(engagement_id)s"
)


def find_by_files(
    tx: Transaction, engagement_id: EngagementId, files: dict[str, str]
) -> Proposed | None:
    """Return the first version proposed with exactly these files."""
    found = tx.rows(
        Proposed,
        _VERSION + " AND files = %(files)s ORDER BY proposed_at, version_id LIMIT 1",
        {"engagement_id": engagement_id, "files": Jsonb(files)},
    )
    return found[0] if found else None


def find_version(tx: Transaction, engagement_id: EngagementId, version_id: VersionId) -> Proposed:
    """Return a version that exists."""
    found = tx.row(
        Proposed,
        _VERSION + " AND version_id = %(version_id)s",
        {"engagement_id": engagement_id, "version_id": version_id},
    )
    assert found is not None, version_id
    return found


@dataclass(frozen=True, slots=True)
class _Newest:
    version_id: VersionId


def newest_version(tx: Transaction, engagement_id: EngagementId) -> VersionId | None:
    """Return the version that governs the last days; where none does, the last one proposed."""
    found = tx.row(
        _Newest,
        "SELECT v.version_id FROM agreements.version v LEFT JOIN agreements.in_force f"
        "  ON f.engagement_id = v.engagement_id AND f.version_id = v.version_id"
        "   AND f.superseded_at IS NULL"
        " WHERE v.engagement_id = %(engagement_id)s"
        " ORDER BY f.days DESC NULLS LAST, v.number DESC, v.proposed_at DESC LIMIT 1",
        {"engagement_id": engagement_id},
    )
    return found.version_id if found else None


def find_by_hash(tx: Transaction, engagement_id: EngagementId, digest: bytes) -> Proposed:
    """Return the version that has a content hash; one that was signed exists."""
    found = tx.row(
        Proposed,
        _VERSION + " AND content_hash = %(digest)s",
        {"engagement_id": engagement_id, "digest": digest},
    )
    if found is None:
        raise Refusal.of(
            f"version {digest.hex()[:12]}",
            "It was signed, and the database does not hold it any more.",
            "Put the database back from a backup.",
        )
    return found


def add_version(
    tx: Transaction, engagement_id: EngagementId, version: Proposed, side: Side
) -> None:
    """Add a proposed version."""
    tx.execute(
        "INSERT INTO agreements.version (engagement_id, version_id, number, supersedes,"
        " content_hash, files, resolved, semantics, proposed_by, proposed_for)"
        " VALUES (%(engagement_id)s, %(version_id)s, %(number)s, %(supersedes)s,"
        " %(content_hash)s, %(files)s, %(resolved)s, %(semantics)s, %(proposed_by)s, %(side)s)",
        {
            "engagement_id": engagement_id,
            "version_id": version.version_id,
            "number": version.number,
            "supersedes": list(version.supersedes),
            "content_hash": version.content_hash,
            "files": Jsonb(version.files),
            "resolved": Jsonb(version.resolved),
            "semantics": version.semantics,
            "proposed_by": tx.context.principal,
            "side": side,
        },
    )


@dataclass(frozen=True, slots=True)
class _Count:
    versions: int


def count_versions(tx: Transaction, engagement_id: EngagementId) -> int:
    """Return how many versions were ever proposed."""
    found = tx.row(
        _Count,
        "SELECT count(*) AS versions FROM agreements.version"
        " WHERE engagement_id = %(engagement_id)s",
        {"engagement_id": engagement_id},
    )
    return found.versions if found else 0


def signatures(
    tx: Transaction, engagement_id: EngagementId, version_id: VersionId
) -> list[StoredSignature]:
    """Return who has signed a version."""
    return tx.rows(
        StoredSignature,
        "SELECT side, party_id, key_id, public_key, signature FROM agreements.signature"
        " WHERE engagement_id = %(engagement_id)s AND version_id = %(version_id)s"
        ' ORDER BY side COLLATE "C"',
        {"engagement_id": engagement_id, "version_id": version_id},
    )


@dataclass(frozen=True, slots=True)
class UsedKey:
    """A key that a side has signed with in an engagement."""

    side: str
    key_id: str
    public_key: bytes


def used_keys(tx: Transaction, engagement_id: EngagementId) -> list[UsedKey]:
    """Return the keys that were signed with in an engagement."""
    return tx.rows(
        UsedKey,
        "SELECT DISTINCT side, key_id, public_key FROM agreements.signature"
        " WHERE engagement_id = %(engagement_id)s",
        {"engagement_id": engagement_id},
    )


@dataclass(frozen=True, slots=True)
class _Party:
    party_id: PartyId


def party_of(tx: Transaction, engagement_id: EngagementId, side: Side) -> PartyId | None:
    """Return the party that signed last on a side, None where nobody did."""
    found = tx.row(
        _Party,
        "SELECT party_id FROM agreements.signature WHERE engagement_id = %(engagement_id)s"
        " AND side = %(side)s ORDER BY signed_at DESC, version_id DESC LIMIT 1",
        {"engagement_id": engagement_id, "side": side},
    )
    return found.party_id if found else None


def add_signature(
    tx: Transaction,
    engagement_id: EngagementId,
    version_id: VersionId,
    side: Side,
    key: SigningKey,
    signature: bytes,
) -> None:
    """Add a side's signature."""
    tx.execute(
        "INSERT INTO agreements.signature (engagement_id, version_id, side, party_id, key_id,"
        " public_key, signature, signed_by) VALUES (%(engagement_id)s, %(version_id)s, %(side)s,"
        " %(party_id)s, %(key_id)s, %(public_key)s, %(signature)s, %(signed_by)s)",
        {
            "engagement_id": engagement_id,
            "version_id": version_id,
            "side": side,
            "party_id": key.party_id,
            "key_id": key.public.key_id,
            "public_key": key.public.raw,
            "signature": signature,
            "signed_by": tx.context.principal,
        },
    )


def in_force(tx: Transaction, engagement_id: EngagementId) -> list[InForce]:
    """Return which version governs which days, as far as anyone has signed."""
    rows = tx.rows(
        _InForceRow,
        "SELECT f.in_force_id, f.version_id, v.number, f.standing, lower(f.days) AS first_day,"
        " upper(f.days) AS end_day, v.supersedes FROM agreements.in_force f"
        " JOIN agreements.version v USING (engagement_id, version_id)"
        " WHERE engagement_id = %(engagement_id)s AND f.superseded_at IS NULL ORDER BY f.days",
        {"engagement_id": engagement_id},
    )
    return [row.as_model() for row in rows]


def supersede(tx: Transaction, engagement_id: EngagementId, row: InForce) -> None:
    """Let a row hold no longer; it stays, for who asks what held before."""
    tx.execute(
        "UPDATE agreements.in_force SET superseded_at = transaction_timestamp()"
        " WHERE engagement_id = %(engagement_id)s AND in_force_id = %(in_force_id)s",
        {"engagement_id": engagement_id, "in_force_id": row.in_force_id},
    )


def add_in_force(
    tx: Transaction,
    engagement_id: EngagementId,
    version_id: VersionId,
    standing: Standing,
    days: Span[date],
) -> None:
    """Let a version govern some days."""
    parameters: dict[str, Any] = {
        "engagement_id": engagement_id,
        "in_force_id": new_id(tx.at),
        "version_id": version_id,
        "standing": standing.value,
        "days": DateRange(days.start, days.end, "[)"),
    }
    tx.execute(
        "INSERT INTO agreements.in_force (engagement_id, in_force_id, version_id, standing, days)"
        " VALUES (%(engagement_id)s, %(in_force_id)s, %(version_id)s, %(standing)s, %(days)s)",
        parameters,
    )


@dataclass(frozen=True, slots=True)
class Head:
    """A version without its files: who proposed it, when, and for which side."""

    version_id: VersionId
    number: int
    supersedes: list[int]
    content_hash: bytes
    proposed_at: datetime
    proposed_by: str
    proposed_for: str


def heads(tx: Transaction, engagement_id: EngagementId) -> list[Head]:
    """Return every version that was proposed, in that order."""
    return tx.rows(
        Head,
        "SELECT version_id, number, supersedes, content_hash, proposed_at, proposed_by,"
        " proposed_for FROM agreements.version WHERE engagement_id = %(engagement_id)s"
        " ORDER BY proposed_at, version_id",
        {"engagement_id": engagement_id},
    )


@dataclass(frozen=True, slots=True)
class SignedAt:
    """Who signed which version, when, by which key."""

    version_id: VersionId
    side: str
    key_id: str
    signed_by: str
    signed_at: datetime


def all_signatures(tx: Transaction, engagement_id: EngagementId) -> list[SignedAt]:
    """Return all signatures under versions of an engagement, in their order."""
    return tx.rows(
        SignedAt,
        "SELECT version_id, side, key_id, signed_by, signed_at FROM agreements.signature"
        ' WHERE engagement_id = %(engagement_id)s ORDER BY signed_at, side COLLATE "C"',
        {"engagement_id": engagement_id},
    )
