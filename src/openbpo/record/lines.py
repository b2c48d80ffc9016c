"""
The lines of the record, of which the tree is built. Pure; described in docs/reference/record.md.

The line of an event is its leaf: what is hashed is the very text that is stored and handed on, so
that nobody has to encode anything again to check it. What may be erased, or is one side's alone,
enters as a commitment: SHA-256 over a salt of its own and the canonical encoding of its name and
value. Who holds only the line learns nothing of such a value, and erasing it with its salt leaves
the line as it was. The salt in the line keeps the hash of a withheld event from being guessed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from json.encoder import encode_basestring
from typing import Any

from openbpo.values.canonical import canonical_bytes

SALT_BYTES = 16
LEAF_PREFIX = b"\x00"  # RFC 6962, section 2.1: leaves and nodes are hashed apart
LEAF_ENCODING = 2
"""The form of lines below. What was written before (1) was written again in it."""

_WORDS = {None: "null", True: "true", False: "false"}


def leaf_hash(line: bytes) -> bytes:
    """Return the leaf of a line (RFC 6962, section 2.1), 32 bytes."""
    return hashlib.sha256(LEAF_PREFIX + line).digest()


def commitment(salt: bytes, name: str, value: object) -> str:
    """Return the commitment of an attribute's value, SHA-256 in hex."""
    return hashlib.sha256(salt + canonical_bytes([name, value])).hexdigest()


def facts_text(facts: Mapping[str, object]) -> str:
    """
    Return facts as a line tells them: a canonical JSON object of text, true, false and null.

    Raises TypeError for anything else, and for a name that is not ASCII: of ASCII the order by code
    points is the canonical one. By hand, as whoever verifies a record does it for every event.
    """
    told = []
    for name in sorted(facts):
        value = facts[name]
        if value.__class__ is str:
            text = encode_basestring(value)
        elif value is None or value is True or value is False:
            text = _WORDS[value]
        else:
            raise TypeError(f"{name} is {value!r}, which is neither text, true, false nor null.")
        if not name.isascii():
            raise TypeError(f"{name!r} is no name of a fact: it is not ASCII.")
        told.append(f"{encode_basestring(name)}:{text}")
    return "{" + ",".join(told) + "}"


def event_line(
    kind: str,
    type_: str,
    subject: str,
    happened_at: datetime,
    facts: str,
    position: int,
    part: int,
    row: str,
    salt: str,
    rank: str | None,
    committed: Mapping[str, str] | None,
) -> str:
    """
    Return an event's line: canonical JSON, put together by hand as every import waits for it.

    `happened_at` is in UTC, `facts` are as `facts_text` writes them, `row` and `salt` are hex. Half
    a character raises UnicodeEncodeError when the line is encoded.
    """
    held = f',"committed":{facts_text(committed)}' if committed else ""
    ranked = f',"rank":{encode_basestring(rank)}' if rank is not None else ""
    return (
        f'{{"at":"{happened_at.isoformat(timespec="microseconds")[:26]}Z"{held},"facts":{facts}'
        f',"kind":"{kind}","part":{part},"position":{position}{ranked},"row":"{row}"'
        f',"salt":"{salt}","subject":{encode_basestring(subject)}'
        f',"type":{encode_basestring(type_)}}}'
    )


def act_line(act: str, told: Mapping[str, Any]) -> bytes:
    """Return the line of an act, canonical JSON."""
    assert "act" not in told, told
    return canonical_bytes({"act": act, **told})
