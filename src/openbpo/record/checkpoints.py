"""
A checkpoint, and the signed note that it is handed on in. Pure: who signs and checks is handed in.

The text is that of C2SP's tlog-checkpoint: origin, size, root, and one extension line with the
time. A note is C2SP's signed-note: a text, an empty line, and a line for each signature. A line of
a key that is not known here is kept as it is: somebody else may know the key.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final, Generic, Literal, Protocol, TypeVar

from openbpo.record.tree import HASH_BYTES
from openbpo.values.canonical import instant_from_text, instant_text
from openbpo.values.ids import EngagementId

Tree = Literal["record", "access", "pack"]
"""
Of which tree of an engagement a checkpoint speaks.

Of a pack it tells, in the same form, how many lines stand before the last one, and their digest.
"""

SIGNATURE_LIMIT: Final = 64  # C2SP asks for at least 16
LARGEST_NOTE: Final = 65_536  # bytes
_ED25519 = b"\x01"  # the type of a key in C2SP's signed-note
_KEY_HASH_BYTES = 4
_LARGEST_SIZE = 2**63 - 1

_ORIGIN = re.compile(r"openbpo/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/(?:record|access|pack)")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_NAME = re.compile(r"[^\s+]+")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class Signer(Protocol):
    """A key that signs here: its name and public half (32 bytes), and its hand."""

    @property
    def name(self) -> str: ...
    @property
    def raw(self) -> bytes: ...
    def sign(self, message: bytes) -> bytes: ...


class Verifier(Protocol):
    """A key that is known here. One without a name is known under whatever name it signs."""

    @property
    def name(self) -> str | None: ...
    @property
    def raw(self) -> bytes: ...
    def signed(self, message: bytes, signature: bytes) -> bool: ...


V = TypeVar("V", bound=Verifier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A tree as it stood at one time: which, how many leaves, their root (32 bytes), and when."""

    origin: str
    size: int
    root: bytes
    at: datetime

    def text(self) -> str:
        """Return the text that is signed; it ends in a newline."""
        assert _ORIGIN.fullmatch(self.origin), self.origin
        assert 0 <= self.size <= _LARGEST_SIZE, self.size
        assert len(self.root) == HASH_BYTES, self.root
        lines = (self.origin, str(self.size), _base64(self.root), f"at {instant_text(self.at)}")
        return "".join(f"{line}\n" for line in lines)


def origin_of(engagement_id: EngagementId, tree: Tree = "record") -> str:
    """Return the name under which an engagement's tree is known outside."""
    return f"openbpo/{engagement_id}/{tree}"


def read_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint of a note's text. Raises ValueError where it is not just that."""
    lines = text.split("\n")
    if len(lines) != 5 or lines[-1]:
        raise ValueError("A checkpoint has four lines: origin, size, root, and `at` with its time.")
    origin, size, root, at, _ = lines
    if not _ORIGIN.fullmatch(origin):
        raise ValueError(f"{origin!r} is no origin: openbpo/ENGAGEMENT-ID/record or .../access.")
    if not _SIZE.fullmatch(size) or int(size) > _LARGEST_SIZE:
        raise ValueError(f"{size!r} is no size: a decimal without leading zeroes.")
    if not at.startswith("at "):
        raise ValueError(f"{at!r} does not say when: at 2012-02-01T07:30:00.000000Z.")
    return Checkpoint(
        origin=origin,
        size=int(size),
        root=_exactly(_from_base64(root), HASH_BYTES, "A root"),
        at=instant_from_text(at.removeprefix("at ")),
    )


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """A key's name and hash (4 bytes), and what it made of the text."""

    name: str
    key_hash: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"— {self.name} {_base64(self.key_hash + self.signature)}"


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A text and its signatures, in the order in which they were added."""

    text: str
    signatures: tuple[SignatureLine, ...]

    def __str__(self) -> str:
        return f"{self.text}\n" + "".join(f"{line}\n" for line in self.signatures)

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint that the text is. Raises ValueError where it is none."""
        return read_checkpoint(self.text)


def read_note(note: str) -> SignedNote:
    """Return a note from what `str` made of it. Raises ValueError where it is no signed note."""
    if len(note) > LARGEST_NOTE:
        raise ValueError(f"A note of a checkpoint is at most {LARGEST_NOTE} bytes long.")
    if _CONTROL.search(note):
        raise ValueError("A note holds no control characters but the ends of its lines.")
    text, empty, signatures = note.rpartition("\n\n")
    if not empty or not text:
        raise ValueError("A note is a text, an empty line, and the lines of its signatures.")
    if not signatures.endswith("\n"):
        raise ValueError("The last line of a note does not end.")
    lines = signatures[:-1].split("\n")
    if len(lines) > SIGNATURE_LIMIT:
        raise ValueError(f"A note of a checkpoint has at most {SIGNATURE_LIMIT} signatures.")
    return SignedNote(f"{text}\n", tuple(_signature_line(line) for line in lines))


def _signature_line(line: str) -> SignatureLine:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "—" or not _NAME.fullmatch(parts[1]):
        raise ValueError(f"{line!r} is no line of a signature: `— NAME BASE64`.")
    content = _from_base64(parts[2])
    if len(content) <= _KEY_HASH_BYTES:
        raise ValueError(f"The signature of {parts[1]!r} is too short.")
    return SignatureLine(parts[1], content[:_KEY_HASH_BYTES], content[_KEY_HASH_BYTES:])


def key_hash(name: str, raw: bytes) -> bytes:
    """Return by which four bytes a note tells an Ed25519 key of that name."""
    return sha256(name.encode() + b"\n" + _ED25519 + raw).digest()[:_KEY_HASH_BYTES]


def sealed(checkpoint: Checkpoint, signer: Signer) -> SignedNote:
    """Return the checkpoint's note with the signature of `signer`."""
    return countersigned(SignedNote(checkpoint.text(), ()), signer)


def countersigned(note: SignedNote, signer: Signer) -> SignedNote:
    """Return the note with one more signature; as it is, where this key has signed it."""
    if not _NAME.fullmatch(signer.name):
        raise ValueError(f"{signer.name!r} names no key: it holds a space or a plus sign.")
    signature = signer.sign(note.text.encode())
    line = SignatureLine(signer.name, key_hash(signer.name, signer.raw), signature)
    return note if line in note.signatures else SignedNote(note.text, (*note.signatures, line))


@dataclass(frozen=True, slots=True)
class Checked(Generic[V]):
    """Which keys signed; which lines name a known key that did not; which name none."""

    by: tuple[V, ...]
    forged: tuple[SignatureLine, ...]
    unknown: tuple[SignatureLine, ...]

    @property
    def holds(self) -> bool:
        """Whether a known key signed, and nobody signed for a known key."""
        return bool(self.by) and not self.forged


def checked(note: SignedNote, known: Iterable[V]) -> Checked[V]:
    """Return what the known keys say of a note's signatures."""
    keys = list(known)
    by: list[V] = []
    forged: list[SignatureLine] = []
    unknown: list[SignatureLine] = []
    for line in note.signatures:
        named = [key for key in keys if _names(line, key)]
        signers = [key for key in named if key.signed(note.text.encode(), line.signature)]
        by += [key for key in signers if key not in by]
        if not signers:
            (forged if named else unknown).append(line)
    return Checked(tuple(by), tuple(forged), tuple(unknown))


def _names(line: SignatureLine, key: Verifier) -> bool:
    return key.name in (None, line.name) and key_hash(line.name, key.raw) == line.key_hash


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _from_base64(text: str) -> bytes:
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"{text!r} is no base64.") from None
    if _base64(content) != text:
        raise ValueError(f"{text!r} is not the one way to write its bytes as base64.")
    return content


def _exactly(content: bytes, length: int, what: str) -> bytes:
    if len(content) != length:
        raise ValueError(f"{what} is {length} bytes, not {len(content)}.")
    return content
