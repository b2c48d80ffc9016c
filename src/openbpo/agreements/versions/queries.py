"""Which terms compute a day or a period."""

from __future__ import annotations

from datetime import date

from openbpo.agreements import semantics
from openbpo.agreements.files import Files, content_hash
from openbpo.agreements.model import Agreement, Side
from openbpo.agreements.reading import read_agreement
from openbpo.agreements.resolved import from_facts
from openbpo.agreements.versions import store
from openbpo.agreements.versions.decisions import governing
from openbpo.agreements.versions.model import InForce, Proposed, Statement, Terms, standing_of
from openbpo.agreements.versions.replaying import read_version, signatures_told, terms_after
from openbpo.agreements.versions.store import engagement_handle, row_key
from openbpo.record.queries import entries
from openbpo.storage.database import Transaction
from openbpo.trust.keys import PublicKey
from openbpo.values.ids import EngagementId, VersionId
from openbpo.values.refusals import Refusal
from openbpo.values.spans import Span

FOR_EVER = Span(date(1, 1, 1), None)


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
    version = store.find_version(tx, engagement_id, row.version_id)
    if version.semantics not in semantics.SUPPORTED:
        raise Refusal.of(
            f"version {version.number}",
            f"Its rules of computation, number {version.semantics}, are not in this OpenBPO.",
            "Install a newer OpenBPO.",
        )
    files = {name: text.encode() for name, text in version.files.items()}
    agreement = read_agreement(files)
    signed_by = _signed_as_stored(tx, engagement_id, version, files, agreement)
    if not signed_by or standing_of(frozenset(signed_by)) is not row.standing:
        raise _changed(version)
    return Terms(
        version_id=version.version_id,
        content_hash=bytes(version.content_hash),
        standing=row.standing,
        signed_by=signed_by,
        days=row.days,
        agreement=agreement,
        resolved=from_facts(agreement, version.resolved),
    )


def _signed_as_stored(
    tx: Transaction,
    engagement_id: EngagementId,
    version: Proposed,
    files: Files,
    agreement: Agreement,
) -> tuple[str, ...]:
    """Return who signed a stored version, which must be what was signed, to the byte."""
    is_whole = content_hash(files, version.resolved, version.semantics) == version.content_hash
    engagement = store.engagement_handle(tx, engagement_id)
    signatures = store.signatures(tx, engagement_id, version.version_id)
    for found in signatures:
        side: Side = "client" if found.side == "client" else "provider"
        statement = Statement.of(
            agreement, engagement=engagement, side=side, content_hash=version.content_hash
        )
        key = PublicKey(found.key_id, found.public_key)
        is_whole = is_whole and key.signed(statement.message(), found.signature)
    if not is_whole:
        raise _changed(version)
    return tuple(found.side for found in signatures)


def _changed(version: Proposed) -> Refusal:
    return Refusal.of(
        f"version {version.number}",
        "What is stored of it is not what was signed: its files, what was resolved with them, its "
        "standing, or a signature were changed in the database.",
        "Put the database back from a backup; the folder that was signed tells what it held.",
    )


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


__all__ = [
    "agreement_of",
    "engagement_handle",
    "last_signature",
    "row_key",
    "terms_in_force",
    "terms_known",
    "versions_signed",
]
