"""A case as its events tell it, and the time that counted in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from openbpo.values.ids import EventId


class CaseEvent(NamedTuple):
    """
    What happened, when; `values` holds the event's own facts, None where empty.

    `type` is of which type it is, where its mapping tells several.
    """

    event_id: EventId
    happened_at: datetime
    values: Mapping[str, object]
    type: str = ""


@dataclass(frozen=True, slots=True, order=True)
class OpenQuestion:
    """A condition that a case's empty values leave undecided: a null never decides."""

    case: str
    condition: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """
    One piece of work: its events in order, its attributes, and which event each moment is.

    A moment that has not happened is absent.
    """

    key: str
    events: tuple[CaseEvent, ...]
    attributes: Mapping[str, object]
    moments: Mapping[str, int]
    questions: tuple[OpenQuestion, ...]

    def at(self, moment: str) -> datetime | None:
        """Return when a moment happened, None if it has not."""
        index = self.moments.get(moment)
        return None if index is None else self.events[index].happened_at


@dataclass(frozen=True, slots=True)
class Stretch:
    """
    The time between two events of a case: counted or paused, and the working time in it.

    `pause` names the first pause by which it stood still.
    """

    start: datetime
    end: datetime
    state: Literal["counted", "paused"]
    working_us: int
    after: CaseEvent
    pause: str | None = None


@dataclass(frozen=True, slots=True)
class Elapsed:
    """Working time between two moments, in microseconds: what counted and what stood still."""

    counted_us: int
    paused_us: int
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """
    A part of a stretch in which one thing is so: it counts, within or beyond the promise, the clock
    stands still by a pause, or it is outside working time.
    """

    start: datetime
    end: datetime
    state: Literal["counted", "late", "paused", "outside"]
    pause: str | None = None

    @property
    def lasts_us(self) -> int:
        """Return how long it is, in microseconds."""
        return (self.end - self.start) // timedelta(microseconds=1)
