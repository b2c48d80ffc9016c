"""Which terms compute a day or a period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from openbpo.agreements.files import Files
from openbpo.agreements.model import Agreement, Side
from openbpo.agreements.versions import store
from openbpo.agreements.versions.decisions import governing
from openbpo.agreements.versions.model import InForce, Proposed, Terms, standing_of
from openbpo.agreements.versions.replaying import (
    FOR_EVER,
    ReadVersion,
    changed,
    read_version,
    refuse_unsigned,
    signatures_told,
    terms_after,
)
from openbpo.agreements.versions.store import (
    Head,
    SignedAt,
    engagement_handle,
    newest_version,
    party_of,
    row_key,
    used_keys,
)
from openbpo.record.queries import entries
from openbpo.storage.database import Transaction
from openbpo.trust.keys import PublicKey
from openbpo.values.ids import EngagementId, VersionId
from openbpo.values.refusals import Refusal
from openbpo.values.spans import Span


def terms_in_force(tx: Transaction, engagement_id: EngagementId, handle: str) -> tuple[Terms, ...]:
    """
    Return every version that governs some day, in the order of their days.

    Raises Refusal when nobody has accepted one.
    """
    rows = governing(FOR_EVER, store.in_force(tx, engagement_id))
    if not rows:
        proposed = store.count_versions(tx, engagement_id)
        what = f"{proposed} proposed, none accepted." if proposed else "None was proposed."
        raise Refusal.of(
            handle,
            f"No version of this agreement is in force: {what}",
            "Accept it: openbpo accept FOLDER --as provider (or client).",
        )
    return tuple(_terms(tx, engagement_id, row) for row in rows)


def _terms(tx: Transaction, engagement_id: EngagementId, row: InForce) -> Terms:
    version = read_version(store.find_version(tx, engagement_id, row.version_id))
    signed_by = _signed_as_stored(tx, engagement_id, version)
    if not signed_by or standing_of(frozenset(signed_by)) is not row.standing:
        raise changed(version.stored.number)
    return Terms(
        version_id=version.stored.version_id,
        content_hash=bytes(version.stored.content_hash),
        standing=row.standing,
        signed_by=signed_by,
        days=row.days,
        agreement=version.agreement,
        resolved=version.resolved,
    )


def _signed_as_stored(
    tx: Transaction, engagement_id: EngagementId, version: ReadVersion
) -> tuple[str, ...]:
    """Return who signed a stored version, each with a signature that its key made."""
    engagement = store.engagement_handle(tx, engagement_id)
    signatures = store.signatures(tx, engagement_id, version.stored.version_id)
    for found in signatures:
        side: Side = "client" if found.side == "client" else "provider"
        key = PublicKey(found.key_id, found.public_key)
        refuse_unsigned(engagement, version, side, key, found.signature)
    return tuple(found.side for found in signatures)


def terms_known(tx: Transaction, engagement_id: EngagementId, *, known: int) -> tuple[Terms, ...]:
    """Return the terms that the record's signatures up to an entry put in force."""
    signatures = [
        signed
        for signed in signatures_told(entries(tx, engagement_id, act="signature"))
        if signed.entry <= known
    ]
    hashes = {signed.content_hash for signed in signatures}
    stored = {digest: store.find_by_hash(tx, engagement_id, digest) for digest in hashes}
    versions = {digest: read_version(version) for digest, version in stored.items()}
    return terms_after(store.engagement_handle(tx, engagement_id), versions, signatures)


def last_signature(tx: Transaction, engagement_id: EngagementId, *, known: int) -> int:
    """Return the last entry, up to one, in which a version was signed; 0 if none was."""
    signed = entries(tx, engagement_id, act="signature")
    return max((entry.entry for entry in signed if entry.entry <= known), default=0)


def versions_signed(tx: Transaction, engagement_id: EngagementId, *, known: int) -> list[Proposed]:
    """Return the versions that were signed up to an entry, as they are stored, in that order."""
    signed = signatures_told(entries(tx, engagement_id, act="signature"))
    hashes = dict.fromkeys(one.content_hash for one in signed if one.entry <= known)
    return [store.find_by_hash(tx, engagement_id, digest) for digest in hashes]


def agreement_of(tx: Transaction, engagement_id: EngagementId, version_id: VersionId) -> Agreement:
    """Return the terms of a version, in force or not."""
    return read_version(store.find_version(tx, engagement_id, version_id)).agreement


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionStands:
    """
    A version as it stands: who proposed and signed it, and which days it governs now.

    `claims` are the days that it was signed for and has not given up: of a reading also those on
    which an agreed version prevails.
    """

    head: Head
    signatures: tuple[SignedAt, ...]
    days: tuple[Span[date], ...]
    claims: tuple[Span[date], ...]

    @property
    def signed_by(self) -> frozenset[str]:
        """Return the sides that have signed it."""
        return frozenset(one.side for one in self.signatures)

    @property
    def short(self) -> str:
        """Return the beginning of its content hash, by which it is named in addresses."""
        return bytes(self.head.content_hash).hex()[:12]


def versions(tx: Transaction, engagement_id: EngagementId) -> list[VersionStands]:
    """Return every version that was proposed, in that order, as it stands."""
    signed = store.all_signatures(tx, engagement_id)
    held = store.in_force(tx, engagement_id)
    rows = governing(FOR_EVER, held)
    return [
        VersionStands(
            head=head,
            signatures=tuple(one for one in signed if one.version_id == head.version_id),
            days=tuple(row.days for row in rows if row.version_id == head.version_id),
            claims=tuple(row.days for row in held if row.version_id == head.version_id),
        )
        for head in store.heads(tx, engagement_id)
    ]


def version_read(
    tx: Transaction, engagement_id: EngagementId, version_id: VersionId
) -> ReadVersion:
    """Return a version with its files read. Raises Refusal where they are not what was stored."""
    return read_version(store.find_version(tx, engagement_id, version_id))


def files_of(tx: Transaction, engagement_id: EngagementId, version_id: VersionId) -> Files:
    """Return a version's files as they were proposed."""
    stored = store.find_version(tx, engagement_id, version_id)
    return {name: text.encode("utf-8") for name, text in stored.files.items()}


__all__ = [
    "Head",
    "ReadVersion",
    "SignedAt",
    "agreement_of",
    "engagement_handle",
    "files_of",
    "last_signature",
    "newest_version",
    "party_of",
    "row_key",
    "terms_in_force",
    "terms_known",
    "used_keys",
    "version_read",
    "versions",
    "versions_signed",
]
