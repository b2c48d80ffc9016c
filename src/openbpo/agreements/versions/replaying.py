"""Which terms governed, as the signatures up to some entry of the record tell it: pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from openbpo.agreements import semantics
from openbpo.agreements.files import content_hash
from openbpo.agreements.model import Agreement, Side
from openbpo.agreements.reading import read_agreement
from openbpo.agreements.resolved import Resolved, from_facts
from openbpo.agreements.versions.decisions import governing, place
from openbpo.agreements.versions.model import (
    InForce,
    Proposed,
    Standing,
    Statement,
    Terms,
    standing_of,
)
from openbpo.record.model import Entry
from openbpo.trust.keys import PublicKey
from openbpo.values.ids import VersionId
from openbpo.values.refusals import Refusal
from openbpo.values.spans import Span

FOR_EVER = Span(date(1, 1, 1), None)
VERSIONS_KEPT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A signature as the record tells it."""

    entry: int
    content_hash: bytes
    side: Side
    key_id: str
    public_key: bytes
    signature: bytes


def signatures_told(entries: Iterable[Entry]) -> Iterator[Signed]:
    """Yield the signatures that entries tell."""
    for entry in entries:
        if entry.act == "signature":
            yield signed_told(json.loads(entry.told))


def signed_told(told: Mapping[str, Any]) -> Signed:
    """Return the signature that an entry's line tells."""
    return Signed(
        entry=told["entry"],
        content_hash=bytes.fromhex(told["content_hash"]),
        side="client" if told["side"] == "client" else "provider",
        key_id=told["key_id"],
        public_key=bytes.fromhex(told["public_key"]),
        signature=bytes.fromhex(told["signature"]),
    )


@dataclass(frozen=True, slots=True)
class ReadVersion:
    """A version whose files were read, and found to be what its content hash covers."""

    stored: Proposed
    agreement: Agreement
    resolved: Resolved


def read_version(version: Proposed) -> ReadVersion:
    """Return a version with its files read; raises Refusal unless its content hash covers them."""
    files = {name: text.encode() for name, text in version.files.items()}
    if version.semantics not in semantics.SUPPORTED:
        raise Refusal.of(
            f"version {version.number}",
            f"Its rules of computation, number {version.semantics}, are not in this OpenBPO.",
            "Install a newer OpenBPO.",
        )
    digest = content_hash(files, version.resolved, version.semantics)
    if digest != bytes(version.content_hash):
        raise changed(version.number)
    return ReadVersion(version, *_read(_Content(digest, files, version.resolved)))


@dataclass(frozen=True, slots=True)
class _Content:
    """What a version holds; the same where its hash is."""

    digest: bytes
    files: Mapping[str, bytes] = field(compare=False)
    resolved: Mapping[str, Any] = field(compare=False)


@lru_cache(maxsize=VERSIONS_KEPT)
def _read(content: _Content) -> tuple[Agreement, Resolved]:
    """Return what a version's content says: reading it takes a while, and it never changes."""
    agreement = read_agreement(content.files)
    return agreement, from_facts(agreement, content.resolved)


def changed(number: int) -> Refusal:
    """Return the refusal of a version that is not what was signed."""
    return Refusal.of(
        f"version {number}",
        "What is stored of it is not what was signed: its files, what was resolved with them, its "
        "standing, or a signature were changed.",
        "Put the record back from a backup; the folder that was signed tells what it held.",
    )


def terms_after(
    handle: str, versions: Mapping[bytes, ReadVersion], signatures: Iterable[Signed]
) -> tuple[Terms, ...]:
    """
    Return every version that governs some day once these signatures were given, in their order.

    `versions` are by content hash, and `handle` names the engagement, as the signatures do. Raises
    Refusal for a signature that its key did not make.
    """
    rows: tuple[InForce, ...] = ()
    by_id: dict[VersionId, tuple[ReadVersion, tuple[str, ...]]] = {}
    for signed in signatures:
        version = versions[signed.content_hash]
        key = PublicKey(signed.key_id, signed.public_key)
        refuse_unsigned(handle, version, signed.side, key, signed.signature)
        version_id = version.stored.version_id
        sides = (*by_id.get(version_id, (version, ()))[1], signed.side)
        by_id[version_id] = version, sides
        placement = place(version_id, version.agreement, standing_of(frozenset(sides)), rows)
        kept = tuple(row for row in rows if row not in placement.superseded)
        rows = (*kept, *_placed(placement.governing, by_id, signed.entry))
    return tuple(
        Terms(
            version_id=row.version_id,
            content_hash=bytes(by_id[row.version_id][0].stored.content_hash),
            standing=row.standing,
            signed_by=tuple(sorted(by_id[row.version_id][1])),
            days=row.days,
            agreement=by_id[row.version_id][0].agreement,
            resolved=by_id[row.version_id][0].resolved,
        )
        for row in governing(FOR_EVER, rows)
    )


def _placed(
    governing_: Iterable[tuple[VersionId, Standing, Span[date]]],
    by_id: Mapping[VersionId, tuple[ReadVersion, tuple[str, ...]]],
    entry: int,
) -> Iterable[InForce]:
    for number, (version_id, standing, days) in enumerate(governing_):
        version = by_id[version_id][0].agreement
        yield InForce(
            UUID(int=entry << 32 | number),
            version_id,
            version.version,
            standing,
            days,
            version.supersedes,
        )


def refuse_unsigned(
    handle: str, version: ReadVersion, side: Side, key: PublicKey, signature: bytes
) -> None:
    """Raise Refusal unless a key made a side's signature over a version."""
    digest = bytes(version.stored.content_hash)
    statement = Statement.of(version.agreement, engagement=handle, side=side, content_hash=digest)
    if not key.signed(statement.message(), signature):
        raise changed(version.stored.number)
