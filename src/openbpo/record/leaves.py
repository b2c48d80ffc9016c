"""
The leaf of an event, of which the tree is built. Pure; described in docs/reference/record.md.

Each attribute enters as a commitment, SHA-256 over a salt of its own and the canonical encoding
of its name and value. Who holds only the leaf's input learns nothing of a value, and erasing a
value with its salt leaves the leaf as it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from openbpo.record.model import Committed, Envelope
from openbpo.values.canonical import ENCODING_VERSION, canonical_bytes, instant_text

SALT_BYTES = 16
LEAF_PREFIX = b"\x00"  # RFC 6962, section 2.1: leaves and nodes are hashed apart


def commitments(attributes: Committed) -> dict[str, str]:
    """Return each attribute's commitment, SHA-256 in hex, by name."""
    names = sorted(attributes.values)
    assert len(attributes.salts) == SALT_BYTES * len(names), "one salt for each attribute"
    return {
        name: _commitment(attributes.salts[at : at + SALT_BYTES], name, attributes.values[name])
        for name, at in zip(names, range(0, len(attributes.salts), SALT_BYTES), strict=True)
    }


def _commitment(salt: bytes, name: str, value: object) -> str:
    return hashlib.sha256(salt + canonical_bytes([name, value])).hexdigest()


def leaf_input(envelope: Envelope, facts: Mapping[str, str], content: Mapping[str, str]) -> bytes:
    """Return what is hashed: the envelope, and the commitments of all facts and all content."""
    return canonical_bytes(
        {
            "encoding": ENCODING_VERSION,
            "engagement": str(envelope.engagement_id),
            "event": str(envelope.event_id),
            "recording": str(envelope.recording_id),
            "position": envelope.position,
            "type": envelope.type,
            "subject": envelope.subject,
            "happened_at": instant_text(envelope.happened_at),
            "recorded_at": instant_text(envelope.recorded_at),
            "recorded_by": envelope.recorded_by,
            "facts": dict(facts),
            "content": dict(content),
        }
    )


def leaf_hash(leaf: bytes) -> bytes:
    """Return the leaf's hash (RFC 6962, section 2.1), 32 bytes."""
    return hashlib.sha256(LEAF_PREFIX + leaf).digest()
