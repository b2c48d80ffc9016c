"""A version, who signed it, and the days that it governs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from openbpo.agreements.model import SIDES, Agreement, Side
from openbpo.agreements.resolved import Resolved
from openbpo.values.canonical import canonical_bytes
from openbpo.values.ids import VersionId
from openbpo.values.spans import Span


class Standing(StrEnum):
    """Whose word a version is: one side's reading of the contract, or what both have signed."""

    OUR_READING = "our_reading"
    AGREED = "agreed"

    @property
    def words(self) -> str:
        """Return what every output says of it."""
        return "agreed by both parties" if self is Standing.AGREED else "our reading"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A version as it is stored: its files, what was resolved, and the hash over both."""

    version_id: VersionId
    number: int
    supersedes: Sequence[int]
    content_hash: bytes
    files: Mapping[str, str]
    resolved: Mapping[str, Any]
    semantics: int


@dataclass(frozen=True, slots=True)
class InForce:
    """The days that a version governs, its standing, and the numbers that it supersedes."""

    in_force_id: UUID
    version_id: VersionId
    number: int
    standing: Standing
    days: Span[date]
    supersedes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Placement:
    """What a signature changes: rows that no longer hold, and the days that versions govern now."""

    superseded: tuple[InForce, ...]
    governing: tuple[tuple[VersionId, Standing, Span[date]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A version that computes: its agreement, what was resolved with it, and its standing."""

    version_id: VersionId
    content_hash: bytes
    standing: Standing
    signed_by: tuple[str, ...]
    days: Span[date]
    agreement: Agreement
    resolved: Resolved


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a party's signature says."""

    engagement: str
    side: Side
    party: str
    version: int
    content_hash: bytes
    in_force: Span[date]

    @classmethod
    def of(
        cls, agreement: Agreement, *, engagement: str, side: Side, content_hash: bytes
    ) -> Statement:
        """Return what a side's party says of an agreement that has this content hash."""
        return cls(
            engagement=engagement,
            side=side,
            party=agreement.party(side).handle,
            version=agreement.version,
            content_hash=content_hash,
            in_force=agreement.in_force,
        )

    def message(self) -> bytes:
        """Return the signed bytes: the canonical encoding of what is accepted, by whom."""
        end = self.in_force.end
        return canonical_bytes(
            {
                "openbpo": "agreement.accepted/1",
                "engagement": self.engagement,
                "side": self.side,
                "party": self.party,
                "version": self.version,
                "content_hash": self.content_hash.hex(),
                "in_force": [self.in_force.start.isoformat(), end.isoformat() if end else None],
            }
        )


def standing_of(signed_by: frozenset[str]) -> Standing:
    """Return a version's standing by the sides that have signed it."""
    return Standing.AGREED if signed_by >= set(SIDES) else Standing.OUR_READING
