"""
Spans of dates or of instants: half-open, so that neighbours meet and never overlap.

An instant is an aware datetime; here and everywhere it is kept in `datetime.timezone.utc`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Generic, TypeVar, cast

T = TypeVar("T", bound=date)
"""`date` or `datetime`; which of the two, a span never mixes."""


def as_utc(moment: datetime) -> datetime:
    """Return the same instant in UTC. Raises ValueError for a naive datetime, which is none."""
    if moment.tzinfo is UTC:
        return moment
    if moment.utcoffset() is None:
        raise ValueError(f"{moment.isoformat()} has no time zone. Give the instant in UTC.")
    return moment.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Span(Generic[T]):
    """What runs from `start` until just before `end`; `end` None means that no end is known."""

    start: T
    end: T | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", _kept(self.start))
        if self.end is None:
            return
        object.__setattr__(self, "end", _kept(self.end))
        if self.end <= self.start:
            raise ValueError(f"A span ends after it starts, and {self} does not.")

    def contains(self, moment: T) -> bool:
        """Return whether `moment` lies in the span; its start does, its end does not."""
        return self.start <= moment and (self.end is None or moment < self.end)

    __contains__ = contains

    def overlaps(self, other: Span[T]) -> bool:
        """Return whether some moment lies in both spans."""
        return not self.before(other) and not other.before(self)

    def intersection(self, other: Span[T]) -> Span[T] | None:
        """Return what lies in both spans, or None when nothing does."""
        if not self.overlaps(other):
            return None
        ends = [end for end in (self.end, other.end) if end is not None]
        return Span(max(self.start, other.start), min(ends, default=None))

    def meets(self, other: Span[T]) -> bool:
        """Return whether `other` starts exactly where this ends."""
        return self.end == other.start

    def before(self, other: Span[T]) -> bool:
        """Return whether all of this is over when `other` starts; spans that meet are."""
        return self.end is not None and self.end <= other.start

    def __str__(self) -> str:
        return f"[{self.start.isoformat()}, {'open' if self.end is None else self.end.isoformat()})"


def _kept(moment: T) -> T:
    """Return a date as it is and an instant in UTC."""
    return cast(T, as_utc(moment)) if isinstance(moment, datetime) else moment
