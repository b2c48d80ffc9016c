"""
The public keys that a reader trusts, and the files that they come in.

When a new sealing key takes the place of another, the old one signs a statement that names it: the
canonical encoding of

    {"at": INSTANT, "from": OLD PUBLIC KEY, "openbpo": "seal.rotated/1", "to": NEW PUBLIC KEY}

with keys in hex. A sealing key's id is the first 16 hex digits of the SHA-256 of its public half.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from openbpo.trust.keys import PublicKey
from openbpo.values.canonical import canonical_bytes, instant_from_text, instant_text
from openbpo.values.refusals import Refusal

FORMAT: Final = "seal-keys/1"
_LARGEST_FILE = 2**20  # bytes
_FIELDS = {
    *("key_id", "name", "algorithm", "public_key"),
    *("valid_from", "retired_at", "named_by"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """
    A public key that is trusted here; `raw` is its 32 bytes.

    A key that came bare, as PEM or hex, has no name: whatever it is called, it is this key. A
    retired one is not believed for what was sealed at `retired_at` or later.
    """

    raw: bytes
    name: str | None = None
    key_id: str | None = None
    party: str | None = None
    valid_from: datetime | None = None
    retired_at: datetime | None = None
    named_by: bytes | None = field(default=None, repr=False)

    def signed(self, message: bytes, signature: bytes) -> bool:
        """Tell whether this key made the signature over this message."""
        return PublicKey(self.key_id or "", self.raw).signed(message, signature)

    def __str__(self) -> str:
        return self.name or self.raw.hex()


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The public keys that a reader trusts. A chain of rotations in it has been checked."""

    keys: tuple[KnownKey, ...]

    def __iter__(self) -> Iterator[KnownKey]:
        return iter(self.keys)

    def in_use(self, at: datetime) -> KeyRing:
        """Return the keys that are believed for what was sealed at that time."""
        return KeyRing(tuple(k for k in self.keys if k.retired_at is None or at < k.retired_at))


def seal_key_id(raw: bytes) -> str:
    """Return the id of a sealing key, which anybody can compute from its public half."""
    return sha256(raw).hexdigest()[:16]


def seal_name(raw: bytes) -> str:
    """Return the name under which a sealing key signs notes."""
    return f"openbpo-seal-{seal_key_id(raw)}"


def party_name(key_id: str) -> str:
    """Return the name under which a party's key countersigns notes."""
    return f"openbpo-party-{key_id}"


def rotation_statement(old: bytes, new: bytes, *, at: datetime) -> bytes:
    """Return what the old key signs when the new one takes its place."""
    return canonical_bytes(
        {"openbpo": "seal.rotated/1", "from": old.hex(), "to": new.hex(), "at": instant_text(at)}
    )


def told(key: KnownKey) -> dict[str, object]:
    """Return a key as a history tells it."""
    return {
        "key_id": key.key_id,
        "name": key.name,
        "algorithm": "Ed25519",
        "public_key": key.raw.hex(),
        "valid_from": key.valid_from and instant_text(key.valid_from),
        "retired_at": key.retired_at and instant_text(key.retired_at),
        "named_by": key.named_by and key.named_by.hex(),
    }


# Reading the keys that others hand over. In here a fault is a ValueError that says what is wrong.


def read_key_file(path: Path) -> KeyRing:
    """
    Return the keys of a file: sealing keys with their history, parties' keys, PEM, or 64 digits.

    Raises Refusal for everything else, and where one key of the history was not named by the one
    before it.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise Refusal.of(
            str(path), f"This file cannot be read: {error.strerror}.", "Name a file with the key."
        ) from error
    try:
        say(len(content) <= _LARGEST_FILE, "It is far too large for a file of keys.")
        return KeyRing(_keys_in(content.decode()))
    except (ValueError, KeyError, TypeError, UnsupportedAlgorithm, RecursionError) as fault:
        raise Refusal.of(
            str(path),
            f"This is no file of public keys. {_in_words(fault)}",
            "Give what `openbpo keys --json` prints, the history of the sealing keys, an Ed25519 "
            "public key as PEM, or its 64 hex digits on one line.",
        ) from fault


def _in_words(fault: Exception) -> str:
    if isinstance(fault, KeyError):
        return f"{fault.args[0]!r} is missing."
    if type(fault) is ValueError:
        return str(fault)
    return ""


def _keys_in(text: str) -> tuple[KnownKey, ...]:
    stripped = text.strip()
    say("PRIVATE KEY" not in text and '"private"' not in text, "It holds a private key: keep it.")
    if stripped.startswith("-----BEGIN"):
        return (KnownKey(raw=_raw_of_pem(stripped)),)
    if stripped[:1] not in ("{", "["):
        return (KnownKey(raw=_hex(stripped, 32)),)
    told = json.loads(stripped)
    if isinstance(told, list):
        return _of_parties(told)
    say(told.get("openbpo") == FORMAT, f'It does not begin with "openbpo": "{FORMAT}".')
    say(set(told) == {"openbpo", "keys"}, "It holds other things than `keys`.")
    return chain(told["keys"])


def _raw_of_pem(text: str) -> bytes:
    key = load_pem_public_key(text.encode())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("It is the key of another algorithm than Ed25519.")  # noqa: TRY004
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _of_parties(told: Sequence[Mapping[str, Any]]) -> tuple[KnownKey, ...]:
    say(bool(told), "It lists no key.")
    for entry in told:
        say(isinstance(entry, dict), "What it lists are no keys.")
        say(entry["algorithm"] == "Ed25519", "A key is of another algorithm than Ed25519.")
    return tuple(
        KnownKey(
            raw=_hex(entry["public_key"], 32),
            name=party_name(_text(entry["key_id"])),
            key_id=_text(entry["key_id"]),
            party=str(entry["party"]),
        )
        for entry in told
    )


def chain(told: Sequence[Mapping[str, Any]]) -> tuple[KnownKey, ...]:
    """
    Return the keys of a history, each named by the one before it.

    Raises ValueError, KeyError or TypeError where it is none.
    """
    say(isinstance(told, list) and bool(told), "It lists no key.")
    keys = tuple(_known(entry) for entry in told)
    say(len({key.raw for key in keys}) == len(keys), "A key stands in it twice.")
    say(keys[-1].retired_at is None, "Its last key is retired, and none takes its place.")
    for old, new in pairwise(keys):
        _say_named(old, new)
    return keys


def _say_named(old: KnownKey, new: KnownKey) -> None:
    at, signature = new.valid_from, new.named_by
    assert at is not None, new
    assert old.valid_from is not None, old
    say(old.retired_at == at, f"{old} is not retired when {new} takes its place.")
    say(old.valid_from < at, f"{new} is valid from before {old}.")
    is_named = signature and old.signed(rotation_statement(old.raw, new.raw, at=at), signature)
    say(bool(is_named), f"{old} did not sign that {new} takes its place.")


def _known(entry: Mapping[str, Any]) -> KnownKey:
    say(isinstance(entry, dict) and set(entry) == _FIELDS, "A key in it is not told in full.")
    raw = _hex(entry["public_key"], 32)
    key_id, retired_at, named_by = entry["key_id"], entry["retired_at"], entry["named_by"]
    say(entry["algorithm"] == "Ed25519", "A key is of another algorithm than Ed25519.")
    say(key_id == seal_key_id(raw), f"{key_id!r} is not the id of its key.")
    say(entry["name"] == seal_name(raw), f"{entry['name']!r} is not the name of its key.")
    return KnownKey(
        raw=raw,
        name=seal_name(raw),
        key_id=seal_key_id(raw),
        valid_from=instant_from_text(_text(entry["valid_from"])),
        retired_at=None if retired_at is None else instant_from_text(_text(retired_at)),
        named_by=None if named_by is None else _hex(named_by, 64),
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value or not value.isprintable() or " " in value:
        raise ValueError(f"{value!r} is no plain text.")
    return value


def _hex(value: object, length: int) -> bytes:
    text = value if isinstance(value, str) else ""
    say(len(text) == 2 * length and text.isascii() and text.isalnum(),
         f"It holds neither JSON nor PEM nor {2 * length} hex digits.")  # fmt: skip
    return bytes.fromhex(text)


def say(holds: bool, fault: str) -> None:  # noqa: FBT001 - it is what is judged
    """Raise ValueError, with what is wrong, unless it holds."""
    if not holds:
        raise ValueError(fault)
