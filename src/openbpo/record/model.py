"""An event and an act, as they are written to the record and as they are read from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class NewEvents:
    """The events of a chunk of rows, in their order: a list for each of their parts, as they go."""

    positions: list[int] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    row_keys: list[bytes] = field(default_factory=list)
    row_contents: list[bytes] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    happened: list[datetime] = field(default_factory=list)
    ranks: list[str | None] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    openings: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    """By the place of its event in the lists, from 0 on."""

    @classmethod
    def of(cls, events: Iterable[NewEvent]) -> NewEvents:
        """Return events that were made one by one."""
        chunk = cls()
        for event in events:
            for column, value in zip(chunk._columns(), event, strict=False):
                column.append(value)
            if event.opening:
                chunk.openings[len(chunk.lines) - 1] = event.opening
        return chunk

    def __iter__(self) -> Iterator[NewEvent]:
        """Yield each event."""
        for nth, told in enumerate(zip(*self._columns(), strict=True)):
            yield NewEvent._make((*told, self.openings.get(nth)))

    def _columns(self) -> tuple[list[Any], ...]:
        return (
            self.positions, self.parts, self.row_keys, self.row_contents, self.subjects,
            self.happened, self.ranks, self.lines, self.leaves,
        )  # fmt: skip

    @property
    def is_one_each(self) -> bool:
        """Tell whether the rows tell one event each, and follow one another without a gap."""
        if not self.positions:
            return False
        gap = self.positions[-1] - self.positions[0] + 1 - len(self.positions)
        return gap == 0 and self.parts.count(1) == len(self.parts)

    @property
    def rows_differ(self) -> bool:
        """Tell whether no two rows are equal, or of one key."""
        return len(set(self.row_keys)) == self.parts.count(1)

    @property
    def are_compared_by_key(self) -> bool:
        """Tell whether what each row holds is what it is known again by."""
        return self.row_contents == self.row_keys


class RecordedEvent(NamedTuple):
    """An event as measures read it: facts only."""

    event_id: EventId
    kind: str
    subject: str
    happened_at: datetime
    source: str
    type: str
    facts: Facts


class ToldEvent(NamedTuple):
    """An event as its line tells it; the sealed record's own words, without salts."""

    happened_at: datetime
    kind: str
    type: str
    subject: str
    facts: Facts
    position: int
    part: int
    row: str
    rank: str | None
    committed: Mapping[str, str] | None


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
