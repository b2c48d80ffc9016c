"""The only SQL that names trust's tables."""

from __future__ import annotations

from openbpo.storage.database import Transaction
from openbpo.trust.keys import SigningKey


def note_key(tx: Transaction, key: SigningKey) -> None:
    """Note a party and its public key; nothing happens where they are known. Needs its scope."""
    params = {
        "party_id": key.party_id,
        "handle": key.handle,
        "key_id": key.public.key_id,
        "public_key": key.public.raw,
    }
    tx.execute(
        "INSERT INTO trust.party (party_id, handle) VALUES (%(party_id)s, %(handle)s)"
        " ON CONFLICT (party_id) DO NOTHING",
        params,
    )
    tx.execute(
        "INSERT INTO trust.party_key (party_id, key_id, public_key)"
        " VALUES (%(party_id)s, %(key_id)s, %(public_key)s)"
        " ON CONFLICT (party_id, key_id) DO NOTHING",
        params,
    )
