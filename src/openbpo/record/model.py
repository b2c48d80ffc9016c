"""An event and an act, as they are written to the record and as they are read from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from openbpo.values.ids import EventId

Facts = Mapping[str, Any]
"""Attribute values by name, as JSON holds them: text, true, false or null; nothing as a float."""


CASE_KINDS = ("call", "case")
"""Kinds of events that tell of cases. The others are of agents, intervals, heads and quantities."""


class NewEvent(NamedTuple):
    """
    An event on its way into the record: its line, its leaf, and what stands beside them.

    `opening` holds what the line's commitments stand for, {name: {"salt": hex, "value": ...}}.
    """

    position: int
    part: int
    row_key: bytes
    row_content: bytes
    subject: str
    happened_at: datetime
    rank: str | None
    line: str
    leaf: bytes
    opening: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """An event as measures read it: facts only."""

    event_id: EventId
    kind: str
    subject: str
    happened_at: datetime
    source: str
    type: str
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    An act as the record keeps it: its line, and where its leaves stand.

    `events` is how many it brought in; they have the sequence numbers from `first_sequence` on, and
    its own line has the next one.
    """

    entry: int
    act: str
    recording: int | None
    events: int
    first_sequence: int
    entered_at: datetime
    entered_by: str
    told: str
    leaf: bytes

    @property
    def end(self) -> int:
        """Return how many leaves the record has with this entry."""
        return self.first_sequence + self.events + 1
