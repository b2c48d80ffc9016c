"""
The keys with which this installation seals the record's checkpoints (Ed25519).

It seals with one key at a time. When a new one takes its place, the old one signs a statement that
names it (`rotation_statement`); both stay, so what was sealed before is checked by the key of then.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from openbpo.storage.home import home, secret_once, write_secret
from openbpo.trust.key_rings import (
    FORMAT,
    KeyRing,
    KnownKey,
    chain,
    party_name,
    rotation_statement,
    say,
    seal_key_id,
    seal_name,
    told,
)
from openbpo.trust.keys import PartyKey
from openbpo.values.refusals import Refusal

FILE: Final = "seal-keys.json"
_LOCK = ".seal-keys.lock"


@dataclass(frozen=True, slots=True)
class SealKey:
    """A sealing key of this installation, with both halves."""

    public: KnownKey
    _private: Ed25519PrivateKey = field(repr=False)

    @property
    def name(self) -> str:
        """Under which name it signs notes."""
        return seal_name(self.public.raw)

    @property
    def raw(self) -> bytes:
        """Its public half, 32 bytes."""
        return self.public.raw

    def sign(self, message: bytes) -> bytes:
        """Return the signature, 64 bytes."""
        return self._private.sign(message)


@dataclass(frozen=True, slots=True)
class SealKeys:
    """The sealing keys of this installation, the one in use last."""

    keys: tuple[SealKey, ...]

    @property
    def current(self) -> SealKey:
        """The key that seals now."""
        return self.keys[-1]

    @property
    def ring(self) -> KeyRing:
        """Their public halves, as a reader of ours has them."""
        return KeyRing(tuple(key.public for key in self.keys))

    def public_history(self) -> str:
        """Return what is handed to those who verify: JSON, without private halves."""
        return _json({"openbpo": FORMAT, "keys": [told(key.public) for key in self.keys]})


@dataclass(frozen=True, slots=True)
class Countersigner:
    """A party's key in the role of one that countersigns a checkpoint."""

    key: PartyKey

    @property
    def name(self) -> str:
        """Under which name it signs notes."""
        return party_name(self.key.public.key_id)

    @property
    def raw(self) -> bytes:
        """Its public half, 32 bytes."""
        return self.key.public.raw

    def sign(self, message: bytes) -> bytes:
        """Return the signature, 64 bytes."""
        return self.key.sign(message)


def seal_keys(*, at: datetime) -> SealKeys:
    """Return this installation's sealing keys; the first is made at first need, valid from `at`."""
    path = home() / FILE
    return _own(path, secret_once(path, lambda: _private_file((_made(at, None),))))


def rotate(*, at: datetime) -> SealKeys:
    """Let a new key seal from `at` on, named by the old one, which is kept."""
    with _alone():
        keys = seal_keys(at=at)
        old = keys.current
        if old.public.valid_from is None or at <= old.public.valid_from:
            raise Refusal.of(
                str(home() / FILE),
                f"The key in use is valid from {old.public.valid_from}, which is not before {at}.",
                "Set the clock right, and rotate again.",
            )
        new = _made(at, old)
        retired = replace(old, public=replace(old.public, retired_at=at))
        rotated = SealKeys((*keys.keys[:-1], retired, new))
        write_secret(home() / FILE, _private_file(rotated.keys))
    return rotated


@contextmanager
def _alone() -> Iterator[None]:
    """Let one process at a time change the keys; who dies lets go."""
    with (home() / _LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _made(at: datetime, old: SealKey | None) -> SealKey:
    private = Ed25519PrivateKey.generate()
    raw = _public(private)
    named_by = None if old is None else old.sign(rotation_statement(old.raw, raw, at=at))
    public = KnownKey(
        raw=raw,
        name=seal_name(raw),
        key_id=seal_key_id(raw),
        valid_from=at,
        named_by=named_by,
    )
    return SealKey(public, private)


def _public(private: Ed25519PrivateKey) -> bytes:
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _private_file(keys: Sequence[SealKey]) -> bytes:
    both = [{**told(key.public), "private": _raw(key)} for key in keys]
    return _json({"openbpo": FORMAT, "keys": both}).encode()


def _raw(key: SealKey) -> str:
    return key._private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()).hex()


def _json(content: object) -> str:
    return json.dumps(content, indent=2) + "\n"


def _own(path: Path, content: bytes) -> SealKeys:
    try:
        stored = json.loads(content)["keys"]
        publics = chain([_without_private(entry) for entry in stored])
        privates = [_private_of(entry) for entry in stored]
        for public, private in zip(publics, privates, strict=True):
            say(public.raw == _public(private), "A private key in it is not that of its public.")
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise Refusal.of(
            str(path),
            f"These are no sealing keys of OpenBPO, or they were changed. {fault}",
            "Put the right file back from a copy: with other keys, what was sealed before does "
            "not verify.",
        ) from fault
    return SealKeys(tuple(SealKey(*pair) for pair in zip(publics, privates, strict=True)))


def _without_private(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != "private"}


def _private_of(entry: Mapping[str, Any]) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(entry["private"]))
