"""An event, as it is written to the record and as it is read from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from openbpo.values.ids import EngagementId, EventId, RecordingId


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What every event has: its kind, its case, when it happened, when and by whom recorded."""

    engagement_id: EngagementId
    event_id: EventId
    recording_id: RecordingId
    position: int
    type: str
    subject: str
    happened_at: datetime
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class Committed:
    """Attribute values with a salt of 16 bytes each; salts stand in the order of the names."""

    values: Mapping[str, Any]
    salts: bytes


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event with its leaf: the hash that the record's tree will be built of."""

    envelope: Envelope
    facts: Committed
    content: Committed
    content_commitments: Mapping[str, str]
    leaf: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """An event as measures read it: facts only."""

    event_id: EventId
    subject: str
    happened_at: datetime
    position: int
    source: str
    facts: Mapping[str, Any]
