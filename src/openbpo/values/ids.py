"""
Names of things. Inside, a UUID that sorts by time; outside, an opaque name that tells nothing.

Both are pure: whoever makes an id passes in the time and the randomness.
"""

from __future__ import annotations

import re
from typing import Final, NewType
from uuid import UUID

EngagementId = NewType("EngagementId", UUID)
PartyId = NewType("PartyId", UUID)
VersionId = NewType("VersionId", UUID)
RecordingId = NewType("RecordingId", UUID)
EventId = NewType("EventId", str)
"""Where an event stands: its recording and its ordinal there, as 3.1042."""

_DIGITS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PREFIX: Final = re.compile("[a-z][a-z0-9]*")
_RANDOM_A_BITS: Final = 12
_RANDOM_B_BITS: Final = 62


def uuid7(unix_ms: int, random_bits: bytes) -> UUID:
    """
    Return the version 7 UUID of a time in Unix milliseconds (48 bits) and 10 random bytes.

    74 of the 80 random bits are used: the first 12 and the last 62. Source: RFC 9562, section 5.7.
    """
    if not 0 <= unix_ms < 1 << 48:
        raise ValueError(f"{unix_ms} is no time in Unix milliseconds of 48 bits.")
    if len(random_bits) != 10:
        raise ValueError(f"A version 7 UUID takes 10 random bytes, not {len(random_bits)}.")
    random = int.from_bytes(random_bits)
    random_a = random >> (80 - _RANDOM_A_BITS)
    random_b = random & ((1 << _RANDOM_B_BITS) - 1)
    return UUID(int=unix_ms << 80 | 0x7 << 76 | random_a << 64 | 0b10 << 62 | random_b)


def outward_id(prefix: str, random: bytes) -> str:
    """
    Return an opaque name to show outside, such as `rec_7h2k...`, of 16 random bytes.

    26 digits of Crockford's base 32 in lower case (no i, l, o or u), most significant first.
    """
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(f"{prefix!r} is no prefix. Write lower-case letters, such as rec.")
    if len(random) != 16:
        raise ValueError(f"An outward id takes 16 random bytes, not {len(random)}.")
    number = int.from_bytes(random)
    return f"{prefix}_" + "".join(_DIGITS[number >> shift & 31] for shift in range(125, -1, -5))
