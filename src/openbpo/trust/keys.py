"""
The keys that parties sign with (Ed25519, RFC 8032), kept under the home folder.

A party's key is made at its first use and stays on the machine where it was made; a party may also
keep its key itself and bring what that has signed (`BroughtKey`). What others need
is its public half, and that stands with each signature. In an engagement a side signs with one key;
replacing a key, with the old one's word for the new one, is not built yet.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Protocol
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from openbpo.storage.home import home, secret_once
from openbpo.values.ids import PartyId
from openbpo.values.refusals import Refusal

FOLDER = "keys"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What anybody may know of a key."""

    key_id: str
    raw: bytes

    def signed(self, message: bytes, signature: bytes) -> bool:
        """Tell whether this key made the signature over this message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class PartyKey:
    """A party's own key, with which it signs here."""

    party_id: PartyId
    handle: str
    public: PublicKey
    _private: Ed25519PrivateKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """Return the signature, 64 bytes."""
        return self._private.sign(message)


class SigningKey(Protocol):
    """A party's key, wherever it is kept: whose it is, its public half, and its hand."""

    @property
    def party_id(self) -> PartyId: ...
    @property
    def handle(self) -> str: ...
    @property
    def public(self) -> PublicKey: ...
    def sign(self, message: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class BroughtKey:
    """
    A key that a party keeps itself, with the signature that it has made elsewhere.

    Its id, and the party's id here, are made of its public half: 32 bytes.
    """

    handle: str
    raw: bytes
    signature: bytes

    @property
    def party_id(self) -> PartyId:
        """Return the party's id here."""
        return PartyId(UUID(bytes=sha256(b"party " + self.raw).digest()[:16], version=5))

    @property
    def public(self) -> PublicKey:
        """Return what anybody may know of it."""
        return PublicKey(f"key_{sha256(self.raw).hexdigest()[:16]}", self.raw)

    def sign(self, message: bytes) -> bytes:
        """Return the signature that was brought; raises Refusal where it is of something else."""
        if len(self.raw) != 32 or len(self.signature) != 64 or not self._made(message):
            raise Refusal.of(
                self.handle,
                "This is no signature of that key over what is to be signed.",
                "Open the page again and sign once more; nothing was signed.",
            )
        return self.signature

    def _made(self, message: bytes) -> bool:
        try:
            return self.public.signed(message, self.signature)
        except ValueError:
            return False


def party_key(handle: str) -> PartyKey:
    """Return the key with which a party signs on this machine; made at its first use."""
    path = _folder() / f"{handle}.json"
    key = _read(path, secret_once(path, lambda: _made(handle)))
    if key.handle != handle:
        raise Refusal.of(
            str(path),
            f"This is the key of {key.handle!r}, not of {handle!r}.",
            "A party signs with its own key: put the right file back.",
        )
    return key


def held_keys() -> Iterator[PartyKey]:
    """Yield the keys of all parties that have signed on this machine."""
    for path in sorted(_folder().glob("*.json")):
        yield _read(path, path.read_bytes())


def _folder() -> Path:
    folder = home() / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _made(handle: str) -> bytes:
    private = Ed25519PrivateKey.generate()
    raw = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    key = {"key_id": f"key_{secrets.token_hex(8)}", "algorithm": "Ed25519", "private": raw.hex()}
    content = {"party": handle, "party_id": str(uuid4()), "keys": [key]}
    return (json.dumps(content, indent=2) + "\n").encode()


def _read(path: Path, content: bytes) -> PartyKey:
    try:
        stored = json.loads(content)
        newest = stored["keys"][-1]
        private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(newest["private"]))
        handle, party_id = stored["party"], PartyId(UUID(stored["party_id"]))
    except (ValueError, KeyError, IndexError, TypeError) as fault:
        raise Refusal.of(
            str(path),
            "This is no key file of OpenBPO.",
            "Put the right file back from a copy: without it the party cannot sign again where it "
            "has signed before.",
        ) from fault
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return PartyKey(party_id, handle, PublicKey(newest["key_id"], raw), private)
