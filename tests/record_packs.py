"""Packs of invented events, with all that a pack may hold; and what a forger would do."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from openbpo.record.checkpoints import Checkpoint, SignedNote, countersigned, origin_of, sealed
from openbpo.record.lines import leaf_hash
from openbpo.record.tree import Frontier
from openbpo.values.canonical import canonical_bytes, instant_text
from openbpo.values.ids import EngagementId

ENGAGEMENT = EngagementId(UUID("01980000-0000-7000-8000-000000000001"))
MORNING = datetime(2025, 1, 1, 6, tzinfo=UTC)


@dataclass(frozen=True)
class Hand:
    """A key that signs notes, made of a number."""

    number: int
    name: str

    @property
    def private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(sha256(b"%d" % self.number).digest())

    @property
    def raw(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message)


SEAL, CLIENT, STRANGER = Hand(1, "openbpo-seal-1"), Hand(2, "openbpo-party-2"), Hand(3, "stranger")


@dataclass
class Record:
    """A record that grows entry by entry. One of the same seed begins alike, leaf for leaf."""

    seed: int = 1
    engagement: EngagementId = ENGAGEMENT
    seal: Hand = SEAL
    lines: list[bytes] = field(default_factory=list)
    tree: Frontier = field(default_factory=Frontier)
    entries: int = 0
    note: SignedNote | None = None
    opened: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.version()
        self.entries += 1
        self._act("signature", {"content_hash": self.content_hash, "number": 1})

    def version(self) -> None:
        """Add the agreement's version 1, and keep what an act says of it."""
        files = {"agreement.yaml": "says: Ö\n", "charges.yaml": ""}
        hashes = {name: sha256(text.encode()).hexdigest() for name, text in files.items()}
        terms: dict[str, Any] = {"files": hashes, "resolved": {"years": [2025]}, "semantics": 1}
        self.content_hash = sha256(canonical_bytes(terms)).hexdigest()
        told = {**terms, "files": files, "number": 1, "content_hash": self.content_hash}
        self.lines.append(b"V " + canonical_bytes(told))

    def entry(self, events: int, *, withheld: float = 0.1, checkpoint: bool = True) -> Record:
        """Add an import: its events, its act, and a checkpoint."""
        self.entries += 1
        for position in range(1, events + 1):
            self._event(position, is_withheld=self.random.random() < withheld)
        at = self._act("recording", {"version": self.content_hash, "events": events})
        return self.checkpoint(at) if checkpoint else self

    def _act(self, act: str, told: dict[str, Any]) -> datetime:
        at = MORNING + timedelta(days=self.entries - 1)
        head = {"act": act, "entry": self.entries, "by": "cli:anna", "at": instant_text(at)}
        self._leaf(b"A", canonical_bytes({**head, **told}))
        return at

    def checkpoint(self, at: datetime) -> Record:
        """Seal what there is."""
        size, root = self.tree.size, self.tree.root()
        told = Checkpoint(origin=origin_of(self.engagement), size=size, root=root, at=at)
        self.note = sealed(told, self.seal)
        self.lines.append(note_line(b"C", self.note))
        return self

    def countersigned(self, by: Hand = CLIENT) -> Record:
        """Add the countersignature of the last checkpoint, and a period's document, with acts."""
        assert self.note is not None
        note = countersigned(self.note, by)
        self.entries += 1
        self._act("countersignature", {"note": str(note), "side": "client"})
        self.lines.append(note_line(b"S", note))
        document = canonical_bytes({"period": "2025-01", "total": "12.50"})
        self.entries += 1
        told = {"document_sha256": sha256(document).hexdigest(), "period": "2025-01"}
        at = self._act("period", told)
        self.lines.append(b"P " + document)
        return self.checkpoint(at)

    def pack(self) -> bytes:
        """Return the pack of what there is."""
        return finished([header(self.engagement, self.entries, self.tree.size), *self.lines])

    def _event(self, position: int, *, is_withheld: bool) -> None:
        at = MORNING + timedelta(seconds=self.random.randrange(10**6), microseconds=position)
        event: dict[str, Any] = {
            "at": instant_text(at),
            "facts": {"activity": self.random.choice(["Wait", "Löschen", "𐀀"]), "is_new": True},
            "kind": "case",
            "part": 1,
            "position": position,
            "row": self.random.randbytes(16).hex(),
            "salt": self.random.randbytes(16).hex(),
            "subject": f"Case {self.random.randrange(100)}",
            "type": "activity",
        }
        salt, value = self.random.randbytes(16), f"Value {self.random.randrange(100)}"
        if has_content := self.random.random() < 0.4:
            committed = sha256(salt + canonical_bytes(["customer", value])).hexdigest()
            event["committed"] = {"customer": committed}
        sequence = self.tree.size
        self._leaf(b"E", canonical_bytes(event), is_withheld=is_withheld)
        if has_content and not is_withheld:
            opened = canonical_bytes({"customer": {"salt": salt.hex(), "value": value}})
            self.lines.append(b"O %d %b" % (sequence, opened))

    def _leaf(self, tag: bytes, line: bytes, *, is_withheld: bool = False) -> None:
        leaf = leaf_hash(line)
        start = b"%d %b" % (self.tree.size, leaf.hex().encode())
        self.lines.append(b"X " + start if is_withheld else b"%b %b %b" % (tag, start, line))
        self.tree.append(leaf)


def header(engagement: EngagementId, entries: int, leaves: int) -> bytes:
    """Return the line H."""
    told = {
        "pack": 1, "engagement": str(engagement), "handle": "helpdesk", "for": "client",
        "made_at": instant_text(MORNING), "made_by": "cli:anna", "entries": entries,
        "leaves": leaves, "periods": ["2025-01"],
    }  # fmt: skip
    return b"H " + canonical_bytes(told)


def note_line(tag: bytes, note: SignedNote) -> bytes:
    """Return a line that carries a note."""
    return tag + b" " + canonical_bytes({"note": str(note)})


def finished(lines: Sequence[bytes]) -> bytes:
    """Return the pack of these lines, with the line Z."""
    content = b"".join(line + b"\n" for line in lines)
    last = {"lines": len(lines), "sha256": sha256(content).hexdigest()}
    return content + b"Z " + canonical_bytes(last) + b"\n"


def lines_of(pack: bytes) -> list[bytes]:
    """Return a pack's lines without Z."""
    return pack.split(b"\n")[:-2]


def computed_anew(lines: Sequence[bytes]) -> list[bytes]:
    """
    Return lines with new numbers, leaves, entries and counts, as a forger would make them.

    What it cannot make anew are the signatures: checkpoints stay as they are.
    """
    made: list[bytes] = []
    size = entries = 0
    for line in lines:
        tag, *rest = line.split(b" ", 3)
        if tag == b"O":
            made.append(b"O %d %b" % (size - 1, line.split(b" ", 2)[2]))
        elif tag == b"X":
            made.append(b"X %d %b" % (size, rest[1]))
        elif tag in (b"E", b"A"):
            told = json.loads(rest[2])
            if tag == b"A":
                entries += 1
                told["entry"] = entries
            content = canonical_bytes(told)
            leaf = leaf_hash(content).hex().encode()
            made.append(b"%b %d %b %b" % (tag, size, leaf, content))
        else:
            made.append(line)
        size += tag in (b"E", b"A", b"X")
    told = json.loads(made[0][2:])
    made[0] = b"H " + canonical_bytes({**told, "entries": entries, "leaves": size})
    return made
