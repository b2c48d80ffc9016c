"""Proposing and accepting: each one transaction, each the same when it is done twice."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from openbpo.agreements import semantics
from openbpo.agreements.files import Files, content_hash
from openbpo.agreements.model import Agreement, Side
from openbpo.agreements.reading import read_agreement
from openbpo.agreements.resolved import resolve
from openbpo.agreements.versions import store
from openbpo.agreements.versions.decisions import governing, place
from openbpo.agreements.versions.model import InForce, Proposed, Standing, Statement, standing_of
from openbpo.record.journal import enter
from openbpo.storage.commands import Answer, Command, carry_out
from openbpo.storage.database import Context, Database, Transaction
from openbpo.storage.failpoints import failpoint
from openbpo.storage.identifiers import new_id
from openbpo.trust import engagements
from openbpo.trust.keys import SigningKey
from openbpo.trust.store import note_key
from openbpo.values.ids import EngagementId, VersionId
from openbpo.values.refusals import Refusal


def open_engagement(database: Database, context: Context, handle: str) -> EngagementId:
    """
    Return the engagement of that handle; where this principal has none, a new one is opened.

    One that was granted by another principal is named with that one's name: `desk@cli:anna`.
    """
    with database.transaction(context) as tx:
        new = EngagementId(new_id(tx.at))
    with database.transaction(context.within(new)) as tx:
        tx.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 4))",
            {"name": f"{context.principal}|{handle}"},
        )
        for granted in engagements.granted(tx):
            if granted.handle == handle:
                return granted.engagement_id
        _refuse_unknown_grant(handle)
        engagements.grant(tx, new, principal=context.principal, handle=handle)
        store.add_engagement(tx, new, handle, secrets.token_bytes(32))
        failpoint("agreements.before_engagement_commit")
    return new


def _refuse_unknown_grant(handle: str) -> None:
    if "@" in handle:
        raise Refusal.of(
            handle,
            "No engagement of this name was granted to you.",
            "Ask its owner to grant it: openbpo grant ENGAGEMENT --to YOU.",
        )


def propose(
    database: Database, context: Context, *, handle: str, files: Files, side: Side
) -> Answer:
    """
    Put a version on the table, unsigned; return its number, content hash and standing.

    Raises Refusal with every mistake in the files.
    """
    offer = Offer(files, read_agreement(files), side)
    engagement_id = open_engagement(database, context, handle)
    with database.transaction(context.within(engagement_id)) as tx:
        command = offer.command(engagement_id, "propose")
        return carry_out(tx, command, lambda: _told(_proposed(tx, engagement_id, offer), ()))


def accept(
    database: Database, context: Context, *, handle: str, files: Files, side: Side, key: SigningKey
) -> Answer:
    """
    Sign a version with a party's key, proposing it first if it is not on the table yet.

    One signature lets it compute, as "our reading"; with both it is agreed. Returns the version's
    number, content hash, standing, who has signed, and which agreed versions prevail over it on
    days of its own. Raises Refusal when the files have mistakes or another version governs the same
    days.
    """
    offer = Offer(files, read_agreement(files), side)
    engagement_id = open_engagement(database, context, handle)
    acting = context.within(engagement_id).for_party(key.party_id)
    with database.transaction(acting) as tx:
        command = offer.command(engagement_id, "accept")
        answer = carry_out(tx, command, lambda: _accepted(tx, engagement_id, offer, key))
        failpoint("agreements.before_accept_commit")
        return {**answer, **_as_it_stands(tx, engagement_id, offer)}


@dataclass(frozen=True, slots=True)
class Offer:
    """A version as a side brings it: its files, and what they say."""

    files: Files
    agreement: Agreement
    side: Side

    @property
    def texts(self) -> dict[str, str]:
        """Return the files as they are stored."""
        return {name: content.decode("utf-8") for name, content in self.files.items()}

    def command(self, engagement_id: EngagementId, act: str) -> Command:
        """Return the command: the same files for the same side are the same command."""
        hashes = {name: sha256(content).hexdigest() for name, content in self.files.items()}
        digest = sha256("".join(hashes[name] for name in sorted(hashes)).encode()).hexdigest()
        request = {"side": self.side, "files": hashes}
        return Command(engagement_id, f"{act}:{self.side}:{digest}", request)


def _proposed(tx: Transaction, engagement_id: EngagementId, offer: Offer) -> Proposed:
    store.lock_engagement(tx, engagement_id)
    if (known := store.find_by_files(tx, engagement_id, offer.texts)) is not None:
        return known
    resolved = resolve(offer.agreement)
    version = Proposed(
        version_id=VersionId(new_id(tx.at)),
        number=offer.agreement.version,
        supersedes=offer.agreement.supersedes,
        content_hash=content_hash(offer.files, resolved, semantics.CURRENT),
        files=offer.texts,
        resolved=resolved,
        semantics=semantics.CURRENT,
    )
    store.add_version(tx, engagement_id, version, offer.side)
    return version


def _accepted(
    tx: Transaction, engagement_id: EngagementId, offer: Offer, key: SigningKey
) -> Answer:
    version = _proposed(tx, engagement_id, offer)
    _refuse_other_parties(tx, engagement_id, offer.agreement)
    note_key(tx, key)
    _sign(tx, engagement_id, offer, version, key)
    failpoint("agreements.after_signature")
    signed = _signed_by(tx, engagement_id, version)
    _bring_into_force(tx, engagement_id, version, offer.agreement, standing_of(frozenset(signed)))
    return _told(version, signed)


def _refuse_other_parties(
    tx: Transaction, engagement_id: EngagementId, agreement: Agreement
) -> None:
    """An engagement is of one client and one provider: another contract needs its own."""
    for row in store.in_force(tx, engagement_id)[:1]:
        stored = store.find_version(tx, engagement_id, row.version_id).files
        other = read_agreement({name: text.encode() for name, text in stored.items()})
        if {other.client.handle, other.provider.handle} != {
            agreement.client.handle,
            agreement.provider.handle,
        }:
            raise Refusal.of(
                "parties.yaml",
                f"This engagement is that of {other.client.name} and {other.provider.name}.",
                "Another contract is another engagement: name its folder otherwise, or give "
                "`--engagement NAME`.",
            )


def _signed_by(tx: Transaction, engagement_id: EngagementId, version: Proposed) -> tuple[str, ...]:
    return tuple(found.side for found in store.signatures(tx, engagement_id, version.version_id))


def _sign(
    tx: Transaction, engagement_id: EngagementId, offer: Offer, version: Proposed, key: SigningKey
) -> None:
    if offer.side in _signed_by(tx, engagement_id, version):
        return
    _refuse_strange_key(store.used_keys(tx, engagement_id), offer.side, key)
    statement = Statement.of(
        offer.agreement,
        engagement=store.engagement_handle(tx, engagement_id),
        side=offer.side,
        content_hash=version.content_hash,
    ).message()
    signature = key.sign(statement)
    assert key.public.signed(statement, signature)
    store.add_signature(tx, engagement_id, version.version_id, offer.side, key, signature)
    told = {
        "content_hash": version.content_hash.hex(),
        "number": version.number,
        "side": offer.side,
        "key_id": key.public.key_id,
        "public_key": key.public.raw.hex(),
        "signature": signature.hex(),
    }
    enter(tx, engagement_id, "signature", told)


def _refuse_strange_key(used: Iterable[store.UsedKey], side: Side, key: SigningKey) -> None:
    """A side signs with one key, and never with the other's."""
    for known in used:
        is_same = bytes(known.public_key) == key.public.raw
        if known.side == side and not is_same:
            raise Refusal.of(
                key.handle,
                f"The {side} has signed with the key {known.key_id} here; this is "
                f"{key.public.key_id}.",
                "Put the file of that key back from a copy; a new key is not taken yet.",
            )
        if known.side != side and is_same:
            raise Refusal.of(
                key.handle,
                f"The {known.side} has signed with this very key.",
                "Each party signs with a key of its own.",
            )


def _bring_into_force(
    tx: Transaction,
    engagement_id: EngagementId,
    version: Proposed,
    agreement: Agreement,
    standing: Standing,
) -> None:
    now = store.in_force(tx, engagement_id)
    _refuse_used_number(version, now)
    placement = place(version.version_id, agreement, standing, now)
    for row in placement.superseded:
        store.supersede(tx, engagement_id, row)
    for version_id, its_standing, days in placement.governing:
        store.add_in_force(tx, engagement_id, version_id, its_standing, days)


def _refuse_used_number(version: Proposed, now: Iterable[InForce]) -> None:
    for row in now:
        if row.number == version.number and row.version_id != version.version_id:
            raise Refusal.of(
                "agreement.yaml",
                f"Version {version.number} is in force ({row.standing.words}), and its terms differ"
                " from these.",
                f"A signed version never changes: make this one `version: {row.number + 1}` with "
                f"`supersedes: [{row.number}]`, and let `in_force` begin on its first day.",
            )


def _as_it_stands(tx: Transaction, engagement_id: EngagementId, offer: Offer) -> Answer:
    """Who accepts a second time is told how things stand, not how they stood then."""
    version = store.find_by_files(tx, engagement_id, offer.texts)
    assert version is not None, "what was accepted is known"
    now = governing(offer.agreement.in_force, store.in_force(tx, engagement_id))
    agreed = {row.number for row in now if row.standing is Standing.AGREED}
    told = _told(version, _signed_by(tx, engagement_id, version))
    return {**told, "prevailing": sorted(agreed - {version.number})}


def _told(version: Proposed, signed: tuple[str, ...]) -> Answer:
    return {
        "version": version.number,
        "content_hash": version.content_hash.hex(),
        "signed_by": list(signed),
        "standing": standing_of(frozenset(signed)).value if signed else None,
    }
